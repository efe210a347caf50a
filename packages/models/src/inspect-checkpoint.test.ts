import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { readCheckpoint } from './checkpoints/read-checkpoint.js';
import { sdTiny, sdTinyConfigs, writeSdTiny } from './checkpoints/sd-tiny.test.support.js';
import { writeSafetensors } from './files/safetensors.js';
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

it('tells a model’s folder, what its configurations say, and what keeps it from being read', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'fewstep-models-'));
  expect(await inspectCheckpoint(folder)).toMatchObject({
    tensors: 0,
    problem: expect.stringMatching(/is no model's folder/),
  });
  await writeSdTiny(folder);
  const found = await inspectCheckpoint(folder, { image_size: 32 });
  expect(found).toMatchObject({
    format: 'folder in diffusers’ layout',
    family: 'stable-diffusion',
    options: {
      model_channels: 32,
      image_size: 32,
      num_heads: 4,
      parametrization: 'v',
      scale_factor: 0.18215,
      hidden_act: 'quick_gelu',
      linear_start: 0.00085,
      linear_end: 0.012,
    },
    sources: {
      model_channels: 'file',
      image_size: 'spec',
      num_heads: 'config',
      parametrization: 'config',
      linear_end: 'config',
    },
  });
  expect(found).not.toHaveProperty('problem');
  expect(found.tensors).toBeGreaterThan(200);
  const { options } = await inspectCheckpoint(fixture('sd-tiny.ckpt'), sdTiny);
  const { sources } = await inspectCheckpoint(fixture('sd-tiny.ckpt'), sdTiny);
  expect(options).toMatchObject({ parametrization: 'eps', num_attention_heads: 4 });
  expect(sources).toMatchObject({ linear_start: 'file', scale_factor: 'spec' });
  const unet = { ...sdTinyConfigs.unet, layers_per_block: 2 };
  await writeFile(join(folder, 'unet', 'config.json'), JSON.stringify(unet));
  expect(await inspectCheckpoint(folder)).toMatchObject({
    family: 'stable-diffusion',
    problem: expect.stringMatching(/says layers_per_block 2, and its weights show 1/),
  });
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
