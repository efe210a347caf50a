import { openSession } from '../engines/open-session.js';
import { onnxFault } from '../errors.js';
import { sizeOf } from '../files/tensor.js';
import type { OnnxFile, OnnxFileValue } from '../onnx/onnx-file.js';
import { type EncodedOnnx, encodeOnnx, type OnnxType } from '../onnx/onnx-model.js';
import type { GraphValue } from '../onnx/onnx-ops.js';
import { OnnxSplice } from '../onnx/onnx-splice.js';
import type { OpenedOnnx } from '../onnx/open-onnx.js';
import { batchOf, checkOpset, contents, floats, typed } from './onnx-values.js';

/** What a file maps to what: its one input, and its output of a usual name, or the first. */
export interface OnnxEnds {
  readonly input: OnnxFileValue;
  readonly output: OnnxFileValue;
}

/** @throws ModelError `E_ONNX` where the file has another number of inputs, no output of floats, or old operators */
export function endsOf(
  file: OnnxFile,
  { what, types, outputs }: { what: string; types: typeof floats; outputs: readonly string[] },
): OnnxEnds {
  checkOpset(file);
  const [input, other] = file.inputs;
  const output = outputs.flatMap((name) => file.outputs.find((one) => one.name === name) ?? [])[0];
  const first = output ?? file.outputs[0];
  if (!input || other || !first)
    throw onnxFault(`${what} has one input and an output, and this is none: ${contents(file)}`);
  typed(file, input, types, `an input of ${types.join(' or ')} for ${what}`);
  typed(file, first, floats, `an output of floats for ${what}`);
  return { input, output: first };
}

/** How a file's network becomes a graph of ours, with one input and one output of float32. */
interface OnnxPart extends OnnxEnds {
  readonly what: string;
  /** Of one sample. */
  readonly given: { readonly name: string; readonly shape: readonly number[]; readonly type: OnnxType };
  /** What the file's input is told of it. */
  readonly told?: (ops: OnnxSplice, given: GraphValue) => GraphValue;
  /** Name of the output, and its sizes, of one sample; a name stands for one that the file leaves open. */
  readonly gives: { readonly name: string; readonly shape: readonly (number | string)[] };
}

/**
 * Takes the network into a graph: `shape` is of the output, one sample; `batch` the only batch size that it takes, where
 * there is one. Sizes of its output that the file leaves open are found by running it on zeros.
 *
 * @throws ModelError `E_ONNX` where weights take more than a file can hold, or `E_ENGINE` where it doesn't run
 */
export async function importPart(opened: OpenedOnnx, part: OnnxPart) {
  const batch = batchOf([part.input]);
  const isOpen = part.gives.shape.some((n) => typeof n === 'string');
  const shape = isOpen ? await measured(opened, part, batch) : (part.gives.shape as number[]);
  const { graph } = encoded(opened, part, batch, (ops) => ({
    [part.gives.name]: ops.taken(part.output.name, shape),
  }));
  return { graph, shape, batch };
}

function encoded(
  { file, read }: OpenedOnnx,
  { what, input, given, told = (_, value) => value }: OnnxPart,
  batch: number | undefined,
  outputs: (ops: OnnxSplice) => Readonly<Record<string, GraphValue>>,
  integers: readonly string[] = [],
): EncodedOnnx {
  const ops = new OnnxSplice(file, read, batch);
  const value = told(ops, ops.input(given.name, given.shape, given.type));
  ops.splice(new Map([[input.name, ops.cast(value, input.type!)]]));
  const { graph, external } = encodeOnnx(ops.model(outputs(ops), integers));
  if (external) throw onnxFault(`${what} of more than 2 GiB of weights is not supported`);
  return { graph };
}

/** Sizes of the output of a run on zeros, of one sample. */
async function measured(opened: OpenedOnnx, part: OnnxPart, batch = 1): Promise<readonly number[]> {
  const { what, given, output, gives } = part;
  const rank = gives.shape.length + 1;
  const { graph } = encoded(opened, part, undefined, (ops) => ({ sizes: ops.sizesOf(output.name, rank) }), [
    'sizes',
  ]);
  const session = await openSession(graph, { what, inputs: [given.name], outputs: ['sizes'] }, {});
  try {
    const length = batch * sizeOf(given.shape);
    const data = given.type === 'int64' ? new BigInt64Array(length) : new Float32Array(length);
    const { sizes } = await session.run({ [given.name]: { data, shape: given.shape } }, batch);
    return Array.from(sizes as BigInt64Array, Number).slice(1, rank);
  } finally {
    await session.close();
  }
}
