import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it, vi } from 'vitest';
import { type DenoiserParams, run } from './denoiser.js';

/** What the network of the next checkpoint is said to know. */
const known = vi.hoisted(() => ({}) as { noiseLevels?: number[]; channels?: number; imageChannels?: number });
vi.mock('@fewstep/models', async (original) => {
  const models = (await original()) as typeof import('@fewstep/models');
  return {
    ...models,
    exportDenoiser: (...given: Parameters<typeof models.exportDenoiser>) => {
      const { info, ...graph } = models.exportDenoiser(...given);
      const { imageChannels: _, ...ofNetwork } = known;
      return { ...graph, info: { ...info, ...ofNetwork } };
    },
    exportDecoder: (...given: Parameters<typeof models.exportDecoder>) => {
      const { graph, info } = models.exportDecoder(...given);
      return { graph, info: { ...info, imageChannels: known.imageChannels ?? info.imageChannels } };
    },
  };
});

const fixture = (name: string) => fileURLToPath(new URL(`../../../models/fixtures/${name}`, import.meta.url));

/** What the task says of the model of a fixture. */
async function open(name: string, params: DenoiserParams) {
  const dir = await mkdtemp(join(tmpdir(), 'fewstep-denoiser-'));
  const given = { params, hints: {}, digests: {}, device: { type: 'cpu' }, dir, progress: () => {} };
  const none = {
    classifier: undefined,
    first_stage: undefined,
    text_encoder: undefined,
    decoder: undefined,
  };
  try {
    const { files } = await run({ ...given, inputs: { ...none, checkpoint: fixture(name) } });
    return JSON.parse(await readFile(join(dir, files.info), 'utf8'));
  } finally {
    await rm(dir, { recursive: true });
  }
}

const network = {
  num_heads: 4,
  image_size: 16,
  parametrization: 'eps',
  scale_factor: 0.18215,
  num_attention_heads: 4,
  hidden_act: 'quick_gelu',
} as const;

it.each<[string, DenoiserParams, RegExp]>([
  ['edm-ncsnpp-uncond.p2.pkl', { guidance: { type: 'uncond' } }, /type is uncond, .* remove guidance/],
  ['sd-tiny.ckpt', { network }, /add guidance: \{ type: cfg, prompt: … \}/],
  ['sd-tiny.ckpt', { network, guidance: { type: 'uncond' } }, /type is uncond, .* take cfg with a prompt/],
])('refuses guidance that the network of %s has not: %j', async (name, params, message) => {
  await expect(open(name, params)).rejects.toMatchObject({
    code: 'E_MODEL',
    message: expect.stringMatching(message),
  });
});

it('says in its file at which levels a network is solved that knows no others, and nothing of it else', async () => {
  const infoOf = () => open('edm-ncsnpp-uncond.p2.pkl', {});
  expect(await infoOf()).not.toHaveProperty('solvedAt');
  known.noiseLevels = [9, 3, 1, 0];
  expect((await infoOf()).solvedAt).toEqual([9, 3, 1]);
  delete known.noiseLevels;
});

it.each<[string, typeof known, DenoiserParams, RegExp]>([
  ['edm-ncsnpp-uncond.p2.pkl', { channels: 4 }, {}, /network denoises 4 channels, .* as onnx\.decoder/],
  ['edm-ncsnpp-uncond.p2.pkl', { channels: 2 }, {}, /network denoises 2 channels/],
  [
    'sd-tiny.ckpt',
    { imageChannels: 4 },
    { network, guidance: { type: 'cfg' } },
    /decoder gives 4 channels, .* or 3 \(RGB\)/,
  ],
])('refuses what nobody could look at, of %s: %j', async (name, changes, params, message) => {
  Object.assign(known, changes);
  await expect(open(name, params)).rejects.toMatchObject({
    code: 'E_MODEL',
    message: expect.stringMatching(message),
  });
  for (const key of Object.keys(changes)) delete known[key as keyof typeof known];
});
