import { onnxFault } from '../errors.js';
import type { Source } from '../files/source.js';
import type { OnnxType } from './onnx-model.js';
import { nodeWithPrefix, refuseSparse } from './onnx-prefix.js';
import { type OnnxFileTensor, onnxTypeOf, readOnnxTensor } from './onnx-tensor.js';
import { bytes, many, message, messageIn, messageOf, one, text, whole } from './protobuf.js';

/** What an ONNX file holds, as far as a graph must know that takes it in. Names of fields follow onnx.proto. */
export interface OnnxFile {
  readonly irVersion: number;
  /** What wrote it, in its own words. */
  readonly producer: string;
  /** Versions of the operators' domains; ONNX's own is ''. */
  readonly opsets: ReadonlyMap<string, number>;
  /** What it must be given; what has a value of its own is left out. */
  readonly inputs: readonly OnnxFileValue[];
  readonly outputs: readonly OnnxFileValue[];
  /** Values within whose type the file tells, the outputs among them, by name. */
  readonly values: ReadonlyMap<string, OnnxFileValue>;
  /** Encoded. */
  readonly nodes: readonly Uint8Array[];
  readonly initializers: readonly OnnxFileTensor[];
  /** Encoded. */
  readonly functions: readonly Uint8Array[];
}

export interface OnnxFileValue {
  readonly name: string;
  /** Undefined where it is no tensor, or one whose elements are no whole bytes. */
  readonly type: OnnxType | undefined;
  /** A name, or '?', stands for a size that the file leaves open; undefined where it leaves their number open. */
  readonly shape: readonly (number | string)[] | undefined;
}

const dimension = message({ size: one(1, whole('a size')), name: one(2, text) });
const shape = message({ sizes: many(1, dimension) });
const tensorType = message({ code: one(1, whole('an element type')), shape: one(2, shape) });
const value = message({ name: one(1, text), type: one(2, message({ tensor: one(1, tensorType) })) });
const opset = message({ domain: one(1, text), version: one(2, whole('the version of an operator set')) });
const graph = message({
  nodes: many(1, bytes),
  initializers: many(5, readOnnxTensor),
  inputs: many(11, value),
  outputs: many(12, value),
  within: many(13, value),
  sparse: many(15, refuseSparse),
});
const model = message({
  irVersion: one(1, whole('ir_version')),
  producer: one(2, text),
  producerVersion: one(3, text),
  graphs: many(7, graph),
  opsets: many(8, opset),
  functions: many(25, bytes),
});
/** What of a function is checked: what is copied of it as of a graph. */
const checked = message({ nodes: many(7, (node) => nodeWithPrefix(node.bytes(), '')) });

/**
 * Reads the outline of an ONNX file; the elements of its weights are passed over. Checked is what a graph relies on that
 * takes it in: the encoding of all that is copied, and that weights are in the file itself or in files beside it. What
 * operators make of their inputs is for the runtime to check.
 *
 * @throws ModelError `E_ONNX` for what is no ONNX model, or is cut short
 */
export function readOnnx(source: Source): OnnxFile {
  const { irVersion = 0, producer, producerVersion, graphs, opsets, functions } = model(messageIn(source));
  const [graph, another] = graphs;
  if (another) throw onnxFault('it is no ONNX model: it has two graphs');
  if (!graph || opsets.length === 0)
    throw onnxFault('it is no ONNX model: it has no graph of known operators');
  for (const one of functions) checked(messageOf(one));
  const { nodes, initializers } = graph;
  const given = new Set(initializers.map(({ name }) => name));
  const outputs = graph.outputs.map(fileValueOf);
  return {
    irVersion,
    producer: [producer, producerVersion].filter(Boolean).join(' '),
    opsets: new Map(
      opsets.map(({ domain = '', version = 0 }) => [domain === 'ai.onnx' ? '' : domain, version]),
    ),
    inputs: graph.inputs.map(fileValueOf).filter(({ name }) => !given.has(name)),
    outputs,
    values: new Map([...graph.within.map(fileValueOf), ...outputs].map((value) => [value.name, value])),
    nodes,
    initializers,
    functions,
  };
}

function fileValueOf({ name = '', type }: ReturnType<typeof value>): OnnxFileValue {
  const { code, shape } = type?.tensor ?? {};
  return {
    name,
    type: code === undefined ? undefined : onnxTypeOf(code),
    shape: shape?.sizes.map(({ size, name }) => size ?? (name || '?')),
  };
}
