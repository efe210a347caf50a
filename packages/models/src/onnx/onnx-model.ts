import { PbfWriter } from 'pbf';
import { sizeOf } from '../files/tensor.js';

/** The part of ONNX that a network needs, as plain data; field names follow onnx.proto. */
export interface OnnxModel {
  readonly opset: number;
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
  /** Bytes are a node that is encoded already. */
  readonly nodes: readonly (OnnxNode | Uint8Array)[];
  /** Bytes are a tensor that is encoded already. */
  readonly initializers: readonly (OnnxInitializer | Uint8Array)[];
  /** What a model needs that nodes of another file came into. */
  readonly foreign?: {
    readonly irVersion: number;
    /** Versions of the operators' domains beside ONNX's own. */
    readonly opsets: ReadonlyMap<string, number>;
    /** Encoded already. */
    readonly functions: readonly Uint8Array[];
  };
}

export interface OnnxValue {
  readonly name: string;
  readonly type: OnnxType;
  /** A name stands for a size that is only known when the graph runs. */
  readonly shape: readonly (number | string)[];
}

/** One operation of a graph, from values by name to values by name; an input that is left out has no name. */
export interface OnnxNode {
  readonly op: string;
  /** Of an operator that is not ONNX's own. */
  readonly domain?: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, OnnxAttribute>>;
}

/** A setting of an operation. */
export type OnnxAttribute =
  | { readonly int: number }
  | { readonly ints: readonly number[] }
  | { readonly float: number }
  | { readonly string: string };

export interface OnnxInitializer {
  readonly name: string;
  readonly type: OnnxType;
  readonly shape: readonly number[];
  /** The elements; asked for when they are written, so that a conversion needs to hold one tensor at a time. */
  readonly data: () => ArrayBufferView;
}

export type OnnxType = keyof typeof onnxTypes;

/** A model as bytes. Weights beyond what one protocol buffer can hold come as parts of a second file. */
export interface EncodedOnnx {
  readonly graph: Uint8Array;
  /**
   * Where there is one: a file that must lie beside the graph under this name, its parts one after another. They are
   * made as they are asked for.
   */
  readonly external?: { readonly name: string; readonly parts: Iterable<Uint8Array> };
}

const IR_VERSION = 8;
/** Element types whose elements are whole bytes, with their code in onnx.proto. */
export const onnxTypes = {
  float32: { code: 1, bytes: 4 },
  uint8: { code: 2, bytes: 1 },
  int8: { code: 3, bytes: 1 },
  uint16: { code: 4, bytes: 2 },
  int16: { code: 5, bytes: 2 },
  int32: { code: 6, bytes: 4 },
  int64: { code: 7, bytes: 8 },
  bool: { code: 9, bytes: 1 },
  float16: { code: 10, bytes: 2 },
  float64: { code: 11, bytes: 8 },
  uint32: { code: 12, bytes: 4 },
  uint64: { code: 13, bytes: 8 },
  bfloat16: { code: 16, bytes: 2 },
} as const;
/** Protocol buffers end at 2 GiB; the nodes and names need a little of it. */
const INLINE_LIMIT = 2 ** 31 - 2 ** 24;
/** Small constants stay inside: shapes are computed from some of them before external data is read. */
const MIN_EXTERNAL = 1024;
/** Room for nodes and names, in bytes; more is found where it doesn't do. */
const NODES = 2 ** 22;
/** Offsets in external data, so that the file can be mapped into memory. */
const ALIGNMENT = 4096;

/** Encodes a model; its weights go to a second file named `externalName` when they take more than `inlineLimit` bytes. */
export function encodeOnnx(
  model: OnnxModel,
  { externalName = 'weights.bin', inlineLimit = INLINE_LIMIT } = {},
): EncodedOnnx {
  const { nodes, initializers, foreign } = model;
  const encoded = [...nodes, ...initializers, ...(foreign?.functions ?? [])].filter(isEncoded);
  const copied = encoded.reduce((sum, { length }) => sum + length, 0);
  const total = initializers.reduce((sum, one) => sum + (isEncoded(one) ? 0 : bytesOf(one)), 0);
  const placed: { start: number; one: OnnxInitializer }[] = [];
  let end = 0;
  const place = (one: OnnxInitializer): number => {
    const start = Math.ceil(end / ALIGNMENT) * ALIGNMENT;
    placed.push({ start, one });
    end = start + bytesOf(one);
    return start;
  };
  const outside = copied + total > inlineLimit;

  const writeTensor = (one: OnnxInitializer) => (pbf: PbfWriter) => {
    for (const n of one.shape) pbf.writeVarintField(1, n);
    pbf.writeVarintField(2, onnxTypes[one.type].code);
    pbf.writeStringField(8, one.name);
    const length = bytesOf(one);
    if (!outside || length < MIN_EXTERNAL) return pbf.writeBytesField(9, elements(one));
    const entries = { location: externalName, offset: place(one), length };
    for (const [key, value] of Object.entries(entries))
      within(pbf, 13, (entry) => {
        entry.writeStringField(1, key);
        entry.writeStringField(2, `${value}`);
      });
    pbf.writeVarintField(14, 1);
  };

  // sized at once: a writer that grows by doubling would hold a large network three times
  const pbf = new PbfWriter(new Uint8Array((outside ? 0 : total) + copied + NODES));
  pbf.writeVarintField(1, Math.max(IR_VERSION, foreign?.irVersion ?? 0));
  pbf.writeStringField(2, 'fewstep');
  within(pbf, 7, (graph) => {
    for (const node of nodes)
      if (isEncoded(node)) graph.writeBytesField(1, node);
      else within(graph, 1, writeNode(node));
    graph.writeStringField(2, 'denoiser');
    for (const one of initializers)
      if (isEncoded(one)) graph.writeBytesField(5, one);
      else within(graph, 5, writeTensor(one));
    for (const value of model.inputs) within(graph, 11, writeValue(value));
    for (const value of model.outputs) within(graph, 12, writeValue(value));
  });
  const own = nodes.flatMap((node) => (isEncoded(node) ? [] : (node.domain ?? [])));
  const opsets = new Map([
    ['', model.opset],
    ...own.map((domain) => [domain, 1] as const),
    ...(foreign?.opsets ?? []),
  ]);
  for (const [domain, version] of opsets)
    within(pbf, 8, (opset) => {
      opset.writeStringField(1, domain);
      opset.writeVarintField(2, version);
    });
  for (const one of foreign?.functions ?? []) pbf.writeBytesField(25, one);
  const graph = pbf.finish();
  if (!outside) return { graph };
  return { graph, external: { name: externalName, parts: { [Symbol.iterator]: () => parts(placed) } } };
}

/** Writes a message as a field of another. */
const within = (pbf: PbfWriter, number: number, write: (message: PbfWriter) => void): void =>
  pbf.writeMessage(number, (_, message) => write(message), null);

const isEncoded = (one: object): one is Uint8Array => one instanceof Uint8Array;

const bytesOf = ({ type, shape }: OnnxInitializer) => sizeOf(shape) * onnxTypes[type].bytes;

function elements({ data }: OnnxInitializer): Uint8Array {
  const { buffer, byteOffset, byteLength } = data();
  return new Uint8Array(buffer, byteOffset, byteLength);
}

function* parts(
  placed: readonly { start: number; one: OnnxInitializer }[],
): Generator<Uint8Array, undefined> {
  let end = 0;
  for (const { start, one } of placed) {
    if (start > end) yield new Uint8Array(start - end);
    yield elements(one);
    end = start + bytesOf(one);
  }
}

/** Nodes as they stand in a graph's bytes. */
export function encodeNodes(nodes: readonly OnnxNode[]): Uint8Array {
  const pbf = new PbfWriter();
  for (const node of nodes) within(pbf, 1, writeNode(node));
  return pbf.finish();
}

const writeNode = (node: OnnxNode) => (pbf: PbfWriter) => {
  for (const name of node.inputs) pbf.writeStringField(1, name);
  for (const name of node.outputs) pbf.writeStringField(2, name);
  pbf.writeStringField(3, node.outputs[0]!);
  pbf.writeStringField(4, node.op);
  for (const [name, value] of Object.entries(node.attributes))
    within(pbf, 5, (attribute) => {
      attribute.writeStringField(1, name);
      if ('float' in value) attribute.writeFloatField(2, value.float);
      else if ('int' in value) attribute.writeVarintField(3, value.int);
      else if ('string' in value) attribute.writeStringField(4, value.string);
      else for (const n of value.ints) attribute.writeVarintField(8, n);
      const type = 'float' in value ? 1 : 'int' in value ? 2 : 'string' in value ? 3 : 7;
      attribute.writeVarintField(20, type);
    });
  if (node.domain !== undefined) pbf.writeStringField(7, node.domain);
};

const writeValue =
  ({ name, type, shape }: OnnxValue) =>
  (pbf: PbfWriter) => {
    const writeSizes = (sizes: PbfWriter) => {
      for (const size of shape)
        within(sizes, 1, (dimension) => {
          if (typeof size === 'string') dimension.writeStringField(2, size);
          else dimension.writeVarintField(1, size);
        });
    };
    pbf.writeStringField(1, name);
    within(pbf, 2, (any) =>
      within(any, 1, (tensor) => {
        tensor.writeVarintField(1, onnxTypes[type].code);
        within(tensor, 2, writeSizes);
      }),
    );
  };
