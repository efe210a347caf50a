import { readFile } from 'node:fs/promises';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { admTold, classifierTold } from './adm-fixture.test.support.js';
import type { GuidedCheckpoint } from './checkpoints/checkpoint.js';
import { readAdmCheckpoint } from './checkpoints/guided-checkpoint.js';
import { type LoadedDenoiser, openDenoiser } from './denoiser.js';
import { exportDenoiser } from './export-denoiser.js';
import { readSafetensors } from './files/safetensors.js';
import { type Tensors, toFloat32 } from './files/tensor.js';

const fixture = (name: string) => new URL(`../fixtures/${name}`, import.meta.url).pathname;
const N = 5;
const CLASSES = 10;
const SIZE = 3 * 16 * 16;

let checkpoint: GuidedCheckpoint;
let arrays: Tensors;
beforeAll(async () => {
  checkpoint = await readAdmCheckpoint(
    { diffusion: fixture('adm-diffusion.pt'), classifier: fixture('adm-classifier.pt') },
    { diffusion: admTold, classifier: classifierTold },
  );
  arrays = readSafetensors(await readFile(fixture('adm-guided.io.safetensors')));
});
const array = (name: string) => toFloat32(arrays[name]!);
const classes = () => Array.from(arrays.class_labels!.data, Number);

/** Largest difference of each sample over its largest value. */
function errors(found: ArrayLike<number>, name: string): number[] {
  const expected = array(name);
  expect(found).toHaveLength(expected.length);
  const size = expected.length / N;
  return Array.from({ length: N }, (_, n) => {
    let difference = 0;
    let scale = 0;
    for (let i = n * size; i < (n + 1) * size; i++) {
      difference = Math.max(difference, Math.abs(found[i]! - expected[i]!));
      scale = Math.max(scale, Math.abs(expected[i]!));
    }
    return difference / scale;
  });
}

// clamping leaves little at σ = 80
const bounds = {
  raw: [1e-5, 1e-5, 1e-5, 1e-5, 1e-5],
  bottleneck: [1e-5, 1e-5, 1e-5, 1e-5, 1e-5],
  logits: [1e-5, 1e-5, 1e-5, 1e-5, 1e-5],
  classifier_grad: [2e-5, 2e-5, 2e-5, 2e-5, 2e-5],
  unclamped: [3e-6, 3e-6, 6e-6, 6e-6, 6e-6],
  denoised: [3e-6, 3e-6, 2e-5, 9e-5, 2.4e-4],
};

/** Graphs with a gradient in them take their time to open. */
const slow = { timeout: 60_000 };

describe('ADM against the official figures', slow, () => {
  it('in all its parts, guided at rate 4', async () => {
    const { graph } = exportDenoiser(checkpoint, { guidanceRate: 4, parts: true });
    const session = await InferenceSession.create(graph);
    const oneHot = new Float32Array(N * CLASSES);
    for (const [n, label] of classes().entries()) oneHot[n * CLASSES + label] = 1;
    const results = await session.run({
      x: new Tensor('float32', array('x'), [N, 3, 16, 16]),
      sigma: new Tensor('float32', array('sigma'), [N]),
      class_labels: new Tensor('float32', oneHot, [N, CLASSES]),
    });
    await session.release();
    const golden = { unclamped: 'denoised_unclamped_rate4', denoised: 'denoised_rate4' };
    for (const [name, limits] of Object.entries(bounds)) {
      const found = results[name]!.data as Float32Array;
      for (const [n, error] of errors(found, { ...golden }[name] ?? name).entries())
        expect(error, `${name}, sample ${n}`).toBeLessThan(limits[n]!);
    }
    expect(results.raw!.dims).toEqual([N, 6, 16, 16]);
    // the rate matters: the same bounds tell rates 0 and 4 apart
    expect(Math.max(...errors(results.denoised!.data as Float32Array, 'denoised_rate0'))).toBeGreaterThan(
      1e-3,
    );
  });

  it('unguided, it has no classifier in it', async () => {
    const { graph, info } = exportDenoiser(checkpoint);
    expect(graph.length).toBeLessThan(exportDenoiser(checkpoint, { guidanceRate: 1 }).graph.length - 5e5);
    const denoiser = await openDenoiser(graph, info);
    const x = Float64Array.from(array('x'));
    const sigma = Float64Array.from(array('sigma'));
    const { denoised } = await denoiser.evaluate({ x, sigma, labels: classes() });
    for (const [n, error] of errors(denoised, 'denoised_rate0').entries())
      expect(error).toBeLessThan(bounds.denoised[n]!);
    await denoiser.close();
  });
});

describe('guidance', slow, () => {
  let guided: LoadedDenoiser;
  let exported: ReturnType<typeof exportDenoiser>;
  beforeAll(async () => {
    exported = exportDenoiser(checkpoint, { guidanceRate: 4 });
    guided = await openDenoiser(exported.graph, exported.info);
  }, slow.timeout);
  afterAll(() => guided.close());

  const count = 7;
  const x = Float64Array.from({ length: count * SIZE }, (_, i) => Math.sin(i * i * 0.37));
  const sigma = Float64Array.from({ length: count }, (_, n) => 0.2 * 1.5 ** n);
  const labels = [3, null, 0, 9, null, 5, 5];

  it('describes itself', () => {
    expect(exported.info).toEqual({
      channels: 3,
      resolution: 16,
      labelDim: 10,
      sigmaMin: 0.01048384327441454,
      sigmaMax: 152.16697692871094,
      bottleneck: true,
    });
  });

  it('gives each sample the same bits in any batch, at any place, with any number of threads', async () => {
    const whole = await guided.evaluate({ x, sigma, labels });
    expect(whole.denoised.every(Number.isFinite)).toBe(true);
    for (const threads of [1, 3]) {
      const other = await openDenoiser(exported.graph, exported.info, { threads });
      for (const [from, to] of [
        [6, 7],
        [1, 3],
        [2, 6],
      ] as const) {
        const part = await other.evaluate({
          x: x.slice(from * SIZE, to * SIZE),
          sigma: sigma.slice(from, to),
          labels: labels.slice(from, to),
        });
        expect(part.denoised).toEqual(whole.denoised.slice(from * SIZE, to * SIZE));
        expect(part.bottleneck).toEqual(whole.bottleneck.slice(from * 64, to * 64));
      }
      await other.close();
    }
  });

  it('leaves a sample without class unguided', async () => {
    const plain = exportDenoiser(checkpoint);
    const unguided = await openDenoiser(plain.graph, plain.info);
    const without = await guided.evaluate({ x, sigma });
    expect(without).toEqual(await unguided.evaluate({ x, sigma }));
    await unguided.close();
  });

  it('is refused where there is no classifier', () => {
    const { classifier: _, ...alone } = checkpoint;
    expect(() => exportDenoiser(alone, { guidanceRate: 2 })).toThrow(
      expect.objectContaining({
        code: 'E_CHECKPOINT',
        message: expect.stringMatching(/rate 2 needs a classifier/),
      }),
    );
  });
});
