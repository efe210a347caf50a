import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readEdmCheckpoint } from './checkpoints/edm-checkpoint.js';
import { type LoadedDenoiser, openDenoiser } from './denoiser.js';
import { engineContract, refusal } from './engines/engine-contract.test.support.js';
import { exportDenoiser } from './export-denoiser.js';
import { encodeOnnx, type OnnxNode } from './onnx/onnx-model.js';

const digitsPath = new URL('../../../experiments/digits/digits-edm.pkl', import.meta.url).pathname;

engineContract('ONNX Runtime on the CPU', {}, { samples: 5, sameBits: true });

describe('the digits denoiser', () => {
  let denoiser: LoadedDenoiser;
  let exported: ReturnType<typeof exportDenoiser>;
  beforeAll(async () => {
    exported = exportDenoiser(await readEdmCheckpoint(digitsPath));
    denoiser = await openDenoiser(exported.graph, exported.info);
  });
  afterAll(() => denoiser.close());

  const N = 17;
  const x = Float64Array.from({ length: N * 1024 }, (_, i) => 3 * Math.sin(i * i * 0.37));
  const sigma = Float64Array.from({ length: N }, (_, n) => 0.05 * 1.37 ** n);
  const labels = Array.from({ length: N }, (_, n) => (n % 3 === 0 ? null : n % 10));
  const rows = (from: number, to: number) => ({
    x: x.slice(from * 1024, to * 1024),
    sigma: sigma.slice(from, to),
    labels: labels.slice(from, to),
  });

  it('describes itself as plain JSON', () => {
    const { info } = exported;
    expect(info).toEqual({
      channels: 1,
      resolution: 32,
      labelDim: 10,
      sigmaMin: 0.002,
      sigmaMax: 80,
      bottleneck: true,
    });
    expect(JSON.parse(JSON.stringify(info))).toEqual(info);
  });

  it('gives each sample the same bits in any batch, at any place, with any number of threads', async () => {
    const whole = await denoiser.evaluate(rows(0, N));
    expect(whole.denoised.every(Number.isFinite)).toBe(true);
    for (const threads of [1, 3]) {
      const other = await openDenoiser(exported.graph, exported.info, { threads });
      for (const [from, to] of [
        [6, 7],
        [3, 5],
        [7, 10],
        [1, 8],
      ] as const) {
        const part = await other.evaluate(rows(from, to));
        expect(part.denoised).toEqual(whole.denoised.slice(from * 1024, to * 1024));
        expect(part.bottleneck).toEqual(whole.bottleneck.slice(from * 64, to * 64));
      }
      await other.close();
    }
    for (const batch of [1, 2, 3, 5, 8])
      expect(await denoiser.evaluate({ ...rows(0, N), batch })).toEqual(whole);
  }, 30_000);

  it('leaves a nearly clean image as it is, and finds a digit in pure noise', async () => {
    const clean = Float64Array.from({ length: 1024 }, () => -1);
    const { denoised } = await denoiser.evaluate({ x: clean, sigma: 0.002 });
    denoised.forEach((value) => {
      expect(Math.abs(value + 1)).toBeLessThan(0.01);
    });
    const noise = await denoiser.evaluate({ x: x.slice(0, 1024).map((v) => v * 27), sigma: 80, labels: [3] });
    expect(Math.max(...noise.denoised)).toBeLessThan(1.5);
    expect(Math.min(...noise.denoised)).toBeGreaterThan(-1.5);
  });

  it('refuses sizes, noise levels and classes that do not fit', async () => {
    const one = { x: new Float64Array(1024), sigma: 1 };
    await expect(denoiser.evaluate({ ...one, x: new Float64Array(1000) })).rejects.toEqual(
      refusal(/1×32×32 images/),
    );
    await expect(denoiser.evaluate({ ...one, sigma: Float64Array.of(1, 2) })).rejects.toEqual(
      refusal(/2 noise levels for 1/),
    );
    for (const sigma of [0, -1, Number.NaN, Infinity, 1e-60])
      await expect(denoiser.evaluate({ ...one, sigma })).rejects.toEqual(refusal(/positive number/));
    await expect(denoiser.evaluate({ ...one, labels: [10] })).rejects.toEqual(refusal(/from 0 to 9/));
    await expect(denoiser.evaluate({ ...one, labels: [1, 2] })).rejects.toEqual(refusal(/2 classes for 1/));
    await expect(denoiser.evaluate({ ...one, batch: 0 })).rejects.toEqual(refusal(/batch/));
  });

  it('refuses a graph of another kind, and no threads', async () => {
    const { graph, info } = exported;
    await expect(openDenoiser(graph, { ...info, labelDim: 0 })).rejects.toEqual(
      refusal(/maps x,sigma,class_labels to/),
    );
    await expect(openDenoiser(graph, info, { threads: 0 })).rejects.toEqual(refusal(/threads/));
  });
});

it.each([
  ['more', { op: 'Concat', inputs: ['x', 'x'], attributes: { axis: { int: 0 } } }, 8],
  ['fewer', { op: 'ReduceMean', inputs: ['x'], attributes: { axes: { ints: [3] } } }, 2],
])('refuses a graph that gives %s values than it says', async (_, node, length) => {
  const shape = ['n', 1, 2, 2];
  const { graph } = encodeOnnx({
    opset: 17,
    inputs: [
      { name: 'x', type: 'float32', shape },
      { name: 'sigma', type: 'float32', shape: ['n'] },
    ],
    outputs: [{ name: 'denoised', type: 'float32', shape: ['?', '?', '?', '?'] }],
    nodes: [{ ...node, outputs: ['denoised'] } as OnnxNode],
    initializers: [],
  });
  const info = { channels: 1, resolution: 2, labelDim: 0, sigmaMin: 0.1, sigmaMax: 1, bottleneck: false };
  const denoiser = await openDenoiser(graph, info);
  await expect(denoiser.evaluate({ x: new Float64Array(4), sigma: 1 })).rejects.toEqual(
    refusal(new RegExp(`gives ${length} values as denoised for 1 samples, where 4`)),
  );
  await denoiser.close();
});
