import type { Source } from '../files/source.js';
import { onnxFault, onnxText, onnxWhole } from './onnx-fault.js';
import type { OnnxType } from './onnx-model.js';
import { nodeWithPrefix, sparse } from './onnx-prefix.js';
import { type OnnxFileTensor, onnxTypeOf, readOnnxTensor } from './onnx-tensor.js';
import { bytesOf, messageIn, type ProtobufMessage, partsOf, protobufFields } from './protobuf.js';

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

/** Most parts of a message; the largest networks have some ten thousand nodes. */
const MAX_PARTS = 2 ** 20;

/**
 * Reads the outline of an ONNX file; the elements of its weights are passed over. Checked is what a graph relies on that takes it in: the encoding of all that is
 * copied, and that weights are in the file itself or in files beside it. What operators make of their inputs is for
 * the runtime to check.
 *
 * @throws ModelError `E_ONNX` for what is no ONNX model, or is cut short
 */
export function readOnnx(source: Source): OnnxFile {
  let irVersion = 0;
  const producer: string[] = [];
  const opsets = new Map<string, number>();
  let graph: Graph | undefined;
  const functions: Uint8Array[] = [];
  for (const field of bounded(messageIn(source).fields()))
    switch (field.number) {
      case 1: // ir_version
        irVersion = onnxWhole(field.read(), 'ir_version');
        break;
      case 2: // producer_name
      case 3: // producer_version
        producer.push(onnxText(field.read()));
        break;
      case 7: // graph
        if (graph) throw onnxFault('it is no ONNX model: it has two graphs');
        graph = readGraph(field);
        break;
      case 8: // opset_import
        opsets.set(...readOpset(field.bytes()));
        break;
      case 25: // functions
        functions.push(field.bytes());
        break;
    }
  if (!graph || opsets.size === 0) throw onnxFault('it is no ONNX model: it has no graph of known operators');
  for (const one of functions)
    for (const field of bounded(protobufFields(one)))
      if (field.number === 7) nodeWithPrefix(bytesOf(field), '');
  return { irVersion, producer: producer.join(' '), opsets, functions, ...graph };
}

type Graph = Pick<OnnxFile, 'inputs' | 'outputs' | 'values' | 'nodes' | 'initializers'>;

function readGraph(graph: ProtobufMessage): Graph {
  const nodes: Uint8Array[] = [];
  const initializers: OnnxFileTensor[] = [];
  const [inputs, outputs, within]: [OnnxFileValue[], OnnxFileValue[], OnnxFileValue[]] = [[], [], []];
  for (const field of bounded(graph.fields()))
    switch (field.number) {
      case 1: // node
        nodes.push(field.bytes());
        break;
      case 5: // initializer
        initializers.push(readOnnxTensor(field));
        break;
      case 11: // input
        inputs.push(readValue(field.bytes()));
        break;
      case 12: // output
        outputs.push(readValue(field.bytes()));
        break;
      case 13: // value_info
        within.push(readValue(field.bytes()));
        break;
      case 15: // sparse_initializer
        throw sparse();
    }
  const given = new Set(initializers.map(({ name }) => name));
  return {
    inputs: inputs.filter(({ name }) => !given.has(name)),
    outputs,
    values: new Map([...within, ...outputs].map((value) => [value.name, value])),
    nodes,
    initializers,
  };
}

function* bounded<T>(parts: Iterable<T>): Generator<T, undefined> {
  let count = 0;
  for (const part of parts) {
    if (++count > MAX_PARTS) throw onnxFault(`it has more than ${MAX_PARTS} parts`);
    yield part;
  }
}

function readOpset(opset: Uint8Array): [domain: string, version: number] {
  let domain = '';
  let version = 0;
  for (const field of protobufFields(opset))
    if (field.number === 1) domain = onnxText(field);
    else if (field.number === 2) version = onnxWhole(field, 'the version of an operator set');
  return [domain === 'ai.onnx' ? '' : domain, version];
}

function readValue(value: Uint8Array): OnnxFileValue {
  let name = '';
  let told: Pick<OnnxFileValue, 'type' | 'shape'> = { type: undefined, shape: undefined };
  for (const field of protobufFields(value))
    if (field.number === 1) name = onnxText(field);
    else if (field.number === 2)
      for (const tensor of partsOf(bytesOf(field), 1)) told = readTensorType(tensor);
  return { name, ...told };
}

function readTensorType(tensor: Uint8Array): Pick<OnnxFileValue, 'type' | 'shape'> {
  let type: OnnxType | undefined;
  let shape: (number | string)[] | undefined;
  for (const field of protobufFields(tensor))
    if (field.number === 1) type = onnxTypeOf(onnxWhole(field, 'an element type'));
    else if (field.number === 2) shape = partsOf(bytesOf(field), 1).map(readDimension);
  return { type, shape };
}

function readDimension(dimension: Uint8Array): number | string {
  let size: number | string = '?';
  for (const field of protobufFields(dimension))
    if (field.number === 1) size = onnxWhole(field, 'a size');
    else if (field.number === 2) size = onnxText(field) || '?';
  return size;
}
