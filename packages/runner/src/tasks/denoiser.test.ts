import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { type DenoiserParams, run } from './denoiser.js';

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
    run({ params, hints: {}, device: { type: 'cpu' }, inputs, dir, progress: () => {} }),
  ).rejects.toMatchObject({
    code: 'E_MODEL',
    message: expect.stringMatching(message),
  });
  await rm(dir, { recursive: true });
});
