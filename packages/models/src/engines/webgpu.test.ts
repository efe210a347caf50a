import * as ort from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { decodeOnnx } from '../onnx/decode-onnx.js';
import { encodeOnnx } from '../onnx/onnx-model.js';
import { OnnxOps } from '../onnx/onnx-ops.js';
import { openOnnxBytes } from '../onnx/open-onnx.js';
import { engineContract } from './engine-contract.test.support.js';
import { type EngineOptions, openSession } from './open-session.js';
import { forWebGpu } from './webgpu-graph.js';

const epsilons = [1, 1e-5, 1e-3];
const sample = { data: Float32Array.from({ length: 64 }, (_, i) => Math.sin(i * i)), shape: [4, 4, 4] };

/** Normalizations that differ in ε alone, each with an output of its own. */
function norms(opset = 17): Uint8Array {
  const ops = new OnnxOps({
    'norm.weight': { dtype: 'F32', shape: [4], data: new Float32Array(4).fill(1) },
    'norm.bias': { dtype: 'F32', shape: [4], data: new Float32Array(4) },
  });
  const x = ops.input('x', sample.shape);
  const norm = (eps: number) => ops.groupNorm(x, 'norm', { channels: 4, groups: 2, eps });
  const outputs = Object.fromEntries(epsilons.map((eps, i) => [`y${i}`, norm(eps)]));
  return encodeOnnx({ ...ops.model(outputs), opset }).graph;
}

/** That (x − m)/√(v + ε) of each group comes out. */
async function expectNorms(graph: Uint8Array, options: EngineOptions): Promise<void> {
  const signature = { what: 'norms', inputs: ['x'], outputs: epsilons.map((_, i) => `y${i}`) };
  const session = await openSession(graph, signature, options);
  const found = await session.run({ x: sample }, 1);
  await session.close();
  const mean = (values: Float32Array) => values.reduce((sum, v) => sum + v, 0) / values.length;
  for (const [i, eps] of epsilons.entries())
    for (const start of [0, 32]) {
      const group = sample.data.subarray(start, start + 32);
      const variance = mean(group.map((v) => (v - mean(group)) ** 2));
      for (const [at, v] of group.entries())
        expect(found[`y${i}`]![start + at]).toBeCloseTo((v - mean(group)) / Math.sqrt(variance + eps), 5);
    }
}

describe('a graph for WebGPU', () => {
  const nodesOf = (graph: Uint8Array) => decodeOnnx(openOnnxBytes(graph)).nodes;
  const normsOf = (graph: Uint8Array) => nodesOf(graph).filter(({ op }) => op === 'InstanceNormalization');

  it('normalizes with one ε, to the same effect', async () => {
    const { graph, options } = await forWebGpu(norms(), ort);
    expect(options).toEqual({ executionProviders: [{ name: 'webgpu' }] });
    const one = { epsilon: { float: Math.fround(1e-5) } };
    expect(normsOf(graph).map(({ attributes }) => attributes)).toEqual([one, one, one]);
    await expectNorms(graph, {});
  });

  it('leaves another ε to the CPU where it can’t be made up for', async () => {
    const { graph, options } = await forWebGpu(norms(14), ort);
    const [first, , third] = normsOf(graph).map(({ outputs }) => outputs[0]);
    expect(options.executionProviders).toEqual([{ name: 'webgpu', forceCpuNodeNames: [first, third] }]);
    await expectNorms(graph, {});
  });

  it('leaves sine and cosine to the CPU, which have names then, and all else as it is', async () => {
    const ops = new OnnxOps({});
    const x = ops.input('x', [16]);
    const { graph } = encodeOnnx(ops.model({ y: ops.add(ops.sin(x), ops.relu(ops.cos(x))) }));
    const found = await forWebGpu(graph, ort);
    const names = nodesOf(graph).flatMap(({ op, outputs }) => (/Sin|Cos/.test(op) ? outputs : []));
    expect(names).toHaveLength(2);
    expect(found.options.executionProviders).toEqual([{ name: 'webgpu', forceCpuNodeNames: names }]);
    expect(nodesOf(found.graph)).toEqual(nodesOf(graph));
  });
});

const device = { type: 'webgpu' } as const;
const there = await openSession(norms(), { what: '', inputs: ['x'], outputs: ['y0', 'y1', 'y2'] }, { device })
  .then((session) => session.close())
  .then(
    () => true,
    () => false,
  );

describe.skipIf(!there)('where WebGPU is there', () => {
  it('normalizes with each ε', () => expectNorms(norms(), { device }));

  const inSoftware = /swiftshader|lvp|llvmpipe/.test(process.env.VK_DRIVER_FILES ?? '');
  engineContract('ONNX Runtime on WebGPU', { device }, { samples: 2, sameBits: false, inSoftware });
});
