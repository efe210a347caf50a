import { expect, it } from 'vitest';
import { readCheckpoint } from './read-checkpoint.js';
import { sdTiny } from './sd-tiny.test.support.js';

const fixture = (name: string) => new URL(`../../fixtures/${name}`, import.meta.url).pathname;

it.each([
  ['edm-ncsnpp-uncond.p2.pkl', {}, { family: 'edm', sigmaMin: 0.002, sigmaMax: 80 }],
  ['sd-tiny.ckpt', sdTiny, { family: 'stable-diffusion', scaleFactor: 0.18215 }],
])('knows %s by what it holds', async (file, options, expected) => {
  expect(await readCheckpoint(fixture(file), options)).toMatchObject(expected);
});

it.each([
  ['edm-ncsnpp-uncond.p2.pkl', { num_heads: 4, classifier: 'a.pt' }, /nothing reads num_heads, classifier/],
  ['sd-tiny.ckpt', { classifier: 'a.pt' }, /nothing reads classifier, .* latent diffusion’s/],
  ['tensors.zip.pt', {}, /no network that is known/],
])('refuses %s with %o', async (file, options, message) => {
  await expect(readCheckpoint(fixture(file), options)).rejects.toMatchObject({
    code: 'E_CHECKPOINT',
    message: expect.stringMatching(message),
    evidence: { path: fixture(file) },
  });
});
