import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { readStateDict } from '../files/state-dict.js';
import { toNumbers } from '../files/tensor.js';
import { openDiffusers } from './diffusers-folder.js';

const weights = new URL('../../fixtures/tensors.zip.pt', import.meta.url).pathname;
const scheduler = {
  beta_start: 0.00085,
  beta_end: 0.012,
  beta_schedule: 'scaled_linear',
  num_train_timesteps: 1000,
};

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fewstep-models-'));
});
afterEach(() => rm(folder, { recursive: true }));

const config = (part: string, values: object) =>
  writeFile(
    join(folder, part, part === 'scheduler' ? 'scheduler_config.json' : 'config.json'),
    JSON.stringify(values),
  );

/** A folder whose parts hold tensors that mean nothing: what is in them is another file's concern. */
async function build({ unet = {}, vae = {}, text_encoder = {} }) {
  for (const part of ['unet', 'vae', 'text_encoder', 'scheduler'])
    await mkdir(join(folder, part), { recursive: true });
  await config('unet', unet);
  await config('vae', vae);
  await config('text_encoder', text_encoder);
  await config('scheduler', scheduler);
  await copyFile(weights, join(folder, 'vae', 'diffusion_pytorch_model.bin'));
  await copyFile(weights, join(folder, 'text_encoder', 'pytorch_model.fp16.bin'));
  await copyFile(weights, join(folder, 'unet', 'diffusion_pytorch_model.bin'));
}

async function optionsOf(parts: Parameters<typeof build>[0]) {
  await build(parts);
  const { source, close } = await openDiffusers(folder);
  close();
  return source.facts!.options;
}

it.each([
  [{ attention_head_dim: 8 }, { num_heads: 8 }],
  [{ attention_head_dim: 64, num_attention_heads: 4 }, { num_heads: 4 }],
  [{ attention_head_dim: 5, num_attention_heads: null }, { num_heads: 5 }],
  [{ attention_head_dim: [8, 8], block_out_channels: [320, 640] }, { num_heads: 8 }],
  [{ attention_head_dim: [5, 10], block_out_channels: [320, 640] }, { num_head_channels: 64 }],
  [{ _class_name: 'UNet2DConditionModel' }, { num_heads: 8 }],
  [{}, {}],
])('heads of %o', async (unet, heads) => {
  expect(await optionsOf({ unet })).toEqual({ parametrization: 'eps', ...heads });
});

it('what else the files say', async () => {
  const said = {
    unet: { sample_size: 64, norm_num_groups: 32, use_linear_projection: true },
    vae: { scaling_factor: 0.13025 },
    text_encoder: { num_attention_heads: 12, hidden_act: 'gelu' },
  };
  const options = {
    image_size: 64,
    scale_factor: 0.13025,
    parametrization: 'eps',
    num_attention_heads: 12,
    hidden_act: 'gelu',
  };
  expect(await optionsOf(said)).toEqual(options);
  const { scaling_factor: _, ...vae } = { ...said.vae, _class_name: 'AutoencoderKL' };
  const text_encoder = { model_type: 'clip_text_model' };
  expect(await optionsOf({ ...said, vae, text_encoder })).toEqual({
    ...options,
    scale_factor: 0.18215,
    num_attention_heads: 8,
    hidden_act: 'quick_gelu',
  });
});

it.each([
  ['unet', { attention_head_dim: [8, 8, 10], block_out_channels: [320, 640, 1280] }, /attention_head_dim/],
  ['unet', { attention_head_dim: 'many' }, /attention_head_dim "many"/],
  ['unet', { norm_num_groups: 16 }, /norm_num_groups 16; only 32/],
  ['unet', { flip_sin_to_cos: false }, /flip_sin_to_cos false/],
  ['unet', { class_embed_type: 'timestep', dropout: 0.1, scale: 3 }, /class_embed_type .*; it says scale 3/],
  ['vae', { norm_num_groups: 8 }, /norm_num_groups 8/],
  ['vae', { shift_factor: 0.1 }, /shift_factor 0\.1; only null/],
  ['text_encoder', { layer_norm_eps: 1e-6 }, /layer_norm_eps 0.000001; only 0.00001/],
  ['text_encoder', { hidden_act: 'relu' }, /hidden_act "relu"; "quick_gelu" or "gelu" is expected/],
])('refuses %s %o', async (part, values, message) => {
  await build({ [part]: values });
  await expect(openDiffusers(folder)).rejects.toMatchObject({
    code: 'E_CHECKPOINT',
    message: expect.stringMatching(message),
    evidence: { path: join(folder, part, 'config.json') },
  });
});

it('refuses what its index, or a second text encoder, says to be another model', async () => {
  await build({});
  const index = join(folder, 'model_index.json');
  await writeFile(index, JSON.stringify({ _class_name: 'StableDiffusionInpaintPipeline' }));
  await expect(openDiffusers(folder)).rejects.toMatchObject({
    message: expect.stringMatching(/model_index\.json says _class_name "StableDiffusionInpaintPipeline"/),
    evidence: { path: index, keys: ['_class_name'] },
  });
  await writeFile(index, JSON.stringify({ _class_name: 'StableDiffusionPipeline' }));
  await mkdir(join(folder, 'text_encoder_2'));
  await expect(openDiffusers(folder)).rejects.toThrow(/has text_encoder_2: Stable Diffusion XL/);
});

it('says what a folder should have that is no model’s', async () => {
  await expect(openDiffusers(folder)).rejects.toMatchObject({
    code: 'E_CHECKPOINT',
    message: expect.stringMatching(
      /no model's folder: diffusers' has unet, vae, .* ONNX files has unet\/model\.onnx/,
    ),
    evidence: { path: folder },
  });
});

it('names a folder without a U-Net by its index', async () => {
  await writeFile(join(folder, 'model_index.json'), JSON.stringify({ _class_name: 'FluxPipeline' }));
  await expect(openDiffusers(folder)).rejects.toThrow(/model_index\.json says _class_name "FluxPipeline"/);
});

it('takes the noise and the prediction that the scheduler says, and refuses what it leaves out', async () => {
  await build({});
  const said = async (values: object) => {
    await config('scheduler', values);
    const { source, close } = await openDiffusers(folder);
    close();
    const { betas, options } = source.facts!;
    return [betas, options.parametrization];
  };
  const { beta_start: start, beta_end: end } = scheduler;
  expect(await said(scheduler)).toEqual([{ type: 'scaled_linear', start, end, steps: 1000 }, 'eps']);
  const other = { ...scheduler, beta_schedule: 'linear', prediction_type: 'v_prediction' };
  expect(await said(other)).toEqual([{ type: 'linear', start, end, steps: 1000 }, 'v']);
  const { beta_schedule: _, ...rest } = scheduler;
  await expect(said(rest)).rejects.toMatchObject({ evidence: { keys: ['beta_schedule', 'trained_betas'] } });
});

it.each(['diffusion_pytorch_model.bin.index.json', 'diffusion_pytorch_model.safetensors.index.fp16.json'])(
  'weights in shards by %s',
  async (index) => {
    await build({});
    await rm(join(folder, 'unet', 'diffusion_pytorch_model.bin'));
    const shard = 'diffusion_pytorch_model-00001-of-00001.bin';
    await copyFile(weights, join(folder, 'unet', shard));
    const expected = await readStateDict(weights);
    const weight_map = Object.fromEntries(Object.keys(expected).map((name) => [name, shard]));
    await writeFile(join(folder, 'unet', index), JSON.stringify({ weight_map }));
    const { source, close } = await openDiffusers(folder);
    const name = Object.keys(expected)[0]!;
    expect(toNumbers(source.read(`model.diffusion_model.${name}`))).toEqual(toNumbers(expected[name]!));
    close();
  },
);
