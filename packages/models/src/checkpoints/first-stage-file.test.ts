import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeSafetensors } from '../files/safetensors.js';
import { readStateDict } from '../files/state-dict.js';
import { type Tensors, toFloat32 } from '../files/tensor.js';
import { readCheckpoint } from './read-checkpoint.js';
import { readLatentCheckpoint } from './read-latent-checkpoint.js';

const whole = new URL('../../fixtures/sd-tiny.ckpt', import.meta.url).pathname;
const FIRST_STAGE = 'first_stage_model.';

let folder: string;
let tensors: Tensors;
const file = (name: string) => join(folder, name);
const write = (name: string, of: Tensors) => writeFile(file(name), writeSafetensors(of));
const pick = (isPicked: (name: string) => boolean) =>
  Object.fromEntries(Object.entries(tensors).filter(([name]) => isPicked(name)));
const isFirstStage = (name: string) => name.startsWith(FIRST_STAGE);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fewstep-'));
  tensors = await readStateDict(whole);
  await write(
    'without.safetensors',
    pick((name) => !isFirstStage(name)),
  );
  const alone = Object.entries(pick(isFirstStage)).map(([name, one]) => [
    name.slice(FIRST_STAGE.length),
    one,
  ]);
  await write('alone.safetensors', Object.fromEntries(alone));
  const bias = `${FIRST_STAGE}decoder.conv_out.bias`;
  const data = toFloat32(tensors[bias]!).map((value) => value + 1);
  await write('other.safetensors', { ...pick(isFirstStage), [bias]: { dtype: 'F32', shape: [3], data } });
});
afterAll(() => rm(folder, { recursive: true }));

describe('a first stage in a file of its own', () => {
  it('is taken where the model has none', async () => {
    const expected = await readLatentCheckpoint(whole);
    const model = await readCheckpoint(file('without.safetensors'), {
      first_stage: file('alone.safetensors'),
    });
    expect({ ...model, forward: expected.forward }).toEqual(expected);
    await expect(readLatentCheckpoint(file('without.safetensors'))).rejects.toThrow(
      expect.objectContaining({
        code: 'E_CHECKPOINT',
        message: expect.stringMatching(/without\.safetensors: it has no first stage .* as first_stage$/),
      }),
    );
  });

  it('comes before the model’s own, and may be in a whole model', async () => {
    const expected = await readLatentCheckpoint(whole);
    const { decoder, ...rest } = await readLatentCheckpoint(whole, {
      first_stage: file('other.safetensors'),
    });
    expect(rest).toEqual({ ...rest, weights: expected.weights });
    const biases = [decoder, expected.decoder].map(({ weights }) =>
      Array.from(toFloat32(weights['decoder.conv_out.bias']!)),
    );
    expect(biases[0]).toEqual(biases[1]!.map((value) => Math.fround(value + 1)));
  });

  it('is none where its file has none, or the model can’t have another', async () => {
    await expect(readLatentCheckpoint(whole, { first_stage: file('without.safetensors') })).rejects.toThrow(
      /without\.safetensors: it is no first stage: it has no post_quant_conv\.weight/,
    );
    await expect(readLatentCheckpoint(folder, { first_stage: whole })).rejects.toThrow(
      /has its own first stage, vae/,
    );
    const edm = new URL('../../fixtures/edm-ncsnpp-uncond.p2.pkl', import.meta.url).pathname;
    await expect(readCheckpoint(edm, { first_stage: whole })).rejects.toThrow(
      /nothing reads first_stage, for it is EDM’s/,
    );
  });
});
