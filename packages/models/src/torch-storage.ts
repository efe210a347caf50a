import { describe, PickleGlobal, type PickleMachine, PickleObject, type PickleValue } from './pickle.js';
import { bytesPerElement, type Dtype, sizeOf, type Tensor, tensorOf } from './tensor.js';

/** PyTorch's names of storage classes, and their element type. */
const storageTypes: ReadonlyMap<string, Dtype> = new Map<string, Dtype>([
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

/** Flat memory that tensors view. Formats that keep it apart from the pickle say later where it is. */
export class TorchStorage extends PickleObject {
  private loaded: Uint8Array | undefined;

  /** `read` gives the bytes, as many as `length` elements take. */
  constructor(
    readonly dtype: Dtype,
    readonly length: number,
    public read: (() => Uint8Array) | undefined,
  ) {
    super();
  }

  /** The bytes, read when first asked for and kept until `release`. */
  get bytes(): Uint8Array {
    if (!this.read) throw new TypeError('a tensor is taken from a storage before its bytes were found');
    return (this.loaded ??= this.read());
  }

  release(): void {
    this.loaded = undefined;
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
    const { bytes } = storage;
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

/** Reads a persistent id ('storage', class, key, location, number of elements, …), as `torch.save` writes them. */
export function storageId(id: PickleValue | undefined, machine: PickleMachine) {
  if (!Array.isArray(id) || id[0] !== 'storage')
    throw machine.fault(`it refers to ${describe(id ?? null)} where a storage is due`);
  const [, type, key, , length, view] = id as PickleValue[];
  const dtype =
    type instanceof PickleGlobal && type.module === 'torch' ? storageTypes.get(type.name) : undefined;
  if (!dtype) throw machine.fault(`storage of ${describe(type ?? null)} is of no known element type`);
  if (typeof key !== 'string' || !Number.isSafeInteger(length) || (length as number) < 0)
    throw machine.fault('a storage needs a key and a number of elements');
  if (view !== undefined && view !== null) throw machine.fault('a storage that views another is not read');
  return { key, dtype, length: length as number };
}
