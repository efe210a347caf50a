import { onnxFault, onnxText, onnxWhole } from './onnx-fault.js';
import type { OnnxType } from './onnx-model.js';
import { nodeWithPrefix, sparse } from './onnx-prefix.js';
import { type OnnxFileTensor, onnxTypeOf, readOnnxTensor } from './onnx-tensor.js';
import { bytesOf, partsOf, protobufFields } from './protobuf.js';

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

/** Most parts of one kind; the largest networks have some ten thousand nodes. */
const MAX_PARTS = 2 ** 20;

/**
 * Reads the outline of an ONNX file. Checked is what a graph relies on that takes it in: the encoding of all that is
 * copied, and that weights are in the file itself or in files beside it. What operators make of their inputs is for
 * the runtime to check.
 *
 * @throws ModelError `E_ONNX` for what is no ONNX model, or is cut short
 */
export function readOnnx(bytes: Uint8Array): OnnxFile {
  let irVersion = 0;
  const producer: string[] = [];
  const opsets = new Map<string, number>();
  for (const field of protobufFields(bytes))
    switch (field.number) {
      case 1: // ir_version
        irVersion = onnxWhole(field, 'ir_version');
        break;
      case 2: // producer_name
      case 3: // producer_version
        producer.push(onnxText(field));
        break;
      case 8: // opset_import
        opsets.set(...readOpset(bytesOf(field)));
        break;
    }
  const [graph, second] = partsOf(bytes, 7);
  if (!graph || second || opsets.size === 0)
    throw onnxFault(`it is no ONNX model: it has ${second ? 'two graphs' : 'no graph of known operators'}`);
  const functions = bounded(partsOf(bytes, 25));
  for (const one of functions) for (const node of bounded(partsOf(one, 7))) nodeWithPrefix(node, '');
  return { irVersion, producer: producer.join(' '), opsets, functions, ...readGraph(graph) };
}

function readGraph(
  graph: Uint8Array,
): Pick<OnnxFile, 'inputs' | 'outputs' | 'values' | 'nodes' | 'initializers'> {
  const of = (number: number) => bounded(partsOf(graph, number));
  if (of(15).length > 0) throw sparse();
  const initializers = of(5).map(readOnnxTensor);
  const given = new Set(initializers.map(({ name }) => name));
  const outputs = of(12).map(readValue);
  const values = [...of(13).map(readValue), ...outputs];
  return {
    inputs: of(11)
      .map(readValue)
      .filter(({ name }) => !given.has(name)),
    outputs,
    values: new Map(values.map((value) => [value.name, value])),
    nodes: of(1),
    initializers,
  };
}

function bounded<T>(parts: readonly T[]): readonly T[] {
  if (parts.length > MAX_PARTS) throw onnxFault(`it has ${parts.length} parts of one kind`);
  return parts;
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
