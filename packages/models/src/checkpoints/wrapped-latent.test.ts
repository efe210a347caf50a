import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeSafetensors } from '../files/safetensors.js';
import { readStateDict } from '../files/state-dict.js';
import { type Tensors, toFloat32 } from '../files/tensor.js';
import { inspectCheckpoint } from '../inspect-checkpoint.js';
import type { Checkpoint, LatentCheckpoint } from './checkpoint.js';
import { readCheckpoint } from './read-checkpoint.js';
import { readLatentCheckpoint } from './read-latent-checkpoint.js';
import { sdTiny } from './sd-tiny.test.support.js';
import { digested, digestOf } from './weights.test.support.js';

const whole = new URL('../../fixtures/sd-tiny.ckpt', import.meta.url).pathname;
const BIAS = 'model.diffusion_model.out.2.bias';
const STAGE = 'first_stage_model.';

let folder: string;
let tensors: Tensors;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fewstep-'));
  tensors = await readStateDict(whole);
});
afterAll(() => rm(folder, { recursive: true }));

const under = (prefix: string, of: Tensors): Tensors =>
  Object.fromEntries(Object.entries(of).map(([name, tensor]) => [`${prefix}${name}`, tensor]));
const withBias = (value: number): Tensors => ({
  ...tensors,
  [BIAS]: { dtype: 'F32', shape: [4], data: new Float32Array(4).fill(value) },
});
/** The same, with averaged copies of the network's weights, as latent diffusion keeps them. */
const withCopies = (value: number, averaged: number): Tensors => ({
  ...withBias(value),
  ...Object.fromEntries(
    Object.entries(withBias(averaged))
      .filter(([name]) => name.startsWith('model.'))
      .map(([name, tensor]) => [`model_ema.${name.slice('model.'.length).replaceAll('.', '')}`, tensor]),
  ),
});
async function saved(of: Tensors): Promise<string> {
  const path = join(folder, 'one.safetensors');
  await writeFile(path, writeSafetensors(of));
  return path;
}
const bias = ({ weights }: Checkpoint) => toFloat32(weights['out.2.bias']!)[0];

describe('a latent model in a training’s file', () => {
  it.each(['model.', 'module.', 'state_dict.model.'])('is read under %s', async (prefix) => {
    const path = await saved({ ...under(prefix, tensors), 'optimizer.state.0.exp_avg': tensors[BIAS]! });
    const expected = digested(await readLatentCheckpoint(whole, sdTiny));
    expect(digested((await readCheckpoint(path, sdTiny)) as LatentCheckpoint)).toEqual(expected);
    expect(await inspectCheckpoint(path, sdTiny)).toMatchObject({
      wrapper: prefix,
      family: 'stable-diffusion',
      options: { scale_factor: 0.18215 },
    });
  });

  it('has averaged weights beside others, or within', async () => {
    const beside = await saved({ ...under('model.', withBias(1)), ...under('ema.', withBias(2)) });
    expect(bias(await readCheckpoint(beside, sdTiny))).toBe(2);
    expect(bias(await readCheckpoint(beside, { ...sdTiny, use_ema: false }))).toBe(1);
    expect(await inspectCheckpoint(beside, { ...sdTiny, use_ema: false })).toMatchObject({
      wrapper: 'model.',
      options: { use_ema: false },
      sources: { use_ema: 'spec' },
    });
    const within = await saved(under('model.', withCopies(3, 4)));
    expect(bias(await readCheckpoint(within, sdTiny))).toBe(4);
    expect(bias(await readCheckpoint(within, { ...sdTiny, use_ema: true }))).toBe(4);
    expect(bias(await readCheckpoint(within, { ...sdTiny, use_ema: false }))).toBe(3);
    expect(await inspectCheckpoint(within, sdTiny)).toMatchObject({
      options: { use_ema: true },
      sources: { use_ema: 'file' },
    });
  });

  it('is refused where its averaged weights have no names, or where use_ema chooses nothing', async () => {
    const strange = await saved({ ...under('model.', tensors), 'ema.shadow_params.0': tensors[BIAS]! });
    await expect(readCheckpoint(strange, sdTiny)).rejects.toThrow(
      /its averaged weights, ema\.\*, have the names of no network/,
    );
    await expect(readCheckpoint(whole, { ...sdTiny, use_ema: true })).rejects.toMatchObject({
      code: 'E_CHECKPOINT',
      message: expect.stringMatching(/it has one set of weights, averaged or not: leave use_ema out$/),
      evidence: { use_ema: true, path: whole },
    });
    // as Stable Diffusion's own configuration says of its file
    expect(bias(await readCheckpoint(whole, { ...sdTiny, use_ema: false }))).toBe(
      bias(await readCheckpoint(whole, sdTiny)),
    );
  });

  it('is told a first stage that is wrapped, too', async () => {
    const alone = Object.entries(tensors)
      .filter(([name]) => name.startsWith(STAGE))
      .map(([name, tensor]) => [name.slice(STAGE.length), tensor] as const);
    const first_stage = await saved(under('module.', Object.fromEntries(alone)));
    const { decoder } = await readLatentCheckpoint(whole, sdTiny);
    const wrapped = await readLatentCheckpoint(whole, { ...sdTiny, first_stage });
    expect(digestOf(wrapped.decoder.weights)).toBe(digestOf(decoder.weights));
    await expect(readCheckpoint(first_stage)).rejects.toThrow(/it is a first stage \(VAE\)/);
  });
});
