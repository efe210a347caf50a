import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { classifierFree } from '../classifier-free.js';
import { exportDecoder, type LoadedDecoder, openDecoder } from '../decoder.js';
import { type LoadedDenoiser, openDenoiser } from '../denoiser.js';
import { exportDenoiser } from '../export-denoiser.js';
import { readSafetensors } from '../files/safetensors.js';
import { toNumbers } from '../files/tensor.js';
import { exportTextEncoder, type LoadedTextEncoder, openTextEncoder } from '../text-encoder.js';
import type { LatentCheckpoint } from './checkpoint.js';
import { readLatentCheckpoint } from './read-latent-checkpoint.js';
import { sdTiny } from './sd-tiny.test.support.js';

const fixture = (name: string) => new URL(`../../fixtures/${name}`, import.meta.url).pathname;
const refusal = (message: RegExp) =>
  expect.objectContaining({ code: 'E_ENGINE', message: expect.stringMatching(message) });

let checkpoint: LatentCheckpoint;
let denoiser: LoadedDenoiser;
let decoder: LoadedDecoder;
let encoder: LoadedTextEncoder;
let figures: Record<string, Float64Array>;

beforeAll(async () => {
  const arrays = Object.entries(readSafetensors(await readFile(fixture('sd-tiny.io.safetensors'))));
  figures = Object.fromEntries(arrays.map(([name, t]) => [name, Float64Array.from(toNumbers(t), Number)]));
  checkpoint = await readLatentCheckpoint(fixture('sd-tiny.ckpt'), sdTiny);
  const { graph, info } = exportDenoiser(checkpoint);
  denoiser = await openDenoiser(graph, info);
  const decoding = exportDecoder(checkpoint);
  decoder = await openDecoder(decoding.graph, decoding.info);
  const encoding = exportTextEncoder(checkpoint);
  encoder = await openTextEncoder(encoding.graph, encoding.info);
}, 60_000);
afterAll(() => Promise.all([denoiser.close(), decoder.close(), encoder.close()]));

/** Rows of 77 tokens; the first is the empty prompt. */
const prompts = () =>
  Array.from({ length: 6 }, (_, n) => [...figures.token_ids!.subarray(77 * n, 77 * (n + 1))]);
/** The condition of the five samples, and the one that stands for none. */
const conditions = () => {
  const width = figures.text_hidden!.length / 6;
  return {
    condition: figures.text_hidden!.slice(width),
    unconditional: figures.text_hidden!.slice(0, width),
  };
};
const inputs = () => ({ x: figures.x!, sigma: figures.sigma!, condition: conditions().condition });

/** Sample by sample, the largest difference over the largest value. */
function expectClose(found: Float64Array, expected: Float64Array, samples: number, bound: number): void {
  expect(found).toHaveLength(expected.length);
  const size = expected.length / samples;
  const largest = (values: Float64Array) => values.reduce((most, v) => Math.max(most, Math.abs(v)), 0);
  for (let n = 0; n < samples; n++) {
    const part = (values: Float64Array) => values.subarray(n * size, (n + 1) * size);
    const difference = part(found).map((v, i) => v - part(expected)[i]!);
    expect(largest(difference) / largest(part(expected))).toBeLessThan(bound);
  }
}

describe('a tiny Stable Diffusion against the official figures', () => {
  it('encodes prompts', async () => {
    expectClose(await encoder.encode(prompts()), figures.text_hidden!, 6, 3e-6);
  });

  it('denoises with the condition alone', async () => {
    const { denoised, bottleneck } = await denoiser.evaluate(inputs());
    expectClose(denoised, figures.denoised_rate1!, 5, 3e-6);
    expectClose(bottleneck, figures.bottleneck_cond!, 5, 9e-6);
  });

  it('denoises guided', async () => {
    const guided = classifierFree(denoiser, { rate: 7.5, ...conditions() });
    const { denoised, bottleneck, forwards } = await guided.evaluate(inputs());
    expectClose(denoised, figures.denoised!, 5, 1.2e-5);
    expectClose(bottleneck, figures.bottleneck_cond!, 5, 9e-6);
    expect(forwards).toBe(10);
    // the rate matters: the same bound tells the two apart
    expect(() => expectClose(denoised, figures.denoised_rate1!, 5, 1.2e-5)).toThrow();
  });

  it('decodes latents', async () => {
    const { images, codes } = await decoder.decode(figures.z!);
    expectClose(images, figures.decoded!, 2, 3e-6);
    expect(codes).toBeUndefined();
    expect(decoder.info).toEqual({
      channels: 4,
      resolution: 16,
      imageChannels: 3,
      imageResolution: 32,
      codebook: 0,
    });
  });
});

it('gives each sample the same bits in any batch, with any number of threads', async () => {
  const { graph, info } = exportDenoiser(checkpoint);
  const whole = await denoiser.evaluate(inputs());
  const single = await openDenoiser(graph, info, { threads: 1 });
  for (const one of [single, denoiser])
    expect((await one.evaluate({ ...inputs(), batch: 2 })).denoised).toEqual(whole.denoised);
  await single.close();
  const { images } = await decoder.decode(figures.z!);
  const alone = await decoder.decode(figures.z!.slice(figures.z!.length / 2));
  expect(alone.images).toEqual(images.slice(images.length / 2));
  const hidden = await encoder.encode(prompts());
  expect(await encoder.encode(prompts().slice(5))).toEqual(hidden.slice((hidden.length * 5) / 6));
}, 30_000);

it('takes one condition for all samples', async () => {
  const { unconditional } = conditions();
  const each = new Float64Array(5 * unconditional.length);
  for (let n = 0; n < 5; n++) each.set(unconditional, n * unconditional.length);
  const [once, often] = [
    await denoiser.evaluate({ ...inputs(), condition: unconditional }),
    await denoiser.evaluate({ ...inputs(), condition: each }),
  ];
  expect(once.denoised).toEqual(often.denoised);
});

describe('refuses', () => {
  it('a condition that is missing, or of another size', async () => {
    const { condition, ...without } = inputs();
    await expect(denoiser.evaluate(without)).rejects.toThrow(refusal(/not no values/));
    await expect(denoiser.evaluate({ ...without, condition: condition.slice(1) })).rejects.toThrow(
      refusal(/77 tokens of 24 entries/),
    );
  });

  it('prompts of another length or vocabulary', async () => {
    await expect(encoder.encode([[1, 2]])).rejects.toThrow(refusal(/77 tokens, not 2/));
    await expect(encoder.encode([new Array(77).fill(120)])).rejects.toThrow(refusal(/from 0 to 119/));
  });

  it('latents that are no whole number of samples', async () => {
    await expect(decoder.decode(new Float64Array(5))).rejects.toThrow(refusal(/4,16,16/));
  });

  it('to export a text encoder that is not there', () => {
    const { textEncoder: _, ...unconditional } = checkpoint;
    expect(() => exportTextEncoder(unconditional)).toThrow(expect.objectContaining({ code: 'E_CHECKPOINT' }));
  });

  it('graphs of another kind, and to go on after the end', async () => {
    const { graph } = exportTextEncoder(checkpoint);
    await expect(openDecoder(graph, decoder.info)).rejects.toThrow(
      refusal(/a decoder as described maps latents/),
    );
    const other = await openTextEncoder(graph, encoder.info);
    await other.close();
    await expect(other.encode(prompts())).rejects.toThrow(refusal(/was closed/));
  });
});
