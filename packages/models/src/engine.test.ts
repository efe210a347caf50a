import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readEdmCheckpoint } from './edm-checkpoint.js';
import { edmNetwork } from './edm-network.js';
import { type LoadedDenoiser, openDenoiser } from './engine.js';
import { exportDenoiser } from './export-denoiser.js';
import { encodeOnnx } from './onnx-model.js';
import { OnnxOps } from './onnx-ops.js';
import { denoise } from './preconditioning.js';
import { readSafetensors } from './safetensors.js';
import { toFloat32 } from './tensor.js';

const fixture = (name: string) => new URL(`../fixtures/${name}`, import.meta.url).pathname;
const digitsPath = new URL('../../../experiments/digits/digits-edm.pkl', import.meta.url).pathname;
const refusal = (message: RegExp) =>
  expect.objectContaining({ code: 'E_ENGINE', message: expect.stringMatching(message) });

/** Largest difference of each sample over its largest value. */
function relativeErrors(found: Float64Array, expected: Float32Array, samples: number): number[] {
  const size = expected.length / samples;
  return Array.from({ length: samples }, (_, n) => {
    let difference = 0;
    let scale = 0;
    for (let i = n * size; i < (n + 1) * size; i++) {
      difference = Math.max(difference, Math.abs(found[i]! - expected[i]!));
      scale = Math.max(scale, Math.abs(expected[i]!));
    }
    return difference / scale;
  });
}

describe('a denoiser against the official figures', () => {
  it.each([
    ['edm-ncsnpp-uncond', 'edm-ncsnpp-uncond.p2.pkl'],
    ['edm-adm-cond', 'edm-adm-cond.pkl'],
  ])('%s', async (name, file) => {
    const { graph, info } = exportDenoiser(await readEdmCheckpoint(fixture(file)));
    const arrays = readSafetensors(await readFile(fixture(`${name}.io.safetensors`)));
    const array = (key: string) => toFloat32(arrays[key]!);
    const denoiser = await openDenoiser(graph, info);
    const x = Float64Array.from(array('x'));
    const sigma = Float64Array.from(array('sigma'));
    const classes = arrays.class_labels && array('class_labels');
    const labels = classes && Array.from(sigma, (_, n) => classes.subarray(n * 10, n * 10 + 10).indexOf(1));

    const { denoised, bottleneck } = await denoiser.evaluate({ x, sigma, ...(labels && { labels }) });
    for (const error of relativeErrors(denoised, array('denoised'), 5)) expect(error).toBeLessThan(5e-6);
    for (const error of relativeErrors(bottleneck, array('bottleneck'), 5)) expect(error).toBeLessThan(5e-6);
    if (labels) {
      const without = [{ labels: labels.map(() => null) }, {}].map((rest) =>
        denoiser.evaluate({ x, sigma, ...rest }),
      );
      for (const result of await Promise.all(without))
        for (const error of relativeErrors(result.denoised, array('denoised_zero_label'), 5))
          expect(error).toBeLessThan(5e-6);
      // the class matters: the same bound tells the two apart
      expect(Math.max(...relativeErrors(denoised, array('denoised_zero_label'), 5))).toBeGreaterThan(1e-3);
    }
    await denoiser.close();
  });
});

describe('the digits denoiser', () => {
  let folder: string;
  let denoiser: LoadedDenoiser;
  let exported: ReturnType<typeof exportDenoiser>;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'fewstep-models-'));
    exported = exportDenoiser(await readEdmCheckpoint(digitsPath));
    denoiser = await openDenoiser(exported.graph, exported.info);
  });
  afterAll(async () => {
    await denoiser.close();
    await rm(folder, { recursive: true });
  });

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

  it('takes one noise level for all', async () => {
    const { x } = rows(0, 3);
    expect(await denoiser.evaluate({ x, sigma: 2 })).toEqual(
      await denoiser.evaluate({ x, sigma: Float64Array.of(2, 2, 2), labels: [null, null, null] }),
    );
  });

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
    expect(await denoiser.evaluate({ x: new Float64Array(0), sigma: 1 })).toEqual({
      denoised: new Float64Array(0),
      bottleneck: new Float64Array(0),
      forwards: 0,
    });
  });

  it('refuses a graph that is damaged, missing, or of another kind', async () => {
    const { graph, info } = exported;
    await expect(openDenoiser(graph.subarray(0, 1000), info)).rejects.toEqual(
      refusal(/refuses graph of 1000 bytes/),
    );
    await expect(openDenoiser(join(folder, 'none.onnx'), info)).rejects.toEqual(refusal(/none\.onnx/));
    await expect(openDenoiser(graph, { ...info, labelDim: 0 })).rejects.toEqual(
      refusal(/maps x,sigma,class_labels to/),
    );
    await expect(openDenoiser(graph, info, { threads: 0 })).rejects.toEqual(refusal(/threads/));
    const closed = await openDenoiser(graph, info);
    await closed.close();
    await closed.close();
    await expect(closed.evaluate({ x: new Float64Array(1024), sigma: 1 })).rejects.toEqual(
      refusal(/was closed/),
    );
  });

  it('runs with its weights in a second file, as networks beyond 2 GiB must', async () => {
    const { network, preconditioning, weights } = await readEdmCheckpoint(digitsPath);
    const ops = new OnnxOps(weights);
    const inputs = {
      x: ops.input('x', [1, 32, 32]),
      sigma: ops.input('sigma', []),
      labels: ops.input('class_labels', [10]),
    };
    const { denoised, bottleneck } = denoise(
      ops,
      edmNetwork(network),
      { preconditioning, channels: 1 },
      inputs,
    );
    const model = ops.model({ denoised, bottleneck: bottleneck! });
    const { graph, external } = encodeOnnx(model, { externalName: 'digits.bin', inlineLimit: 1e6 });
    expect(graph.length).toBeLessThan(200_000);
    await writeFile(join(folder, 'digits.onnx'), graph);
    await writeFile(join(folder, external!.name), Buffer.concat([...external!.parts]));
    const other = await openDenoiser(join(folder, 'digits.onnx'), exported.info);
    expect(await other.evaluate(rows(0, 2))).toEqual(await denoiser.evaluate(rows(0, 2)));
    await other.close();
  });
});
