import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it, vi } from 'vitest';
import { type DenoiserParams, run } from './denoiser.js';

/** What the network of the next checkpoint is said to know. */
const known = vi.hoisted(() => ({ noiseLevels: undefined as number[] | undefined }));
vi.mock('@fewstep/models', async (original) => {
  const models = (await original()) as typeof import('@fewstep/models');
  return {
    ...models,
    exportDenoiser: (...given: Parameters<typeof models.exportDenoiser>) => {
      const { info, ...graph } = models.exportDenoiser(...given);
      return { ...graph, info: { ...info, ...(known.noiseLevels && { noiseLevels: known.noiseLevels }) } };
    },
  };
});

const fixture = (name: string) => fileURLToPath(new URL(`../../../models/fixtures/${name}`, import.meta.url));

const network = { num_heads: 4, num_attention_heads: 4 };

it.each<[string, DenoiserParams, RegExp]>([
  ['edm-ncsnpp-uncond.p2.pkl', { guidance: { type: 'uncond' } }, /type is uncond, .* remove guidance/],
  ['sd-tiny.ckpt', { network }, /add guidance: \{ type: cfg, prompt: … \}/],
  ['sd-tiny.ckpt', { network, guidance: { type: 'uncond' } }, /type is uncond, .* take cfg with a prompt/],
])('refuses guidance that the network of %s has not: %j', async (name, params, message) => {
  const dir = await mkdtemp(join(tmpdir(), 'fewstep-denoiser-'));
  const inputs = {
    checkpoint: fixture(name),
    classifier: undefined,
    first_stage: undefined,
    text_encoder: undefined,
    decoder: undefined,
  };
  await expect(
    run({ params, hints: {}, digests: {}, device: { type: 'cpu' }, inputs, dir, progress: () => {} }),
  ).rejects.toMatchObject({
    code: 'E_MODEL',
    message: expect.stringMatching(message),
  });
  await rm(dir, { recursive: true });
});

it('says in its file at which levels a network is solved that knows no others, and nothing of it else', async () => {
  const infoOf = async () => {
    const dir = await mkdtemp(join(tmpdir(), 'fewstep-denoiser-'));
    const given = { params: {}, hints: {}, digests: {}, device: { type: 'cpu' }, dir, progress: () => {} };
    const none = {
      classifier: undefined,
      first_stage: undefined,
      text_encoder: undefined,
      decoder: undefined,
    };
    const inputs = { ...none, checkpoint: fixture('edm-ncsnpp-uncond.p2.pkl') };
    const { files } = await run({ ...given, inputs });
    const info = JSON.parse(await readFile(join(dir, files.info), 'utf8'));
    await rm(dir, { recursive: true });
    return info;
  };
  expect(await infoOf()).not.toHaveProperty('solvedAt');
  known.noiseLevels = [9, 3, 1, 0];
  expect((await infoOf()).solvedAt).toEqual([9, 3, 1]);
  known.noiseLevels = undefined;
});
