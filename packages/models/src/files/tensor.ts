/** An element type: the array of its elements, and what other formats than safetensors call it, where they have it. */
interface ElementType {
  readonly Data: { readonly BYTES_PER_ELEMENT: number };
  readonly torch: string;
  /** PyTorch's class of a storage. */
  readonly storage?: string;
  readonly numpy?: string;
}

/** By safetensors' words. F16 and BF16 are kept as their 16 bits; `toFloat32` widens them. */
const dtypes = {
  F64: { Data: Float64Array, numpy: 'f8', torch: 'torch.float64', storage: 'torch.DoubleStorage' },
  F32: { Data: Float32Array, numpy: 'f4', torch: 'torch.float32', storage: 'torch.FloatStorage' },
  F16: { Data: Uint16Array, numpy: 'f2', torch: 'torch.float16', storage: 'torch.HalfStorage' },
  BF16: { Data: Uint16Array, torch: 'torch.bfloat16', storage: 'torch.BFloat16Storage' },
  I64: { Data: BigInt64Array, numpy: 'i8', torch: 'torch.int64', storage: 'torch.LongStorage' },
  I32: { Data: Int32Array, numpy: 'i4', torch: 'torch.int32', storage: 'torch.IntStorage' },
  I16: { Data: Int16Array, numpy: 'i2', torch: 'torch.int16', storage: 'torch.ShortStorage' },
  I8: { Data: Int8Array, numpy: 'i1', torch: 'torch.int8', storage: 'torch.CharStorage' },
  U64: { Data: BigUint64Array, numpy: 'u8', torch: 'torch.uint64' },
  U32: { Data: Uint32Array, numpy: 'u4', torch: 'torch.uint32' },
  U16: { Data: Uint16Array, numpy: 'u2', torch: 'torch.uint16' },
  U8: { Data: Uint8Array, numpy: 'u1', torch: 'torch.uint8', storage: 'torch.ByteStorage' },
  BOOL: { Data: Uint8Array, numpy: 'b1', torch: 'torch.bool', storage: 'torch.BoolStorage' },
} as const satisfies Readonly<Record<string, ElementType>>;

/** Element type, in safetensors' words. */
export type Dtype = keyof typeof dtypes;

/** Array type that holds a tensor's elements. */
export type TensorData = { readonly [D in Dtype]: (typeof dtypes)[D]['Data']['prototype'] };

/** A dense array: elements in row-major order, as many as the product of `shape`. */
export type Tensor = {
  [D in Dtype]: { readonly dtype: D; readonly shape: readonly number[]; readonly data: TensorData[D] };
}[Dtype];

/** Tensors by name. */
export type Tensors = Readonly<Record<string, Tensor>>;

export const isDtype = (name: unknown): name is Dtype =>
  typeof name === 'string' && Object.hasOwn(dtypes, name);

/** The element type of a name in another format; undefined where none is called so. */
export const dtypeNamed = (format: 'torch' | 'storage' | 'numpy', name: string): Dtype | undefined =>
  (Object.keys(dtypes) as Dtype[]).find((dtype) => (dtypes[dtype] as ElementType)[format] === name);

export const bytesPerElement = (dtype: Dtype): number => dtypes[dtype].Data.BYTES_PER_ELEMENT;

/** Most dimensions of a tensor. */
export const MAX_RANK = 16;

/** A non-negative integer that doubles represent exactly. */
export const isCount = (value: unknown): value is number =>
  Number.isSafeInteger(value) && (value as number) >= 0;

/** Sizes, or as many of something else that is counted. */
export const isShape = (value: unknown): value is readonly number[] =>
  Array.isArray(value) && value.length <= MAX_RANK && value.every(isCount);

/** Number of elements of a shape: the product of its dimensions, 1 for a scalar. */
export const sizeOf = (shape: readonly number[]): number => shape.reduce((product, n) => product * n, 1);

/**
 * A tensor over little-endian bytes, whose length fits the shape. It shares memory with `bytes` where their
 * alignment allows that, and copies otherwise.
 */
export function tensorOf(dtype: Dtype, shape: readonly number[], bytes: Uint8Array): Tensor {
  const aligned = bytes.byteOffset % bytesPerElement(dtype) === 0 ? bytes : Uint8Array.from(bytes);
  const data = new dtypes[dtype].Data(aligned.buffer as ArrayBuffer, aligned.byteOffset, sizeOf(shape));
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
