import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { InferenceSession } from 'onnxruntime-node';
import { memorySource } from '../files/source.js';
import { nodeOf } from '../onnx/decode-onnx.js';
import { readOnnx } from '../onnx/onnx-file.js';
import { encodeNodes, encodeOnnx, type OnnxNode } from '../onnx/onnx-model.js';
import { OnnxOps } from '../onnx/onnx-ops.js';
import { messageOf, type ProtobufMessage, replaceFields } from '../onnx/protobuf.js';

type Ort = typeof import('onnxruntime-node');

/** ONNX's default. */
const EPSILON = 1e-5;
/** The opset that has this operator first. */
const CAST_LIKE = 15;
const ATTENTION = 'MultiHeadAttention';

/**
 * A graph, and how it is opened, so that WebGPU gives what other devices give:
 *
 * - Sines and cosines are left to the CPU. A shader's are sure to 2⁻¹¹ only, and from -π to π only (WGSL, section
 *   15.7.4), while a network hears its noise level through them at angles up to 1000.
 * - ONNX Runtime's attention is, too, where it fails a trial: on a GPU whose subgroups have fewer than eight lanes it
 *   counts positions twice.
 * - All instance normalizations get the same ε, their input scaled to make up for it: ONNX Runtime 1.30 makes one shader
 *   for all, with the ε of the first that the process ran.
 *
 * @throws ModelError `E_ONNX` for what is no protocol buffer; Node's error for a file that can't be read
 */
export async function forWebGpu(
  graph: string | Uint8Array,
  ort: Ort,
): Promise<{ readonly graph: Uint8Array; readonly options: InferenceSession.SessionOptions }> {
  const model = typeof graph === 'string' ? await readFile(graph) : graph;
  const { opsets, nodes } = readOnnx(memorySource(model));
  const onCpu = new Set(['Sin', 'Cos']);
  if (nodes.some((node) => nodeOf(messageOf(node)).op === ATTENTION)) {
    trial ??= attends(ort);
    if (!(await trial)) onCpu.add(ATTENTION);
  }

  const names: string[] = [];
  const rewrite = (node: OnnxNode): readonly OnnxNode[] | undefined => {
    if (node.op === 'InstanceNormalization') {
      const epsilon = epsilonOf(node);
      if (epsilon === Math.fround(EPSILON)) return undefined;
      if (epsilon > 0 && opsets.get('')! >= CAST_LIKE) return withEpsilon(node, epsilon);
    } else if (!onCpu.has(node.op)) return undefined;
    names.push(node.outputs[0]!); // which `encodeNodes` names it by
    return [node];
  };
  const rewritten = replaceFields(messageOf(model), (field) =>
    field.number === 7 ? replaceNodes(field, rewrite) : undefined,
  );
  return {
    graph: rewritten,
    options: {
      executionProviders: [{ name: 'webgpu', ...(names.length > 0 && { forceCpuNodeNames: names }) }],
      ...(typeof graph === 'string' && {
        extra: { session: { model_external_initializers_file_folder_path: dirname(graph) } },
      }),
    },
  };
}

/** A graph with other nodes for some of its own. */
function replaceNodes(
  graph: ProtobufMessage,
  rewrite: (node: OnnxNode) => readonly OnnxNode[] | undefined,
): Uint8Array {
  const parts = [...graph.fields()].map((field) => {
    const nodes = field.number === 1 ? rewrite(nodeOf(field)) : undefined;
    return nodes ? encodeNodes(nodes) : field.whole();
  });
  return Buffer.concat(parts);
}

const epsilonOf = ({ attributes: { epsilon } }: OnnxNode): number =>
  epsilon && 'float' in epsilon ? epsilon.float : Math.fround(EPSILON);

/** x/√(v + ε) is s·x/√(s²v + s²ε), for the s that makes s²ε the one that all have. */
function withEpsilon(node: OnnxNode, epsilon: number): readonly OnnxNode[] {
  const [x, ...parameters] = node.inputs as [string, ...string[]];
  const within = (what: string) => `${node.outputs[0]}/${what}`;
  const [scale, typed, scaled] = [within('scale'), within('typed'), within('scaled')];
  const factor = { value_float: { float: Math.sqrt(EPSILON / epsilon) } };
  return [
    { op: 'Constant', inputs: [], outputs: [scale], attributes: factor },
    { op: 'CastLike', inputs: [scale, x], outputs: [typed], attributes: {} },
    { op: 'Mul', inputs: [x, typed], outputs: [scaled], attributes: {} },
    { ...node, inputs: [scaled, ...parameters], attributes: { epsilon: { float: EPSILON } } },
  ];
}

/** Of the GPU, which is one for the process. */
let trial: Promise<boolean> | undefined;

/** Whether WebGPU finds that the mean of 64 values is 1, when the first is 64 and the others are 0. */
async function attends({ InferenceSession, Tensor }: Ort): Promise<boolean> {
  const shape = [64, 16];
  const ops = new OnnxOps({});
  const [same, value] = [ops.input('same', shape), ops.input('value', shape)];
  const { graph } = encodeOnnx(ops.model({ mean: ops.attend(same, same, value, { heads: 1 }) }));
  const session = await InferenceSession.create(graph, {
    executionProviders: ['webgpu'],
    logSeverityLevel: 4,
  });
  const tensor = (data: Float32Array) => new Tensor('float32', data, [1, ...shape]);
  const { mean } = await session.run({
    same: tensor(new Float32Array(64 * 16)),
    value: tensor(new Float32Array(64 * 16).fill(64, 0, 16)),
  });
  await session.release();
  return (mean!.data as Float32Array).every((one) => Math.abs(one - 1) < 1e-5);
}
