import { onnxFault } from '../errors.js';
import { sizeOf } from '../files/tensor.js';
import type { OnnxAttribute, OnnxNode } from './onnx-model.js';
import { type OnnxFileTensor, readOnnxTensor } from './onnx-tensor.js';
import type { OpenedOnnx } from './open-onnx.js';
import {
  bytes,
  floats,
  integers,
  many,
  message,
  messageOf,
  one,
  type ProtobufField,
  type ProtobufMessage,
  text,
} from './protobuf.js';

/** An ONNX file as what can be computed. */
export interface DecodedOnnx {
  /** Version of ONNX's own operators. */
  readonly opset: number;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly nodes: readonly OnnxNode[];
  readonly constants: readonly OnnxConstant[];
}

/** A weight, or a number or list of the graph. */
export interface OnnxConstant {
  readonly name: string;
  readonly shape: readonly number[];
  /** A view into the file where that can be, or read from the one beside it. */
  readonly data: () => OnnxElements;
}

/** Of float32, int64, int32 and truth values. */
export type OnnxElements = Float32Array | BigInt64Array | Int32Array | Uint8Array;

/**
 * Decodes the nodes and constants of an opened file. `Constant` nodes come among the constants; attributes that are
 * graphs, tensors or lists of texts are left out.
 *
 * @throws ModelError `E_ONNX` for nodes that are none, and constants that are neither numbers of float32, int64 or
 *   int32 nor truth values
 */
export function decodeOnnx({ file, read }: OpenedOnnx): DecodedOnnx {
  const version = (domain: string) => {
    const found = file.opsets.get(domain);
    if (found === undefined)
      throw onnxFault(`it doesn't say which version of ${domain || "ONNX's"} operators it has`, { domain });
    return found;
  };
  const constants = file.initializers.map((one) => constantOf(one, read));
  const nodes: OnnxNode[] = [];
  for (const one of file.nodes) {
    const node = nodeOf(messageOf(one));
    version(node.domain ?? '');
    if (node.op === 'Constant' && !node.domain) constants.push(constantIn(one, node, read));
    else nodes.push(node);
  }
  return {
    opset: version(''),
    inputs: file.inputs.map(({ name }) => name),
    outputs: file.outputs.map(({ name }) => name),
    nodes,
    constants,
  };
}

const attribute = message({
  name: one(1, text),
  float: one(2, (field) => Buffer.from(field.bytes('fixed32')).readFloatLE()),
  int: one(3, (field) => Number(integers(field)[0])),
  string: one(4, text),
  tensor: one(5, bytes),
  ints: many(8, integers),
});
const node = message({
  inputs: many(1, text),
  outputs: many(2, text),
  op: one(4, text),
  attributes: many(5, attribute),
  domain: one(7, text),
});

/** See `decodeOnnx` for what is left out. @throws ModelError `E_ONNX` for what is no node */
export function nodeOf(message: ProtobufMessage): OnnxNode {
  const { inputs, outputs, op = '', attributes, domain = '' } = node(message);
  return {
    op,
    ...(domain !== '' && domain !== 'ai.onnx' && { domain }),
    inputs,
    outputs,
    attributes: Object.fromEntries(
      attributes.flatMap((one) => {
        const value = settingOf(one);
        return value ? [[one.name ?? '', value]] : [];
      }),
    ),
  };
}

function settingOf({ float, int, string, ints }: ReturnType<typeof attribute>): OnnxAttribute | undefined {
  if (float !== undefined) return { float };
  if (int !== undefined) return { int };
  if (string !== undefined) return { string };
  return ints.length > 0 ? { ints: ints.flat().map(Number) } : undefined;
}

function constantIn(
  bytes: Uint8Array,
  { outputs, attributes }: OnnxNode,
  read: OpenedOnnx['read'],
): OnnxConstant {
  const [name = ''] = outputs;
  const { tensor } = node(messageOf(bytes)).attributes.find((one) => one.name === 'value') ?? {};
  if (tensor) {
    const within: OpenedOnnx['read'] = (part) =>
      part.location === undefined ? tensor.subarray(part.offset, part.offset + part.length) : read(part);
    return { ...constantOf(readOnnxTensor(messageOf(tensor)), within), name };
  }
  const { value_float: float, value_int: int, value_ints: ints } = attributes;
  if (float && 'float' in float) return { name, shape: [], data: () => Float32Array.of(float.float) };
  if (int && 'int' in int) return { name, shape: [], data: () => BigInt64Array.of(BigInt(int.int)) };
  if (ints && 'ints' in ints)
    return { name, shape: [ints.ints.length], data: () => BigInt64Array.from(ints.ints, BigInt) };
  throw onnxFault(`the constant "${name}" is no tensor, number or list of whole numbers`, { name });
}

const arrays = { float32: Float32Array, int64: BigInt64Array, int32: Int32Array, bool: Uint8Array } as const;
type Known = keyof typeof arrays;

function constantOf({ name, type, shape, elements }: OnnxFileTensor, read: OpenedOnnx['read']): OnnxConstant {
  if (!type || !Object.hasOwn(arrays, type))
    throw onnxFault(
      `"${name}" is of ${type ?? 'parts of bytes'}; ${Object.keys(arrays).join(', ')} are known here`,
      {
        name,
      },
    );
  const known = type as Known;
  if ('stored' in elements) return { name, shape, data: () => elementsOf(known, read(elements.stored)) };
  const listed = listedIn(elements.encoded, known);
  if (listed.length !== sizeOf(shape))
    throw onnxFault(`"${name}" [${shape}] has ${listed.length} elements`, { name, shape });
  return { name, shape, data: () => listed };
}

/** Little-endian: a view where the alignment allows it, else a copy. */
function elementsOf(type: Known, bytes: Uint8Array): OnnxElements {
  const { BYTES_PER_ELEMENT: each } = arrays[type];
  const { buffer, byteOffset, length } = bytes.byteOffset % each === 0 ? bytes : bytes.slice();
  return new arrays[type](buffer as ArrayBuffer, byteOffset, length / each);
}

/** Elements in the tensor's field of their type, one by one or packed. */
function listedIn(tensor: Uint8Array, type: Known): OnnxElements {
  const parts = <T>(number: number, read: (field: ProtobufField) => T): T[] =>
    [...messageOf(tensor).fields()].filter((field) => field.number === number).map(read);
  if (type === 'float32') return elementsOf(type, Buffer.concat(parts(4, floats)));
  if (type === 'int64') return BigInt64Array.from(parts(7, integers).flat());
  return arrays[type].from(parts(5, integers).flat().map(Number));
}
