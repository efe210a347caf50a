import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { readCheckpoint } from './checkpoints/read-checkpoint.js';
import { sdTiny } from './checkpoints/sd-tiny.test.support.js';
import { tiny, tinyWeights } from './dino-tiny.test.support.js';
import { writeSafetensors } from './files/safetensors.js';
import { readStateDict } from './files/state-dict.js';
import type { Tensors } from './files/tensor.js';
import { inspectCheckpoint } from './inspect-checkpoint.js';
import { inception } from './networks/inception.js';
import { recordShapes } from './networks/parameters.js';

const fixture = (name: string) => new URL(`../fixtures/${name}`, import.meta.url).pathname;

it('tells family, options and counts of an EDM checkpoint', async () => {
  const found = await inspectCheckpoint(fixture('edm-ncsnpp-uncond.p2.pkl'));
  expect(found).toMatchObject({
    format: 'pickle',
    family: 'edm',
    bytes: 494_565,
    options: { type: 'SongUNet', embedding_type: 'fourier', encoder_type: 'residual' },
  });
  expect(found.options).toMatchObject({ precond: 'edm', sigma_data: 0.5 });
  expect(found.sources).toMatchObject({ precond: 'file', sigma_data: 'file' });
  expect(found.dtypes).toEqual({ F32: found.tensors });
  expect(found.groups.reduce((sum, { parameters }) => sum + parameters, 0)).toBe(found.parameters);
});

it('tells the denoiser of a Stable Diffusion', async () => {
  const found = await inspectCheckpoint(fixture('sd-tiny.ckpt'));
  expect(found).toMatchObject({
    family: 'stable-diffusion',
    options: { model_channels: 32, transformer: { depth: 1, context_dim: 24 } },
  });
});

it('tells of every option of a latent model where it is from', async () => {
  const shown = {
    in_channels: 4,
    out_channels: 4,
    model_channels: 32,
    channel_mult: [1, 1],
    num_res_blocks: 1,
    attention_resolutions: [1],
    num_classes: 0,
    use_scale_shift_norm: false,
    resblock_updown: false,
    transformer: { depth: 1, context_dim: 24 },
  };
  const from = (source: string, of: object) =>
    Object.fromEntries(Object.keys(of).map((name) => [name, source]));
  const { options, sources, problem } = await inspectCheckpoint(fixture('sd-tiny.ckpt'), sdTiny);
  // its table is within, of float32
  const noise = { sigma_min: expect.closeTo(0.029168, 6), sigma_max: expect.closeTo(14.61464, 5) };
  expect(options).toEqual({ ...shown, ...sdTiny, ...noise });
  const read = { family: 'file', ...from('file', shown) };
  expect(sources).toEqual({ ...read, ...from('spec', sdTiny), ...from('file', noise) });
  expect(problem).toBeUndefined();
  const { num_heads: _, ...others } = sdTiny;
  const open = await inspectCheckpoint(fixture('sd-tiny.ckpt'), others);
  expect(open.sources).toMatchObject({ num_heads: 'asked', num_head_channels: 'asked', image_size: 'spec' });
  expect(Object.keys(open.asked!)).toEqual(['num_heads', 'num_head_channels']);
  expect(open.options).not.toHaveProperty('num_heads');
});

it('tells what keeps a latent model from being read as it is told', async () => {
  const problemOf = async (told: object) =>
    (await inspectCheckpoint(fixture('sd-tiny.ckpt'), { ...sdTiny, ...told })).problem;
  expect(await problemOf({ linear_start: 0.002 })).toMatch(/linear_start alone is told/);
  expect(await problemOf({ linear_start: 0.002, linear_end: 0.012 })).toMatch(
    /its alphas_cumprod are not those of linear_start and linear_end: number 0/,
  );
  expect(await problemOf({ first_stage: fixture('tensors.zip.pt') })).toMatch(
    /tensors\.zip\.pt: it is no first stage/,
  );
});

const configurations = {
  'unet/config.json': { _class_name: 'UNet2DConditionModel', attention_head_dim: 4, sample_size: 16 },
  'vae/config.json': { _class_name: 'AutoencoderKL' },
  'text_encoder/config.json': { hidden_act: 'quick_gelu', num_attention_heads: 4 },
  'scheduler/scheduler_config.json': {
    beta_start: 0.00085,
    beta_end: 0.012,
    beta_schedule: 'scaled_linear',
    num_train_timesteps: 1000,
    prediction_type: 'v_prediction',
  },
};

it('tells of a folder in diffusers’ layout what its configurations say, or what is refused', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'fewstep-models-'));
  const write = async (name: string, content: string | Uint8Array) => {
    await mkdir(join(folder, name, '..'), { recursive: true });
    await writeFile(join(folder, name), content);
  };
  await expect(inspectCheckpoint(folder)).rejects.toMatchObject({ code: 'E_CHECKPOINT' });
  for (const [name, config] of Object.entries(configurations)) await write(name, JSON.stringify(config));
  // what diffusers calls otherwise is known by its first names, too
  const prefixes = {
    'unet/diffusion_pytorch_model': 'model.diffusion_model.',
    'vae/diffusion_pytorch_model': 'first_stage_model.',
    'text_encoder/model': 'cond_stage_model.transformer.',
  };
  for (const [name, prefix] of Object.entries(prefixes))
    await write(
      `${name}.safetensors`,
      writeSafetensors(await readStateDict(fixture('sd-tiny.ckpt'), { prefix })),
    );
  const found = await inspectCheckpoint(folder);
  expect(found).toMatchObject({
    format: 'folder in diffusers’ layout',
    family: 'stable-diffusion',
    options: {
      model_channels: 32,
      num_heads: 4,
      parametrization: 'v',
      linear_start: 0.00085,
      image_size: 16,
    },
    sources: { model_channels: 'file', num_heads: 'config', parametrization: 'config', sigma_max: 'config' },
    dtypes: { F16: expect.any(Number) },
  });
  expect(Object.keys(found.sources!).sort()).toEqual(['family', ...Object.keys(found.options!)].sort());
  expect(found.bytes).toBeGreaterThan(1_000_000);
  const { options, sources } = await inspectCheckpoint(folder, { parametrization: 'eps' });
  expect([options!.parametrization, sources!.parametrization]).toEqual(['eps', 'spec']);
  const scheduler = { ...configurations['scheduler/scheduler_config.json'], rescale_betas_zero_snr: true };
  await write('scheduler/scheduler_config.json', JSON.stringify(scheduler));
  const refused = await inspectCheckpoint(folder);
  expect(refused.problem).toMatch(/scheduler_config\.json says rescale_betas_zero_snr true/);
  expect(refused).not.toHaveProperty('family');
  await rm(folder, { recursive: true });
});

it('tells a predictor of the official training', async () => {
  const found = await inspectCheckpoint(fixture('official-predictor.pkl'));
  expect(found).toMatchObject({ family: 'amed-predictor', options: { sampler_stu: expect.any(String) } });
});

it('tells FID’s Inception-v3, and another of its kind', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'fewstep-models-'));
  const path = join(folder, 'inception.safetensors');
  const shapes = recordShapes((ops) => inception(ops, null));
  const weights = Object.fromEntries(
    [...shapes].map(([name, shape]): [string, Tensors[string]] => [
      name,
      { dtype: 'U8', shape, data: new Uint8Array(shape.reduce((a, b) => a * b, 1)) },
    ]),
  );
  await writeFile(path, writeSafetensors(weights));
  const found = await inspectCheckpoint(path);
  expect(found).toMatchObject({ family: 'inception', options: { features: 2048, logits: 1008 } });
  expect(found).not.toHaveProperty('problem');
  await expect(readCheckpoint(path)).rejects.toThrow(/it is FID’s Inception-v3, .* as the feature network/);
  // ImageNet's, as torchvision has it
  const bias: Tensors[string] = { dtype: 'U8', shape: [1000], data: new Uint8Array(1000) };
  await writeFile(path, writeSafetensors({ ...weights, 'fc.bias': bias }));
  expect(await inspectCheckpoint(path)).toMatchObject({
    family: 'inception',
    problem: expect.stringMatching(/fc\.bias/),
  });
  await rm(folder, { recursive: true });
});

it('knows DINOv2, and reads it as no denoiser', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'fewstep-dino-'));
  const path = join(folder, 'dinov2_vits14_pretrain.safetensors');
  await writeFile(path, writeSafetensors(tinyWeights(tiny.plain)));
  expect(await inspectCheckpoint(path)).toMatchObject({
    family: 'dinov2',
    options: { hidden_size: 128, num_hidden_layers: 2, patch_size: 14 },
  });
  await expect(readCheckpoint(path)).rejects.toThrow(/it is DINOv2, .* as the feature network/);
  await rm(folder, { recursive: true });
});

it('counts elements and types of what it does not know', async () => {
  const found = await inspectCheckpoint(fixture('tensors.zip.pt'));
  expect(found).toMatchObject({ format: 'PyTorch zip', tensors: 19, dtypes: { F32: 10, BF16: 1, I64: 1 } });
  expect(found).not.toHaveProperty('family');
  expect(found.groups).toHaveLength(17);
  expect(found.groups.at(-1)).toMatchObject({ name: '…', tensors: 3 });
});

it('says what keeps weights of a known family from fitting', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'fewstep-models-'));
  const one: Tensors[string] = { dtype: 'F16', shape: [3, 3, 1], data: new Uint16Array(9) };
  const path = join(folder, 'a.safetensors');
  await writeFile(
    path,
    writeSafetensors({ 'input_blocks.0.0.weight': one, 'out.2.weight': one, 'time_embed.0.weight': one }),
  );
  const found = await inspectCheckpoint(path);
  await rm(folder, { recursive: true });
  expect(found).toMatchObject({
    families: ['cm', 'adm'],
    problem: expect.stringMatching(/no U-Net/),
    parameters: 27,
  });
});

it('tells what an ONNX file takes and gives', async () => {
  const found = await inspectCheckpoint(
    new URL('../../../experiments/digits/digits-features.onnx', import.meta.url).pathname,
  );
  expect(found).toMatchObject({
    format: 'ONNX',
    onnx: {
      opsets: { 'ai.onnx': expect.any(Number) },
      inputs: [expect.stringMatching(/^\w+: float32 \[.*32, 32\]$/)],
      outputs: ['features: float32 [n, 224]', 'logits: float32 [n, 10]'],
      external: [],
    },
  });
  expect(found.onnx!.nodes).toBeGreaterThan(3);
  expect(found.parameters).toBeGreaterThan(1000);
  expect(found).not.toHaveProperty('family');
});
