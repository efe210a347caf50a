import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { admTold, classifierTold } from '../adm-fixture.test.support.js';
import type { GuidedCheckpoint, LatentCheckpoint } from '../checkpoints/checkpoint.js';
import { readEdmCheckpoint } from '../checkpoints/edm-checkpoint.js';
import { readAdmCheckpoint } from '../checkpoints/guided-checkpoint.js';
import { readLatentCheckpoint } from '../checkpoints/read-latent-checkpoint.js';
import { sdTiny } from '../checkpoints/sd-tiny.test.support.js';
import { exportDecoder, openDecoder } from '../decoder.js';
import { type LoadedDenoiser, openDenoiser } from '../denoiser.js';
import { exportDenoiser } from '../export-denoiser.js';
import { readSafetensors } from '../files/safetensors.js';
import { type Tensors, toNumbers } from '../files/tensor.js';
import { encodeOnnx } from '../onnx/onnx-model.js';
import { OnnxOps } from '../onnx/onnx-ops.js';
import { exportTextEncoder, openTextEncoder } from '../text-encoder.js';
import { type EngineOptions, openSession } from './open-session.js';

const fixture = (name: string) => new URL(`../../fixtures/${name}`, import.meta.url).pathname;
export const refusal = (message: RegExp, code = 'E_ENGINE') =>
  expect.objectContaining({ code, message: expect.stringMatching(message) });

/** Golden arrays as doubles. */
async function figuresOf(file: string): Promise<(name: string) => Float64Array> {
  const arrays: Tensors = readSafetensors(await readFile(fixture(file)));
  return (name) => Float64Array.from(toNumbers(arrays[name]!), Number);
}

/** Of the first samples, the largest difference over the largest value is below the bound, one for all or for each. */
function expectClose(
  found: ArrayLike<number>,
  expected: Float64Array,
  sizeOfSample: number,
  bound: number | readonly number[],
  what = '',
): void {
  expect(found.length % sizeOfSample).toBe(0);
  expect(found.length).toBeGreaterThan(0);
  for (let n = 0; n < found.length / sizeOfSample; n++) {
    let difference = 0;
    let scale = 0;
    for (let i = n * sizeOfSample; i < (n + 1) * sizeOfSample; i++) {
      difference = Math.max(difference, Math.abs(found[i]! - expected[i]!));
      scale = Math.max(scale, Math.abs(expected[i]!));
    }
    expect(difference / scale, `${what} of sample ${n}`).toBeLessThan(
      typeof bound === 'number' ? bound : bound[n]!,
    );
  }
}

/**
 * What every engine holds.
 *
 * - `samples`: how many of the golden samples go through it, up to 5; fewer where it is slow.
 * - `sameBits`: a sample's result is the same in any batch bit for bit, not only within float32 noise.
 * - `inSoftware`: a GPU that is drawn by the CPU; of networks with classes it evaluates ADM with its classifier alone.
 */
export function engineContract(
  name: string,
  options: EngineOptions,
  {
    samples,
    sameBits,
    inSoftware = false,
  }: { readonly samples: number; readonly sameBits: boolean; readonly inSoftware?: boolean },
): void {
  describe(`the engine ${name}`, { timeout: 60_000 }, () => {
    const networks = [
      ['edm-ncsnpp-uncond', 'edm-ncsnpp-uncond.p2.pkl'],
      ['edm-adm-cond', 'edm-adm-cond.pkl'],
    ] as const;
    describe.each(inSoftware ? networks.slice(0, 1) : networks)('with %s', (figures, file) => {
      let denoiser: LoadedDenoiser;
      let golden: (name: string) => Float64Array;
      let size: number;
      beforeAll(async () => {
        const { graph, info } = exportDenoiser(await readEdmCheckpoint(fixture(file)));
        denoiser = await openDenoiser(graph, info, options);
        golden = await figuresOf(`${figures}.io.safetensors`);
        size = info.channels * info.resolution ** 2;
      }, 60_000);
      afterAll(() => denoiser.close());

      const conditional = figures === 'edm-adm-cond';
      const request = (from: number, to: number) => ({
        x: golden('x').slice(from * size, to * size),
        sigma: golden('sigma').slice(from, to),
        ...(conditional && {
          labels: Array.from({ length: to - from }, (_, n) => {
            const at = from + n;
            return golden('class_labels')
              .subarray(at * 10, at * 10 + 10)
              .indexOf(1);
          }),
        }),
      });

      it('gives the official figures, each sample at its own noise level', async () => {
        const { denoised, bottleneck, forwards } = await denoiser.evaluate(request(0, samples));
        expect(forwards).toBe(samples);
        expectClose(denoised, golden('denoised'), size, 1e-5);
        expectClose(bottleneck, golden('bottleneck'), 64, 5e-6);
      });

      if (conditional)
        it('tells classes apart', async () => {
          const { labels, ...without } = request(0, samples);
          const { denoised } = await denoiser.evaluate(without);
          expectClose(denoised, golden('denoised_zero_label'), size, 5e-6);
          expect(() => expectClose(denoised, golden('denoised'), size, 1e-3)).toThrow();
        });

      it('gives each sample the same in any batch, at any place', async () => {
        const whole = await denoiser.evaluate(request(0, samples));
        const alone = await denoiser.evaluate(request(samples - 1, samples));
        const apart = await denoiser.evaluate({ ...request(0, samples), batch: 2 });
        const last = <A extends Float64Array>(all: A, each: number) => all.slice(-each);
        if (sameBits) {
          expect(apart).toEqual(whole);
          expect(alone.denoised).toEqual(last(whole.denoised, size));
          expect(alone.bottleneck).toEqual(last(whole.bottleneck, 64));
        } else {
          expectClose(apart.denoised, whole.denoised, size, 1e-5);
          expectClose(alone.denoised, last(whole.denoised, size), size, 1e-5);
          expectClose(alone.bottleneck, last(whole.bottleneck, 64), 64, 5e-6);
        }
      });

      it('takes one noise level for all, and no sample', async () => {
        const { x, ...rest } = request(0, 1);
        expect(await denoiser.evaluate({ ...rest, x, sigma: 2 })).toEqual(
          await denoiser.evaluate({ ...rest, x, sigma: Float64Array.of(2) }),
        );
        expect(await denoiser.evaluate({ x: new Float64Array(0), sigma: 1 })).toEqual({
          denoised: new Float64Array(0),
          bottleneck: new Float64Array(0),
          forwards: 0,
        });
      });
    });

    describe('with ADM and its classifier', () => {
      let checkpoint: GuidedCheckpoint;
      beforeAll(async () => {
        checkpoint = await readAdmCheckpoint(
          { diffusion: fixture('adm-diffusion.pt'), classifier: fixture('adm-classifier.pt') },
          { diffusion: admTold, classifier: classifierTold },
        );
      }, 60_000);

      it('gives the classifier’s gradient, and what it guides to', async () => {
        const golden = await figuresOf('adm-guided.io.safetensors');
        const { graph } = exportDenoiser(checkpoint, { guidanceRate: 4, parts: true });
        const inputs = ['x', 'sigma', 'class_labels'];
        const outputs = ['denoised', 'bottleneck', 'raw', 'unclamped', 'logits', 'classifier_grad'];
        const session = await openSession(graph, { what: 'ADM', inputs, outputs }, options);
        const oneHot = new Float32Array(samples * 10);
        for (const [n, label] of golden('class_labels').subarray(0, samples).entries())
          oneHot[n * 10 + label] = 1;
        const size = 3 * 16 * 16;
        const found = await session.run(
          {
            x: { data: Float32Array.from(golden('x').subarray(0, samples * size)), shape: [3, 16, 16] },
            sigma: { data: Float32Array.from(golden('sigma').subarray(0, samples)), shape: [] },
            class_labels: { data: oneHot, shape: [10] },
          },
          samples,
        );
        await session.close();
        // clamping leaves little at σ = 80
        const bounds = {
          classifier_grad: ['classifier_grad', size, [2e-5, 2e-5, 2e-5, 2e-5, 2e-5]],
          unclamped: ['denoised_unclamped_rate4', size, [3e-6, 3e-6, 6e-6, 6e-6, 6e-6]],
          denoised: ['denoised_rate4', size, [3e-6, 3e-6, 2e-5, 9e-5, 2.4e-4]],
          logits: ['logits', 10, [1e-5, 1e-5, 1e-5, 1e-5, 1e-5]],
        } as const;
        for (const [output, [name, each, bound]] of Object.entries(bounds))
          expectClose(found[output] as Float32Array, golden(name), each, bound, output);
      });
    });

    describe('with Stable Diffusion', () => {
      let checkpoint: LatentCheckpoint;
      let golden: (name: string) => Float64Array;
      beforeAll(async () => {
        checkpoint = await readLatentCheckpoint(fixture('sd-tiny.ckpt'), sdTiny);
        golden = await figuresOf('sd-tiny.io.safetensors');
      });
      const tokens = 77;

      it('encodes prompts', async () => {
        const { graph, info } = exportTextEncoder(checkpoint);
        const encoder = await openTextEncoder(graph, info, options);
        const prompts = Array.from({ length: samples }, (_, n) => [
          ...golden('token_ids').subarray(tokens * n, tokens * (n + 1)),
        ]);
        expectClose(await encoder.encode(prompts), golden('text_hidden'), tokens * info.width, 3e-6);
        await encoder.close();
      });

      it('denoises with a condition', async () => {
        const { graph, info } = exportDenoiser(checkpoint);
        const denoiser = await openDenoiser(graph, info, options);
        const { positions, width } = info.condition!;
        const size = info.channels * info.resolution ** 2;
        const { denoised, bottleneck } = await denoiser.evaluate({
          x: golden('x').slice(0, samples * size),
          sigma: golden('sigma').slice(0, samples),
          condition: golden('text_hidden').slice(positions * width, (1 + samples) * positions * width),
        });
        expectClose(denoised, golden('denoised_rate1'), size, 3e-6);
        expectClose(bottleneck, golden('bottleneck_cond'), 64, 9e-6);
        await denoiser.close();
      });

      it('decodes latents', async () => {
        const { graph, info } = exportDecoder(checkpoint);
        const decoder = await openDecoder(graph, info, options);
        const size = info.channels * info.resolution ** 2;
        const { images } = await decoder.decode(golden('z').slice(0, Math.min(samples, 2) * size));
        expectClose(images, golden('decoded'), 3 * 32 * 32, 3e-6);
        await decoder.close();
      });
    });

    describe('with any graph', () => {
      let folder: string;
      beforeAll(async () => {
        folder = await mkdtemp(join(tmpdir(), 'fewstep-engine-'));
      });
      afterAll(() => rm(folder, { recursive: true }));
      const signature = { what: 'a map', inputs: ['x'], outputs: ['y'] };
      /** y = 2x for vectors of 300, by a table that is long enough for a second file. */
      const doubling = (inlineLimit?: number) => {
        const table = new Float32Array(300 * 300);
        for (let i = 0; i < 300; i++) table[i * 300 + i] = 2;
        const ops = new OnnxOps({ 't.weight': { dtype: 'F32', shape: [300, 300], data: table } });
        const y = ops.lookup(ops.input('x', [300]), 't', { count: 300, width: 300 });
        return encodeOnnx(ops.model({ y }), { ...(inlineLimit && { inlineLimit }) });
      };
      const x = { data: Float32Array.from({ length: 600 }, (_, i) => i / 8), shape: [300] };

      it('reads weights from the file beside it', async () => {
        const { graph, external } = doubling(1000);
        const path = join(folder, 'map.onnx');
        await writeFile(path, graph);
        await expect(openSession(path, signature, options)).rejects.toThrow(/weights\.bin/);
        await writeFile(join(folder, external!.name), Buffer.concat([...external!.parts]));
        const session = await openSession(path, signature, options);
        await rm(join(folder, external!.name));
        const { y } = await session.run({ x }, 2);
        expect(y).toEqual(x.data.map((v) => 2 * v));
        await session.close();
      });

      it('refuses one that is damaged, missing, or has other names', async () => {
        const { graph } = doubling();
        const refused = (one: string | Uint8Array, other = signature) =>
          expect(openSession(one, other, options)).rejects;
        await refused(graph.subarray(0, 1000)).toThrow(/./);
        await refused(join(folder, 'none.onnx')).toThrow(/none\.onnx/);
        await refused(graph, { ...signature, outputs: ['z'] }).toThrow(
          refusal(/maps x to y; a map as described maps x to z/),
        );
      });

      it('fails on inputs that do not fit, and goes on with those that do', async () => {
        const session = await openSession(doubling().graph, signature, options);
        await expect(session.run({ x: { data: new Float32Array(10), shape: [5] } }, 2)).rejects.toThrow(
          refusal(/./),
        );
        expect((await session.run({ x }, 2)).y).toHaveLength(600);
        await session.close();
      });

      it('ends once, and not in vain', async () => {
        const session = await openSession(doubling().graph, signature, options);
        await session.close();
        await session.close();
        await expect(session.run({ x }, 2)).rejects.toThrow(refusal(/was closed/));
      });
    });
  });
}
