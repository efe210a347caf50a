import { endianness } from 'node:os';
import { npzFault } from '../errors.js';

/** Element types of .npy files by numpy's name: type code and bytes in the file, and the array here. bool is 0 or 1. */
const dtypes = {
  float64: { code: 'f8', Data: Float64Array },
  float32: { code: 'f4', Data: Float32Array },
  int64: { code: 'i8', Data: BigInt64Array },
  int32: { code: 'i4', Data: Int32Array },
  int16: { code: 'i2', Data: Int16Array },
  int8: { code: 'i1', Data: Int8Array },
  uint64: { code: 'u8', Data: BigUint64Array },
  uint32: { code: 'u4', Data: Uint32Array },
  uint16: { code: 'u2', Data: Uint16Array },
  uint8: { code: 'u1', Data: Uint8Array },
  bool: { code: 'b1', Data: Uint8Array },
} as const;

/** Half precision, of which single precision holds every number: read as such, never written. */
const HALF = 'f2';

/** Element types that are read and written, by numpy's names. */
export type NpyDtype = keyof typeof dtypes;

/** An array of numpy: `data` in row-major (C) order, as long as the product of `shape`. */
export interface NpyArray {
  readonly dtype: NpyDtype;
  readonly shape: readonly number[];
  readonly data: NpyData;
}

/** An array's elements, in the typed array of their type. */
export type NpyData = (typeof dtypes)[NpyDtype]['Data']['prototype'];

const MAGIC = '\x93NUMPY';
const MAX_HEADER = 65_536;
const MAX_DIMENSIONS = 64;

/** What a .npy file says of its array before the elements. */
export interface NpyHeader {
  /** `>` where numbers begin with their highest byte. */
  readonly order: string;
  /** Type of an element by numpy's letter and its bytes, as f8. */
  readonly code: string;
  readonly dtype: NpyDtype;
  readonly fortran: boolean;
  readonly shape: readonly number[];
  /** Where the elements begin, and how many bytes they take. */
  readonly start: number;
  readonly byteLength: number;
}

/** As many bytes as a header may take. */
export const MAX_HEADER_BYTES = 12 + MAX_HEADER;

/**
 * What a .npy file says of its array, versions 1 to 3. `bytes`: it, or as many of its first ones as a header may take; `size`:
 * bytes of the whole file.
 *
 * `label`: how errors call it.
 *
 * @throws MetricsError E_NPZ where the bytes are no such file, or is shorter or longer than header and data.
 */
export function readNpyHeader(bytes: Uint8Array, size: number, label: string): NpyHeader {
  const fail = (why: string) => npzFault(`${label}: ${why}`, { file: label });
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (buffer.length < 12 || buffer.toString('latin1', 0, 6) !== MAGIC)
    throw fail('is no .npy file: it does not start with \\x93NUMPY');
  const version = buffer[6]!;
  if (version < 1 || version > 3) throw fail(`has .npy version ${version}; versions 1 to 3 are known`);
  const headerStart = version === 1 ? 10 : 12;
  const headerLength = version === 1 ? buffer.readUInt16LE(8) : buffer.readUInt32LE(8);
  if (headerLength > MAX_HEADER || headerStart + headerLength > buffer.length)
    throw fail(`its header would be ${headerLength} bytes long; the file is cut off or damaged`);

  const start = headerStart + headerLength;
  const { descr, fortran, shape } = parseHeader(
    buffer.toString(version === 3 ? 'utf8' : 'latin1', headerStart, start),
    fail,
  );
  const [order, code] = [descr[0]!, descr.slice(1)];
  const dtype =
    code === HALF
      ? 'float32'
      : (Object.keys(dtypes) as NpyDtype[]).find((name) => dtypes[name].code === code);
  if (!dtype || !'<>|='.includes(order))
    throw fail(`holds elements of type ${descr}; known are float16, ${Object.keys(dtypes).join(', ')}`);
  const byteLength = product(shape) * widthOf(code);
  if (byteLength !== size - start)
    throw fail(
      `shape [${shape.join(', ')}] of ${code === HALF ? 'float16' : dtype} takes ${byteLength} bytes, and ${size - start} follow the header`,
    );
  return { order, code, dtype, fortran, shape, start, byteLength };
}

/** Bytes of an element. */
const widthOf = (code: string) => Number(code.slice(1));

/**
 * Reads one .npy file, versions 1 to 3, either byte order, C or Fortran order. float16 comes as float32, which holds it
 * exactly. The array takes the memory of `bytes` where it can.
 *
 * `label`: how errors call it. Arrays of Python objects are pickles, and are refused.
 *
 * @throws MetricsError E_NPZ where the bytes are no such file, or are shorter or longer than header and data.
 */
export function readNpy(bytes: Uint8Array, label: string): NpyArray {
  const { order, code, dtype, fortran, shape, start, byteLength } = readNpyHeader(bytes, bytes.length, label);
  const width = widthOf(code);
  const isForeign =
    width > 1 && order !== '=' && order !== '|' && (order === '>') !== (endianness() === 'BE');
  const there = bytes.subarray(start, start + byteLength);
  const own = there.byteOffset % width === 0 ? there : new Uint8Array(there);
  if (isForeign) swapBytes(Buffer.from(own.buffer, own.byteOffset, byteLength), width);
  const { Data } = dtypes[dtype];
  const data =
    code === HALF
      ? fromHalf(new Uint16Array(own.buffer, own.byteOffset, byteLength / 2))
      : new Data(own.buffer as ArrayBuffer, own.byteOffset, byteLength / width);
  return { dtype, shape, data: fortran && shape.length > 1 ? toRowMajor(data, shape) : data };
}

/** IEEE 754's half precision: a sign, five bits of exponent, ten of fraction. */
function fromHalf(halves: Uint16Array): Float32Array {
  return Float32Array.from(halves, (half) => {
    const [exponent, fraction] = [(half >> 10) & 31, half & 1023];
    const size =
      exponent === 0
        ? fraction * 2 ** -24
        : exponent < 31
          ? (1024 + fraction) * 2 ** (exponent - 25)
          : fraction === 0
            ? Infinity
            : Number.NaN;
    return half & 0x8000 ? -size : size;
  });
}

function parseHeader(header: string, fail: (why: string) => Error) {
  const descr = /'descr'\s*:\s*'([^']{2,8})'/.exec(header)?.[1];
  const order = /'fortran_order'\s*:\s*(True|False)/.exec(header)?.[1];
  const sizes = /'shape'\s*:\s*\(([\dL,\s]*)\)/.exec(header)?.[1];
  if (descr?.endsWith('O'))
    throw fail('holds pickled Python objects, which are never loaded; save it as an array of numbers');
  if (descr === undefined || order === undefined || sizes === undefined)
    throw fail(
      `its header names no plain element type, order and shape: ${JSON.stringify(header.slice(0, 120))}`,
    );
  const shape = sizes
    .split(',')
    .map((size) => size.trim().replace(/L$/, ''))
    .filter((size) => size !== '')
    .map(Number);
  if (shape.length > MAX_DIMENSIONS || !shape.every(Number.isSafeInteger))
    throw fail(`has no usable shape: (${sizes.slice(0, 120)})`);
  return { descr, fortran: order === 'True', shape };
}

const product = (sizes: readonly number[]) => sizes.reduce((all, size) => all * size, 1);

function swapBytes(buffer: Buffer, size: number): void {
  if (size === 2) buffer.swap16();
  else if (size === 4) buffer.swap32();
  else buffer.swap64();
}

/** Column-major to row-major: counts through the indices in row-major order. Elements are moved as they are, not read. */
function toRowMajor<D extends NpyData>(data: D, shape: readonly number[]): D {
  const result = data.slice() as D;
  const [Unit, units] = { 1: [Uint8Array, 1], 2: [Uint16Array, 1], 4: [Uint32Array, 1], 8: [Uint32Array, 2] }[
    data.BYTES_PER_ELEMENT
  ] as [typeof Uint32Array, number];
  const [source, target] = [data, result].map(
    ({ buffer, byteOffset, length }) => new Unit(buffer as ArrayBuffer, byteOffset, length * units),
  ) as [Uint32Array, Uint32Array];
  const strides = shape.map((_, axis) => product(shape.slice(0, axis)));
  const index = shape.map(() => 0);
  let from = 0;
  for (let to = 0; to < data.length; to++) {
    for (let unit = 0; unit < units; unit++) target[to * units + unit] = source[from * units + unit]!;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      from += strides[axis]!;
      if (++index[axis]! < shape[axis]!) break;
      from -= strides[axis]! * shape[axis]!;
      index[axis] = 0;
    }
  }
  return result;
}

/** The bytes of a .npy file: version 1, little-endian, C order, the header padded to 64 bytes as numpy does. */
export function writeNpy(array: NpyArray): Uint8Array {
  const { dtype, shape, data } = array;
  const { code, Data } = dtypes[dtype];
  const length = product(shape);
  if (length !== data.length || !(data instanceof Data))
    throw npzFault(
      `an array of ${dtype} and shape [${shape.join(', ')}] needs a ${Data.name} of ${length} entries, and got a ${data.constructor.name} of ${data.length}`,
      { dtype, shape, length: data.length },
    );
  const size = Data.BYTES_PER_ELEMENT;
  const sizes = shape.length === 1 ? `${shape[0]},` : shape.join(', ');
  const dictionary = `{'descr': '${size === 1 ? '|' : '<'}${code}', 'fortran_order': False, 'shape': (${sizes}), }`;
  const headerLength = Math.ceil((10 + dictionary.length + 1) / 64) * 64 - 10;
  const bytes = Buffer.alloc(10 + headerLength + data.byteLength);
  bytes.write(`${MAGIC}\x01\x00`, 'latin1');
  bytes.writeUInt16LE(headerLength, 8);
  bytes.write(`${dictionary.padEnd(headerLength - 1)}\n`, 10, 'latin1');
  const body = bytes.subarray(10 + headerLength);
  body.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  if (size > 1 && endianness() === 'BE') swapBytes(body, size);
  return bytes;
}
