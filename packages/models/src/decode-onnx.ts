import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ModelError } from './errors.js';
import type {
  OnnxAttribute,
  OnnxInitializer,
  OnnxModel,
  OnnxNode,
  OnnxType,
  OnnxValue,
} from './onnx-model.js';
import { integersOf, type ProtobufField, protobufFields } from './protobuf.js';
import { sizeOf } from './tensor.js';

/**
 * Decodes a graph, a file or its bytes: what `encodeOnnx` writes, and other people's within the same kinds of values.
 *
 * - Weights are views into the graph, or read from the file beside it when they are asked for: each is held once.
 * - `Constant` nodes come as initializers, inputs that have an initializer are left out, and so are attributes that are
 *   graphs, tensors or lists of strings.
 *
 * @throws ModelError `E_ONNX` for a file that can't be opened, bytes that are no ONNX model, weights that are not as long
 *   as their shape says or lie outside the graph's folder, and elements that are neither float32 nor int64
 */
export function decodeOnnx(graph: string | Uint8Array): OnnxModel {
  try {
    if (typeof graph !== 'string') return modelOf(graph);
    return modelOf(readFileSync(graph), dirname(graph));
  } catch (cause) {
    const what = typeof graph === 'string' ? graph : `graph of ${graph.length} bytes`;
    const evidence = cause instanceof ModelError ? cause.evidence : {};
    throw new ModelError('E_ONNX', `${what}: ${(cause as Error).message}`, evidence, { cause });
  }
}

function modelOf(bytes: Uint8Array, folder?: string): OnnxModel {
  const model = messageOf(bytes);
  const body = model.last(7);
  if (!body) throw fault('no ONNX model: it has no graph');
  const fields = messageOf(bytesOf(body));
  const opsets = new Map(
    model.all(8).map((one) => {
      const { text, integer } = messageOf(bytesOf(one));
      return [domainOf(text(1)) ?? '', integer(2)];
    }),
  );
  const opsetOf = (domain: string) => {
    const version = opsets.get(domain);
    if (version === undefined)
      throw fault(`it doesn't say which version of ${domain || "ONNX's"} operators it has`, { domain });
    return version;
  };

  const initializers = fields.all(5).map((one) => initializerOf(bytesOf(one), folder));
  const nodes: OnnxNode[] = [];
  for (const one of fields.all(1)) {
    const node = messageOf(bytesOf(one));
    const found = nodeOf(node);
    if (found.op === 'Constant' && !found.domain) initializers.push(constantOf(node, found, folder));
    else nodes.push(found);
    opsetOf(found.domain ?? '');
  }
  const given = new Set(initializers.map(({ name }) => name));
  return {
    opset: opsetOf(''),
    inputs: fields.all(11).flatMap((one) => {
      const name = messageOf(bytesOf(one)).text(1);
      return given.has(name) ? [] : [infoOf(bytesOf(one))];
    }),
    outputs: fields.all(12).map((one) => infoOf(bytesOf(one))),
    nodes,
    initializers,
  };
}

/** ONNX's own has two names. */
const domainOf = (name: string) => (name === '' || name === 'ai.onnx' ? undefined : name);

const types: ReadonlyMap<number, OnnxType> = new Map([
  [1, 'float32'],
  [7, 'int64'],
]);
const elementBytes = { float32: 4, int64: 8 } satisfies Record<OnnxType, number>;

function typeOf(code: number, name: string): OnnxType {
  const type = types.get(code);
  if (!type)
    throw fault(`"${name}" has elements of type ${code}; float32 (1) and int64 (7) are known here`, {
      name,
      type: code,
    });
  return type;
}

function nodeOf(node: Message): OnnxNode {
  const attributes: Record<string, OnnxAttribute> = {};
  for (const one of node.all(5)) {
    const attribute = messageOf(bytesOf(one));
    const value = attributeOf(attribute);
    if (value) attributes[attribute.text(1)] = value;
  }
  const domain = domainOf(node.text(7));
  return {
    op: node.text(4),
    ...(domain && { domain }),
    inputs: node.all(1).map(textOf),
    outputs: node.all(2).map(textOf),
    attributes,
  };
}

/** Field 20 says which of the others counts; writers of ONNX's first version leave it out. */
function attributeOf(attribute: Message): OnnxAttribute | undefined {
  const kind = attribute.integer(20) || [2, 3, 4, 8].find((number) => attribute.last(number));
  if (kind === 1) return { float: attribute.float(2) };
  if (kind === 2) return { int: attribute.integer(3) };
  if (kind === 3) return { string: attribute.text(4) };
  if (kind === 7) return { ints: attribute.all(8).flatMap((one) => integersOf(one).map(numberOf)) };
  return undefined;
}

function infoOf(bytes: Uint8Array): OnnxValue {
  const value = messageOf(bytes);
  const name = value.text(1);
  const tensor = value.message(2).message(1);
  const shape = tensor
    .message(2)
    .all(1)
    .map((one) => {
      const dimension = messageOf(bytesOf(one));
      return dimension.last(1) ? dimension.integer(1) : dimension.text(2);
    });
  return { name, type: typeOf(tensor.integer(1), name), shape };
}

function constantOf(node: Message, { outputs, attributes }: OnnxNode, folder?: string): OnnxInitializer {
  const [name = ''] = outputs;
  const value = node
    .all(5)
    .map((one) => messageOf(bytesOf(one)))
    .find((one) => one.text(1) === 'value')
    ?.last(5);
  if (value) return { ...initializerOf(bytesOf(value), folder), name };
  const { value_float: float, value_int: int, value_ints: ints } = attributes;
  if (float && 'float' in float)
    return { name, type: 'float32', shape: [], data: () => Float32Array.of(float.float) };
  if (int && 'int' in int)
    return { name, type: 'int64', shape: [], data: () => BigInt64Array.of(BigInt(int.int)) };
  if (ints && 'ints' in ints) {
    const data = BigInt64Array.from(ints.ints, BigInt);
    return { name, type: 'int64', shape: [data.length], data: () => data };
  }
  throw fault(`the constant "${name}" is no tensor, number or list of integers`, { name });
}

function initializerOf(bytes: Uint8Array, folder?: string): OnnxInitializer {
  const tensor = messageOf(bytes);
  const name = tensor.text(8);
  const type = typeOf(tensor.integer(2), name);
  const shape = tensor.all(1).flatMap((one) => integersOf(one).map(numberOf));
  if (!shape.every((n) => Number.isSafeInteger(n) && n >= 0) || !Number.isSafeInteger(sizeOf(shape)))
    throw fault(`"${name}" has the shape [${shape}]`, { name, shape });
  const length = sizeOf(shape) * elementBytes[type];
  const check = (found: number) => {
    if (found !== length)
      throw fault(`"${name}" [${shape}] takes ${length} bytes, but there are ${found}`, {
        name,
        shape,
        found,
      });
  };
  if (tensor.integer(14) === 1) {
    const entries = new Map(
      tensor.all(13).map((one) => {
        const entry = messageOf(bytesOf(one));
        return [entry.text(1), entry.text(2)];
      }),
    );
    const location = entries.get('location') ?? '';
    const offset = Number(entries.get('offset') ?? 0);
    if (folder === undefined)
      throw fault(`"${name}" lies in a second file, "${location}": open the graph by its path`, { location });
    if (location === '' || /[\\/\0]|^\.\.?$/.test(location) || !Number.isSafeInteger(offset) || offset < 0)
      throw fault(`"${name}" lies in "${location}" at ${offset}, which is no file beside the graph`, {
        location,
      });
    if (entries.has('length')) check(Number(entries.get('length')));
    const path = join(folder, location);
    return { name, type, shape, data: () => elementsOf(type, readAt(path, offset, length)) };
  }
  const raw = tensor.last(9);
  if (raw) {
    const data = bytesOf(raw);
    check(data.length);
    return { name, type, shape, data: () => elementsOf(type, data) };
  }
  const listed = type === 'int64' ? integersIn(tensor) : floatsIn(tensor);
  check(listed.byteLength);
  return { name, type, shape, data: () => listed };
}

const integersIn = (tensor: Message) => BigInt64Array.from(tensor.all(7).flatMap(integersOf));

/** One by one as fixed32, or packed. */
function floatsIn(tensor: Message): Float32Array {
  const parts = tensor.all(4).map(({ wire, ...field }) => {
    if (wire === 'varint' || wire === 'fixed64' || !('bytes' in field) || field.bytes.length % 4 !== 0)
      throw fault('float_data holds no floats');
    return field.bytes;
  });
  return elementsOf('float32', Buffer.concat(parts)) as Float32Array;
}

/** Little-endian elements: a view where the alignment allows it, else a copy. */
function elementsOf(type: OnnxType, bytes: Uint8Array): Float32Array | BigInt64Array {
  const aligned = bytes.byteOffset % elementBytes[type] === 0 ? bytes : bytes.slice();
  const { buffer, byteOffset, byteLength } = aligned;
  return type === 'float32'
    ? new Float32Array(buffer as ArrayBuffer, byteOffset, byteLength / 4)
    : new BigInt64Array(buffer as ArrayBuffer, byteOffset, byteLength / 8);
}

function readAt(path: string, offset: number, length: number): Uint8Array {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch (cause) {
    throw fault(`the weights beside the graph can't be opened: ${(cause as Error).message}`, { path }, cause);
  }
  try {
    const bytes = new Uint8Array(length);
    // a read is at most 2 GiB long
    for (let at = 0; at < length; ) {
      const read = readSync(file, bytes, at, Math.min(length - at, 2 ** 30), offset + at);
      if (read === 0) throw fault(`${path} ends before ${offset + length} bytes`, { path, offset, length });
      at += read;
    }
    return bytes;
  } finally {
    closeSync(file);
  }
}

/** A message's fields by number; a message that is not there is empty. */
interface Message {
  all(number: number): readonly ProtobufField[];
  /** The last one counts where a field that is not repeated is. */
  last(number: number): ProtobufField | undefined;
  message(number: number): Message;
  text(number: number): string;
  integer(number: number): number;
  float(number: number): number;
}

function messageOf(bytes: Uint8Array): Message {
  const fields = new Map<number, ProtobufField[]>();
  for (const field of protobufFields(bytes)) {
    const list = fields.get(field.number);
    if (list) list.push(field);
    else fields.set(field.number, [field]);
  }
  const all = (number: number) => fields.get(number) ?? [];
  const last = (number: number) => all(number).at(-1);
  return {
    all,
    last,
    message: (number) => messageOf(last(number) ? bytesOf(last(number)!) : new Uint8Array(0)),
    text: (number) => (last(number) ? textOf(last(number)!) : ''),
    integer: (number) => numberOf(last(number) ? (integersOf(last(number)!)[0] ?? 0n) : 0n),
    float(number) {
      const field = last(number);
      if (field?.wire !== 'fixed32') throw fault(`field ${number} is no float`);
      return new DataView(field.bytes.buffer, field.bytes.byteOffset, 4).getFloat32(0, true);
    },
  };
}

function bytesOf(field: ProtobufField): Uint8Array {
  if (field.wire !== 'bytes') throw fault(`field ${field.number} holds ${field.wire}, no bytes`);
  return field.bytes;
}

const textOf = (field: ProtobufField): string => new TextDecoder().decode(bytesOf(field));

/** Exactly up to 2⁵³; ends of slices may be beyond, and mean "to the end" there as well. */
const numberOf = (value: bigint): number => Number(value);

const fault = (message: string, evidence: Record<string, unknown> = {}, cause?: unknown) =>
  new ModelError('E_ONNX', message, evidence, { cause });
