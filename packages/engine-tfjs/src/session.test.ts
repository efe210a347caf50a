import type { OnnxNode } from '@fewstep/models';
import * as tf from '@tensorflow/tfjs-core';
import { afterEach, describe, expect, it } from 'vitest';
import { openBackend } from './backend.js';
import { engine } from './engine.js';
import { encodeOnnx, engineContract, type OnnxModel, refusal } from './models.test.support.js';
import type { TensorBackend } from './tensor-backends.js';

const installed = (backend: TensorBackend) =>
  openBackend(backend).then(
    () => true,
    () => false,
  );

if (await installed('wasm'))
  engineContract(
    'TF.js in WebAssembly',
    { device: { type: 'engine', name: 'tfjs', target: 'wasm' } },
    { samples: 5, sameBits: false },
  );
// a second of JavaScript for each sample and network
engineContract(
  'TF.js in JavaScript',
  { device: { type: 'engine', name: 'tfjs', target: 'cpu' } },
  { samples: 1, sameBits: true },
);

const signature = { what: 'a map', inputs: ['x'], outputs: ['y'] };
const node = (op: string, inputs: string[], output: string, attributes = {}): OnnxNode => ({
  op,
  inputs,
  outputs: [output],
  attributes,
});
const graphOf = (nodes: readonly OnnxNode[], more: Partial<OnnxModel> = {}) =>
  encodeOnnx({
    opset: 17,
    inputs: [{ name: 'x', type: 'float32', shape: ['n', 4] }],
    outputs: [{ name: 'y', type: 'float32', shape: ['n', 4] }],
    nodes,
    initializers: [
      { name: 'w', type: 'float32', shape: [4], data: () => Float32Array.of(1, 2, 3, 4) },
      { name: 'places', type: 'int64', shape: [1], data: () => BigInt64Array.of(7n) },
    ],
    ...more,
  }).graph;
const x = { data: Float32Array.of(1, 1, 1, 1, 2, 2, 2, 2), shape: [4] };

await openBackend('cpu');
describe('what TF.js holds', () => {
  const before = tf.memory().numTensors;
  afterEach(() => expect(tf.memory().numTensors).toBe(before));

  it('is the constants that are used, and nothing after the end', async () => {
    const graph = graphOf([
      node('Mul', ['x', 'w'], 'm'),
      node('Split', ['m'], 's'),
      node('Identity', ['m'], 'y'),
    ]);
    const session = await engine.open(graph, signature, 'cpu');
    expect(tf.memory().numTensors).toBe(before + 1);
    for (let i = 0; i < 3; i++) {
      expect((await session.run({ x }, 2)).y).toEqual(Float32Array.of(1, 2, 3, 4, 2, 4, 6, 8));
      expect(tf.memory().numTensors).toBe(before + 1);
    }
    await session.close();
  });

  it('is nothing more after a failure', async () => {
    const session = await engine.open(
      graphOf([node('Mul', ['x', 'w'], 'm'), node('Gather', ['m', 'places'], 'y', { axis: { int: 1 } })]),
      signature,
      'cpu',
    );
    await expect(session.run({ x }, 2)).rejects.toThrow(
      refusal(/Gather \(node "y"\): there is no place 7 among 4/),
    );
    expect(tf.memory().numTensors).toBe(before + 2);
    await session.close();
  });

  it('is nothing where a graph is refused', async () => {
    const refused = (nodes: readonly OnnxNode[], more?: Partial<OnnxModel>) =>
      expect(engine.open(graphOf(nodes, more), signature, 'cpu')).rejects;
    await refused([node('Mul', ['x', 'w'], 'm'), node('Fft', ['m'], 'y')]).toThrow(
      refusal(
        /TF\.js can't do Fft \(node "y"\): this operator is not known\. ONNX Runtime may: it is the device cpu/,
      ),
    );
    await refused([node('Relu', ['x'], 'y', { alpha: { float: 1 } })]).toThrow(refusal(/Relu.*it has alpha/));
    await refused([node('Resize', ['x'], 'y', { mode: { string: 'cubic' } })]).toThrow(
      refusal(/Resize.*mode is cubic; nearest is known/),
    );
    await refused([node('Add', ['x'], 'y')]).toThrow(refusal(/Add.*it has no input 1/));
    await refused([{ ...node('MultiHeadAttention', ['x', 'x', 'x'], 'y'), domain: 'org.example' }]).toThrow(
      refusal(/org\.example\.MultiHeadAttention/),
    );
    await refused([node('Mul', ['x', 'w'], 'm'), node('Add', ['m', 'z'], 'y')]).toThrow(
      refusal(/"z" is needed before/, 'E_ONNX'),
    );
    await refused([node('Mul', ['x', 'w'], 'y'), node('Add', ['x', 'w'], 'y')]).toThrow(
      refusal(/"y" is defined twice/, 'E_ONNX'),
    );
    await refused([node('Mul', ['x', 'w'], 'y')], { opset: 9 }).toThrow(refusal(/opset 13 to 21, not 9/));
  });
});
