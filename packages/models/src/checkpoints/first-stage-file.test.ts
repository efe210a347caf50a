import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { exportDecoder } from '../decoder.js';
import { writeSafetensors } from '../files/safetensors.js';
import { readStateDict } from '../files/state-dict.js';
import { type Tensors, toFloat32 } from '../files/tensor.js';
import type { LatentCheckpoint } from './checkpoint.js';
import { publishedLatents } from './published-latent.js';
import { readCheckpoint } from './read-checkpoint.js';
import { readFirstStage } from './read-first-stage.js';
import { readLatentCheckpoint } from './read-latent-checkpoint.js';
import { sdTiny } from './sd-tiny.test.support.js';
import { digested, digestOf } from './weights.test.support.js';

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

/** A decoder's name of two levels as diffusers has it; others are the same. */
const inDiffusers = (name: string) =>
  name
    .replace(/^decoder\.up\.(\d)\.block\./, (_, level) => `decoder.up_blocks.${1 - Number(level)}.resnets.`)
    .replace(
      /^decoder\.up\.(\d)\.upsample\./,
      (_, level) => `decoder.up_blocks.${1 - Number(level)}.upsamplers.0.`,
    )
    .replace(/^decoder\.mid\.block_(\d)\./, (_, number) => `decoder.mid_block.resnets.${Number(number) - 1}.`)
    .replace('decoder.mid.attn_1.', 'decoder.mid_block.attentions.0.')
    .replace('decoder.norm_out.', 'decoder.conv_norm_out.')
    .replace('nin_shortcut.', 'conv_shortcut.')
    .replace('attentions.0.norm.', 'attentions.0.group_norm.')
    .replace('attentions.0.proj_out.', 'attentions.0.to_out.0.')
    .replace(/attentions\.0\.([qkv])\./, 'attentions.0.to_$1.');

describe('a first stage in a file of its own', () => {
  it('is read by itself, as it is in its model', async () => {
    const { decoder, scaleFactor, resolution } = await readLatentCheckpoint(whole, sdTiny);
    const told = { image_size: sdTiny.image_size, scale_factor: sdTiny.scale_factor };
    const first = await readFirstStage(file('alone.safetensors'), told);
    expect({ ...first, decoder: digestOf(first!.decoder.weights) }).toEqual({
      decoder: digestOf(decoder.weights),
      scaleFactor,
      resolution,
    });
    expect(exportDecoder(first!).info).toEqual(exportDecoder(await readLatentCheckpoint(whole, sdTiny)).info);
    await expect(readFirstStage(file('alone.safetensors'))).rejects.toMatchObject({
      code: 'E_CHECKPOINT',
      evidence: { asked: ['image_size', 'scale_factor'] },
    });
    await expect(readFirstStage(file('alone.safetensors'), sdTiny)).rejects.toThrow(
      /nothing reads num_heads, /,
    );
    // a model is none by itself
    expect(await readFirstStage(whole)).toBeUndefined();
  });

  it('is known to be VQ-f4 by its shapes, and no other by itself', () => {
    expect(publishedLatents({ embed_dim: 3, n_embed: 8192 })).toMatchObject({
      image_size: 64,
      scale_factor: 1,
    });
    expect(publishedLatents({ embed_dim: 4, n_embed: 0 })).toEqual({});
    expect(publishedLatents({ embed_dim: 3, n_embed: 256 })).toEqual({});
  });

  it('is taken where the model has none', async () => {
    const expected = await readLatentCheckpoint(whole, sdTiny);
    const model = await readCheckpoint(file('without.safetensors'), {
      ...sdTiny,
      first_stage: file('alone.safetensors'),
    });
    expect(digested(model as LatentCheckpoint)).toEqual(digested(expected));
    await expect(readLatentCheckpoint(file('without.safetensors'))).rejects.toThrow(
      expect.objectContaining({
        code: 'E_CHECKPOINT',
        message: expect.stringMatching(/without\.safetensors: it has no first stage .* as first_stage$/),
      }),
    );
  });

  it('comes before the model’s own, and may be in a whole model', async () => {
    const expected = await readLatentCheckpoint(whole, sdTiny);
    const { decoder, ...rest } = await readLatentCheckpoint(whole, {
      ...sdTiny,
      first_stage: file('other.safetensors'),
    });
    expect(digestOf(rest.weights)).toBe(digestOf(expected.weights));
    const biases = [decoder, expected.decoder].map(({ weights }) =>
      Array.from(toFloat32(weights['decoder.conv_out.bias']!)),
    );
    expect(biases[0]).toEqual(biases[1]!.map((value) => Math.fround(value + 1)));
  });

  it('may have diffusers’ names, and copies that are averaged, which decode nothing', async () => {
    const { decoder } = await readLatentCheckpoint(whole, sdTiny);
    const alone = Object.entries(pick(isFirstStage)).map(
      ([name, one]) => [name.slice(FIRST_STAGE.length), one] as const,
    );
    const renamed = alone.map(([name, one]) => [inDiffusers(name), one] as const);
    expect(renamed.map(([name]) => name)).toContain('decoder.up_blocks.0.upsamplers.0.conv.weight');
    await write('diffusers.safetensors', Object.fromEntries(renamed));
    const twins = alone.map(([name, one]) => [`model_ema.${name.replaceAll('.', '')}`, one] as const);
    const decay: Tensors[string] = { dtype: 'F32', shape: [], data: Float32Array.of(0.5) };
    const averaged = Object.fromEntries([...alone, ...twins, ['model_ema.decay', decay]]);
    await write('averaged.safetensors', averaged);
    for (const name of ['diffusers.safetensors', 'averaged.safetensors']) {
      const model = await readLatentCheckpoint(whole, { ...sdTiny, first_stage: file(name) });
      expect(digestOf(model.decoder.weights)).toBe(digestOf(decoder.weights));
    }
    const within = Object.entries(averaged).map(([name, one]) => [`${FIRST_STAGE}${name}`, one] as const);
    await write('within.safetensors', {
      ...pick((name) => !isFirstStage(name)),
      ...Object.fromEntries(within),
    });
    const inside = await readLatentCheckpoint(file('within.safetensors'), sdTiny);
    expect(digestOf(inside.decoder.weights)).toBe(digestOf(decoder.weights));
  });

  it('is blamed itself where it is not whole, or of other latents', async () => {
    const { [`${FIRST_STAGE}decoder.conv_out.bias`]: bias, ...rest } = pick(isFirstStage);
    expect(bias).toBeDefined();
    await write('part.safetensors', rest);
    const quant = `${FIRST_STAGE}post_quant_conv.weight`;
    const wide: Tensors[string] = { dtype: 'F32', shape: [4, 16, 1, 1], data: new Float32Array(64) };
    await write('wide.safetensors', { ...pick(isFirstStage), [quant]: wide });
    for (const [name, message] of [
      ['part.safetensors', /1 missing: decoder\.conv_out\.bias/],
      ['wide.safetensors', /latents have 16 channels, and those of the model that it is given to have 4/],
    ] as const)
      await expect(readLatentCheckpoint(whole, { ...sdTiny, first_stage: file(name) })).rejects.toMatchObject(
        {
          code: 'E_CHECKPOINT',
          message: expect.stringMatching(message),
          evidence: { path: file(name) },
        },
      );
  });

  it('is none where its file has none, or the model can’t have another', async () => {
    await expect(readLatentCheckpoint(whole, { first_stage: file('without.safetensors') })).rejects.toThrow(
      /without\.safetensors: it is no first stage: it has no post_quant_conv\.weight/,
    );
    await expect(readLatentCheckpoint(whole, { first_stage: folder })).rejects.toThrow(
      /is a folder: give the file of weights in it/,
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
