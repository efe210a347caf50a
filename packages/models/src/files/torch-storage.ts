import { describe, PickleGlobal, type PickleMachine, PickleObject, type PickleValue } from './pickle.js';
import {
  bytesPerElement,
  type Dtype,
  dtypeNamed,
  isCount,
  isShape,
  sizeOf,
  type Tensor,
  tensorOf,
} from './tensor.js';

/** Flat memory that tensors view. Formats that keep it apart from the pickle say later where it is. */
export class TorchStorage extends PickleObject {
  private loaded: Uint8Array | undefined;
  private readonly typed = new Map<Dtype, TorchStorage>();

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
    return (this.loaded ??= this.find());
  }

  private find(): Uint8Array {
    if (!this.read) throw new TypeError('a tensor is taken from a storage before its bytes were found');
    return this.read();
  }

  release(): void {
    this.loaded = undefined;
  }

  /** The same bytes as elements of another type; those that are no whole element are left out. */
  as(dtype: Dtype): TorchStorage {
    const known = this.typed.get(dtype);
    if (known) return known;
    const bytes = this.length * bytesPerElement(this.dtype);
    const typed = new TorchStorage(dtype, Math.floor(bytes / bytesPerElement(dtype)), () => this.find());
    this.typed.set(dtype, typed);
    return typed;
  }

  /** `length` elements from `offset` on. */
  part(offset: number, length: number): TorchStorage {
    const width = bytesPerElement(this.dtype);
    return new TorchStorage(this.dtype, length, () =>
      this.find().subarray(offset * width, (offset + length) * width),
    );
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
  if (!isCount(offset) || !isShape(shape) || !isShape(stride) || shape.length !== stride.length)
    throw machine.fault('a tensor needs an offset, a shape and as many strides, all of them counts');
  const size = sizeOf(shape);
  const end = size === 0 ? 0 : 1 + shape.reduce((last, n, d) => last + (n - 1) * stride[d]!, offset);
  if (!(end <= storage.length))
    throw machine.fault(
      `a tensor [${shape}] with strides [${stride}] from ${offset} needs ${end} elements of a storage of ${storage.length}`,
    );
  if (!isRowMajor(shape, stride)) machine.spend(size);
  return new TensorView(storage, offset, shape, stride);
}

/**
 * Reads a persistent id ('storage', class, key, location, number of elements, part), as `torch.save` writes them; `part`:
 * the elements that are meant, where not all.
 */
export function storageId(id: PickleValue | undefined, machine: PickleMachine) {
  if (!Array.isArray(id) || id[0] !== 'storage')
    throw machine.fault(`it refers to ${describe(id)} where a storage is due`);
  const [, type, key, , length, view] = id as PickleValue[];
  const dtype = type instanceof PickleGlobal ? storageType(`${type}`) : undefined;
  if (!dtype) throw machine.fault(`storage of ${describe(type)} is of no known element type`);
  if (typeof key !== 'string' || !isCount(length))
    throw machine.fault('a storage needs a key and a number of elements');
  return { key, dtype, length: length, part: partOf(view, length, machine) };
}

/** Element types newer than storage classes come as bytes, and are named by tensors. */
const storageType = (name: string): Dtype | undefined =>
  name === 'torch.storage.UntypedStorage' ? 'U8' : dtypeNamed('storage', name);

/** A part of a storage: (key, offset, number of elements). */
function partOf(view: PickleValue | undefined, whole: number, machine: PickleMachine) {
  if (view === undefined || view === null) return undefined;
  const [, offset, length] = Array.isArray(view) ? (view as PickleValue[]) : [];
  if (!isCount(offset) || !isCount(length) || offset + length > whole)
    throw machine.fault(`a part of a storage of ${whole} elements lies outside of it`);
  return { offset, length };
}
