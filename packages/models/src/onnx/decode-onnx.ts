import { memorySource } from '../files/source.js';
import { sizeOf } from '../files/tensor.js';
import { onnxFault, onnxText } from './onnx-fault.js';
import type { OnnxAttribute, OnnxNode } from './onnx-model.js';
import { type OnnxFileTensor, readOnnxTensor } from './onnx-tensor.js';
import type { OpenedOnnx } from './open-onnx.js';
import { bytesOf, integersOf, messageIn, type ProtobufField, partsOf, protobufFields } from './protobuf.js';

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
    const node = nodeOf(one);
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

/** A node of its bytes; see `decodeOnnx` for what is left out. @throws ModelError `E_ONNX` for what is none */
export function nodeOf(bytes: Uint8Array): OnnxNode {
  const [inputs, outputs]: [string[], string[]] = [[], []];
  const attributes: Record<string, OnnxAttribute> = {};
  let op = '';
  let domain = '';
  for (const field of protobufFields(bytes))
    switch (field.number) {
      case 1:
        inputs.push(onnxText(field));
        break;
      case 2:
        outputs.push(onnxText(field));
        break;
      case 4:
        op = onnxText(field);
        break;
      case 5: {
        const { name, value } = attributeOf(bytesOf(field));
        if (value) attributes[name] = value;
        break;
      }
      case 7:
        domain = onnxText(field);
        break;
    }
  return { op, ...(domain !== '' && domain !== 'ai.onnx' && { domain }), inputs, outputs, attributes };
}

function attributeOf(bytes: Uint8Array): {
  readonly name: string;
  readonly value?: OnnxAttribute;
  readonly tensor?: Uint8Array;
} {
  let name = '';
  let value: OnnxAttribute | undefined;
  let tensor: Uint8Array | undefined;
  const ints: number[] = [];
  for (const field of protobufFields(bytes))
    switch (field.number) {
      case 1:
        name = onnxText(field);
        break;
      case 2:
        value = { float: floatOf(field) };
        break;
      case 3:
        value = { int: Number(integersOf(field)[0]) };
        break;
      case 4:
        value = { string: onnxText(field) };
        break;
      case 5:
        tensor = bytesOf(field);
        break;
      case 8:
        for (const n of integersOf(field)) ints.push(Number(n));
        value = { ints };
        break;
    }
  return { name, ...(value && { value }), ...(tensor && { tensor }) };
}

function floatOf(field: ProtobufField): number {
  if (field.wire !== 'fixed32') throw onnxFault('an attribute is no float');
  return new DataView(field.bytes.buffer, field.bytes.byteOffset, 4).getFloat32(0, true);
}

function constantIn(
  bytes: Uint8Array,
  { outputs, attributes }: OnnxNode,
  read: OpenedOnnx['read'],
): OnnxConstant {
  const [name = ''] = outputs;
  const tensor = partsOf(bytes, 5)
    .map(attributeOf)
    .find((one) => one.name === 'value')?.tensor;
  if (tensor) {
    const within: OpenedOnnx['read'] = (part) =>
      part.location === undefined ? tensor.subarray(part.offset, part.offset + part.length) : read(part);
    return { ...constantOf(readOnnxTensor(messageIn(memorySource(tensor))), within), name };
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
  const of = (number: number) => [...protobufFields(tensor)].filter((field) => field.number === number);
  if (type === 'int64') return BigInt64Array.from(of(7).flatMap(integersOf));
  if (type !== 'float32') return arrays[type].from(of(5).flatMap((field) => integersOf(field).map(Number)));
  const parts = of(4).map((field) => {
    if (field.wire === 'varint' || field.wire === 'fixed64' || field.bytes.length % 4 !== 0)
      throw onnxFault('float_data holds no floats');
    return field.bytes;
  });
  return elementsOf('float32', Buffer.concat(parts));
}
