import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  byHuggingFace,
  type DinoSizes,
  huggingFaceShapes,
  originalShapes,
  tiny,
  tinyFigures,
  tinyWeights,
} from '../dino-tiny.test.support.js';
import { writeSafetensors } from '../files/safetensors.js';
import { sizeOf, type Tensors } from '../files/tensor.js';
import { dinoIn } from './dino-checkpoint.js';
import { readFeatureCheckpoint } from './feature-checkpoint.js';
import { resizedPositions } from './position-embeddings.js';
import { digestOf } from './weights.test.support.js';

/** A file of tensors without elements: its first reading is the end of what a test asks for. */
const hollow = (shapes: Readonly<Record<string, readonly number[]>>) => ({
  tensors: new Map(Object.entries(shapes).map(([name, shape]) => [name, { dtype: 'F32', shape } as const])),
  read: () => {
    throw new Error('every weight fits');
  },
});

const published: Readonly<Record<string, { sizes: DinoSizes; tensors: number; parameters: number }>> = {
  'ViT-S': { sizes: { width: 384, layers: 12, mlp: 1536 }, tensors: 175, parameters: 22_056_576 },
  'ViT-B': { sizes: { width: 768, layers: 12, mlp: 3072 }, tensors: 175, parameters: 86_580_480 },
  'ViT-L': { sizes: { width: 1024, layers: 24, mlp: 4096 }, tensors: 343, parameters: 304_368_640 },
  'ViT-g': {
    sizes: { width: 1536, layers: 40, mlp: 4096, gated: true },
    tensors: 567,
    parameters: 1_136_480_768,
  },
};

describe('dinoIn', () => {
  it.each(Object.entries(published))('finds a place for every weight of %s', (_, one) => {
    const own = originalShapes(one.sizes);
    expect(Object.keys(own)).toHaveLength(one.tensors);
    expect(Object.values(own).reduce((sum, shape) => sum + sizeOf(shape), 0)).toBe(one.parameters);
    for (const shapes of [own, huggingFaceShapes(one.sizes)])
      expect(() => dinoIn(hollow(shapes))).toThrow('every weight fits');
  });

  const large = originalShapes(published['ViT-L']!.sizes);
  const faults = (shapes: Readonly<Record<string, readonly number[]>>) => {
    try {
      return dinoIn(hollow(shapes));
    } catch (error) {
      return error;
    }
  };

  it.each<[string, object, object]>([
    [
      'registers',
      { register_tokens: [1, 4, 1024] },
      { missing: [], unexpected: ['register_tokens'], wrongShape: [] },
    ],
    ['no square of positions', { pos_embed: [1, 1371, 1024] }, { missing: [], wrongShape: ['pos_embed'] }],
    [
      'patches that are no part of 224',
      { 'patch_embed.proj.weight': [1024, 3, 15, 15] },
      { missing: [], wrongShape: ['patch_embed.proj.weight'] },
    ],
    [
      'a layer of other width',
      { 'blocks.7.ls1.gamma': [768] },
      { missing: [], unexpected: [], wrongShape: ['blocks.7.ls1.gamma [768] for [1024]'] },
    ],
  ])('refuses %s', (_, change, evidence) => {
    expect(faults({ ...large, ...change })).toMatchObject({ code: 'E_CHECKPOINT', evidence });
  });

  it('lists what is missing', () => {
    const { 'blocks.23.attn.qkv.bias': _, ...rest } = large;
    expect(faults(rest)).toMatchObject({ evidence: { missing: ['blocks.23.attn.qkv.bias'] } });
  });
});

it.each(['plain', 'gated'] as const)('reads the same %s network by both names', async (kind) => {
  const sizes = tiny[kind];
  const own = tinyWeights(sizes);
  const folder = await mkdtemp(join(tmpdir(), 'fewstep-dino-'));
  const read = async (weights: Tensors) => {
    const path = join(folder, 'model.safetensors');
    await writeFile(path, writeSafetensors(weights));
    return readFeatureCheckpoint(path);
  };
  const checkpoint = await read(own);
  expect(checkpoint).toMatchObject({
    type: 'dinov2',
    network: {
      hidden_size: 128,
      num_attention_heads: 2,
      num_hidden_layers: sizes.layers,
      intermediate_size: sizes.mlp,
      patch_size: 14,
      use_swiglu_ffn: kind === 'gated',
    },
  });
  const same = await read(byHuggingFace(own, sizes));
  expect(same).toEqual({ ...checkpoint, weights: expect.anything() });
  expect(digestOf(same.weights)).toBe(digestOf(checkpoint.weights));
  await rm(folder, { recursive: true });
});

describe('resizedPositions', () => {
  const table = tinyWeights(tiny.plain).pos_embed!.data as Float32Array;

  it.each([
    [16, 9],
    [4, 1],
  ])('makes of 37×37 positions %i×%i as PyTorch does', (to, step) => {
    const expected = tinyFigures[`positions.${to}`]!.data as Float32Array;
    const rows = resizedPositions(table, { from: 37, to, width: 128 });
    expect(rows).toHaveLength((1 + to ** 2) * 128);
    expect(expected).toHaveLength(Math.ceil((1 + to ** 2) / step) * 128);
    const found = expected.map((_, i) => rows[Math.floor(i / 128) * step * 128 + (i % 128)]!);
    const distance = Math.max(...found.map((v, i) => Math.abs(v - expected[i]!)));
    expect(distance).toBeLessThan(1e-5);
  });

  it('leaves those of the same grid', () => {
    expect(resizedPositions(table, { from: 37, to: 37, width: 128 })).toBe(table);
  });
});
