import { type PickleMachine, PickleObject, type PickleValue } from './pickle.js';
import { bytesPerElement, type Dtype, sizeOf, type Tensor, tensorOf } from './tensor.js';

/** PyTorch's names of storage classes, and their element type. */
export const storageTypes: ReadonlyMap<string, Dtype> = new Map<string, Dtype>([
  ['DoubleStorage', 'F64'],
  ['FloatStorage', 'F32'],
  ['HalfStorage', 'F16'],
  ['BFloat16Storage', 'BF16'],
  ['LongStorage', 'I64'],
  ['IntStorage', 'I32'],
  ['ShortStorage', 'I16'],
  ['CharStorage', 'I8'],
  ['ByteStorage', 'U8'],
  ['BoolStorage', 'BOOL'],
]);

/** Flat memory that tensors view. The legacy format fills `bytes` in after the pickle that refers to it. */
export class TorchStorage extends PickleObject {
  constructor(
    readonly dtype: Dtype,
    readonly length: number,
    public bytes: Uint8Array | undefined,
  ) {
    super();
  }

  setState(_: PickleValue, machine: PickleMachine): void {
    throw machine.fault('a storage has no state to set');
  }
}

/** A strided view of a storage; strides and offset in elements. `tensorView` checks that it lies inside. */
export class TensorView extends PickleObject {
  constructor(
    readonly storage: TorchStorage,
    readonly offset: number,
    readonly shape: readonly number[],
    readonly stride: readonly number[],
  ) {
    super();
  }

  /** Attributes of a tensor subclass are of no use here; a plain tensor has none. */
  setState(_: PickleValue, machine: PickleMachine): void {
    throw machine.fault('a tensor has no state to set');
  }

  /** The elements in row-major order: a view of the file where they lie so, else a copy. */
  tensor(): Tensor {
    const { storage, offset, shape, stride } = this;
    const width = bytesPerElement(storage.dtype);
    const bytes = storage.bytes;
    if (!bytes) throw new TypeError('a tensor is taken from a storage before its bytes were read');
    if (isRowMajor(shape, stride))
      return tensorOf(storage.dtype, shape, bytes.subarray(offset * width, (offset + sizeOf(shape)) * width));
    const copy = new Uint8Array(sizeOf(shape) * width);
    const index = new Array<number>(shape.length).fill(0);
    let from = offset;
    for (let to = 0; to < copy.length; to += width) {
      copy.set(bytes.subarray(from * width, (from + 1) * width), to);
      for (let d = shape.length - 1; d >= 0; d--) {
        from += stride[d]!;
        if (++index[d]! < shape[d]!) break;
        from -= stride[d]! * shape[d]!;
        index[d] = 0;
      }
    }
    return tensorOf(storage.dtype, shape, copy);
  }
}

const isRowMajor = (shape: readonly number[], stride: readonly number[]): boolean =>
  sizeOf(shape) === 0 || shape.every((n, d) => n === 1 || stride[d] === sizeOf(shape.slice(d + 1)));

const isCounts = (value: PickleValue | undefined): value is readonly number[] =>
  Array.isArray(value) && value.length <= 16 && value.every((n) => Number.isSafeInteger(n) && n >= 0);

/** A view whose every element lies inside of its storage. What a copy of it would cost is charged at once. */
export function tensorView(
  storage: PickleValue | undefined,
  offset: PickleValue | undefined,
  shape: PickleValue | undefined,
  stride: PickleValue | undefined,
  machine: PickleMachine,
): TensorView {
  if (!(storage instanceof TorchStorage))
    throw machine.fault('a tensor is built on something that is no storage');
  if (!isCounts([offset ?? null]) || !isCounts(shape) || !isCounts(stride) || shape.length !== stride.length)
    throw machine.fault('a tensor needs an offset, a shape and as many strides, all of them counts');
  const size = sizeOf(shape);
  const end =
    size === 0 ? 0 : 1 + shape.reduce((last, n, d) => last + (n - 1) * stride[d]!, offset as number);
  if (!(end <= storage.length))
    throw machine.fault(
      `a tensor [${shape}] with strides [${stride}] from ${offset} needs ${end} elements of a storage of ${storage.length}`,
    );
  if (!isRowMajor(shape, stride)) machine.spend(size);
  return new TensorView(storage, offset as number, shape, stride);
}
