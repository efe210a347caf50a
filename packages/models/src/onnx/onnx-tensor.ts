import { onnxFault } from '../errors.js';
import { MAX_RANK, sizeOf } from '../files/tensor.js';
import { type OnnxType, onnxTypes } from './onnx-model.js';
import {
  integers,
  many,
  message,
  one,
  type ProtobufField,
  type ProtobufMessage,
  text,
  whole,
} from './protobuf.js';

/** A tensor of an ONNX file, and where its elements are. */
export interface OnnxFileTensor {
  readonly name: string;
  /** Undefined: of a type whose elements are no whole bytes. */
  readonly type: OnnxType | undefined;
  readonly shape: readonly number[];
  /** `encoded`: within the tensor, which this is, in another form than their bytes. */
  readonly elements: { readonly stored: StoredElements } | { readonly encoded: Uint8Array };
}

/** Elements as their bytes in a file. */
export interface StoredElements {
  /** A plain name of a file beside the model's; undefined where it is the model's. */
  readonly location: string | undefined;
  readonly offset: number;
  /** Bytes. */
  readonly length: number;
}

/** As many bytes as they take at most, and some. */
const MAX_SIZES = 16 * MAX_RANK;

/** Reads a TensorProto. @throws ModelError `E_ONNX` where its elements are fewer or more than its shape says */
export function readOnnxTensor(tensor: ProtobufMessage): OnnxFileTensor {
  const { name = '', code = 0, sizes, raw, ...outside } = fieldsOf(tensor);
  const shape = sizes.flat();
  if (shape.length > MAX_RANK) throw onnxFault(`a tensor has more than ${MAX_RANK} sizes`);
  const what = `the tensor ${JSON.stringify(name.slice(0, 200))}`;
  const type = onnxTypeOf(code);
  const elements = sizeOf(shape);
  if (!Number.isSafeInteger(elements * 8)) throw onnxFault(`${what} would have the shape [${shape}]`);
  const needed = type && elements * onnxTypes[type].bytes;
  if (isExternal(outside)) {
    if (needed === undefined)
      throw onnxFault(`${what} is of type ${code}, whose elements can't be in another file`);
    return { name, type, shape, elements: { stored: externalOf(outside.entries, needed, what) } };
  }
  if (!raw || needed === undefined) return { name, type, shape, elements: { encoded: tensor.bytes() } };
  if (raw.length !== needed)
    throw onnxFault(`${what}, ${type} [${shape}], takes ${needed} bytes, and ${raw.length} are there`);
  return { name, type, shape, elements: { stored: { location: undefined, ...raw } } };
}

const byCode = new Map<number, OnnxType>(
  Object.entries(onnxTypes).map(([name, { code }]) => [code, name as OnnxType]),
);

/** The element type of a code of onnx.proto; undefined where its elements are no whole bytes. */
export const onnxTypeOf = (code: number): OnnxType | undefined => byCode.get(code);

/** @throws ModelError `E_ONNX` where a tensor's elements are in another file */
export function refuseExternal(tensor: ProtobufMessage): void {
  const { name = '', ...outside } = fieldsOf(tensor);
  if (isExternal(outside))
    throw onnxFault(
      `the tensor ${JSON.stringify(name.slice(0, 200))} within a node is in another file; only weights of the graph itself may be`,
    );
}

const fieldsOf = message({
  sizes: many(1, sizesOf),
  code: one(2, whole('an element type')),
  name: one(8, text),
  raw: one(9, (field) => field.place()),
  entries: many(13, message({ key: one(1, text), value: one(2, text) })),
  location: one(14, whole('data_location')),
});
type Outside = Pick<ReturnType<typeof fieldsOf>, 'entries' | 'location'>;

const isExternal = ({ entries, location }: Outside) => location === 1 || entries.length > 0;

function sizesOf(field: ProtobufField): number[] {
  if (field.whole().length > MAX_SIZES) throw onnxFault(`a tensor has more than ${MAX_RANK} sizes`);
  return integers(field).map(sizeOfDimension);
}

function sizeOfDimension(size: bigint): number {
  if (size < 0n || size > BigInt(Number.MAX_SAFE_INTEGER)) throw onnxFault(`a tensor has the size ${size}`);
  return Number(size);
}

function externalOf(entries: Outside['entries'], needed: number, what: string): StoredElements {
  const told = new Map(entries.map(({ key = '', value = '' }) => [key, value]));
  const location = told.get('location') ?? '';
  // from outside: nothing but a file beside the model is ever opened
  if (!/^[^/\\\0:]+$/.test(location) || location === '.' || location === '..')
    throw onnxFault(
      `${what} is in the file ${JSON.stringify(location.slice(0, 200))}, which is no plain name of a file beside the model: save the model with its weights beside it`,
      { location },
    );
  const number = (key: string, otherwise: number) => {
    const text = told.get(key);
    if (text === undefined) return otherwise;
    if (!/^\d{1,15}$/.test(text))
      throw onnxFault(`${what} has the ${key} ${JSON.stringify(text.slice(0, 40))}`);
    return Number(text);
  };
  const length = number('length', needed);
  if (length !== needed) throw onnxFault(`${what} takes ${needed} bytes, and ${length} are said to be there`);
  return { location, offset: number('offset', 0), length };
}
