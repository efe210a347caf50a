/** Array type that holds a tensor's elements. F16 and BF16 are kept as their 16 bits; `toFloat32` widens them. */
export interface TensorData {
  F64: Float64Array;
  F32: Float32Array;
  F16: Uint16Array;
  BF16: Uint16Array;
  I64: BigInt64Array;
  I32: Int32Array;
  I16: Int16Array;
  I8: Int8Array;
  U64: BigUint64Array;
  U32: Uint32Array;
  U16: Uint16Array;
  U8: Uint8Array;
  BOOL: Uint8Array;
}

/** Element type, in safetensors' words. */
export type Dtype = keyof TensorData;

/** A dense array: elements in row-major order, as many as the product of `shape`. */
export type Tensor = {
  [D in Dtype]: { readonly dtype: D; readonly shape: readonly number[]; readonly data: TensorData[D] };
}[Dtype];

/** Tensors by name. */
export type Tensors = Readonly<Record<string, Tensor>>;

const arrays = {
  F64: Float64Array,
  F32: Float32Array,
  F16: Uint16Array,
  BF16: Uint16Array,
  I64: BigInt64Array,
  I32: Int32Array,
  I16: Int16Array,
  I8: Int8Array,
  U64: BigUint64Array,
  U32: Uint32Array,
  U16: Uint16Array,
  U8: Uint8Array,
  BOOL: Uint8Array,
} satisfies { [D in Dtype]: { BYTES_PER_ELEMENT: number } };

export const isDtype = (name: unknown): name is Dtype =>
  typeof name === 'string' && Object.hasOwn(arrays, name);

export const bytesPerElement = (dtype: Dtype): number => arrays[dtype].BYTES_PER_ELEMENT;

/** Number of elements of a shape: the product of its dimensions, 1 for a scalar. */
export const sizeOf = (shape: readonly number[]): number => shape.reduce((product, n) => product * n, 1);

/**
 * A tensor over little-endian bytes, whose length fits the shape. It shares memory with `bytes` where their
 * alignment allows that, and copies otherwise.
 */
export function tensorOf(dtype: Dtype, shape: readonly number[], bytes: Uint8Array): Tensor {
  const aligned = bytes.byteOffset % bytesPerElement(dtype) === 0 ? bytes : Uint8Array.from(bytes);
  const data = new arrays[dtype](aligned.buffer as ArrayBuffer, aligned.byteOffset, sizeOf(shape));
  return { dtype, shape, data } as Tensor;
}

/** The elements as numbers and bigints, half precision widened. */
export const toNumbers = (tensor: Tensor): ArrayLike<number | bigint> =>
  tensor.dtype === 'F16' || tensor.dtype === 'BF16' ? toFloat32(tensor) : tensor.data;

/** The elements as float32, shape unchanged: F16 and BF16 exactly, F64 and integers rounded to nearest. */
export function toFloat32(tensor: Tensor): Float32Array {
  if (tensor.dtype === 'F32') return tensor.data;
  if (tensor.dtype === 'F16') return widenHalves(tensor.data);
  if (tensor.dtype === 'BF16')
    return new Float32Array(Uint32Array.from(tensor.data, (bits) => bits << 16).buffer);
  return Float32Array.from<number | bigint>(tensor.data, Number);
}

/** Every half-precision number, made when first needed: looking one up is far quicker than working it out. */
let halves: Float32Array | undefined;

function widenHalves(bits: Uint16Array): Float32Array {
  const table = (halves ??= Float32Array.from({ length: 2 ** 16 }, (_, one) => halfToNumber(one)));
  const wide = new Float32Array(bits.length);
  for (let i = 0; i < bits.length; i++) wide[i] = table[bits[i]!]!;
  return wide;
}

/** IEEE 754 binary16 from its bits. */
function halfToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction ? Number.NaN : sign * Infinity;
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1024 + fraction) * 2 ** (exponent - 25));
}
