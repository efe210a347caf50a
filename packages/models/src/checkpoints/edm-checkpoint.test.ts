import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeSafetensors } from '../files/safetensors.js';
import type { Tensor } from '../files/tensor.js';
import { checkParameters } from '../networks/parameters.js';
import { parseEdmCheckpoint, readEdmCheckpoint } from './edm-checkpoint.js';
import { parseEdmOptions } from './edm-options.js';

const fixture = (name: string) => new URL(`../../fixtures/${name}`, import.meta.url).pathname;
const digits = new URL('../../../../experiments/digits/digits-edm.pkl', import.meta.url).pathname;
const bytes = (text: string) => Buffer.from(text, 'latin1');

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fewstep-models-'));
});
afterAll(() => rm(folder, { recursive: true }));

describe('readEdmCheckpoint', () => {
  it('reads options, noise range and weights of a trained network', async () => {
    const { network, weights, ...rest } = await readEdmCheckpoint(digits);
    expect(rest).toEqual({
      family: 'edm',
      forward: expect.any(Function),
      channels: 1,
      resolution: 32,
      classes: 10,
      preconditioning: { type: 'edm', sigmaData: 0.5 },
      sigmaMin: 0.002,
      sigmaMax: 80,
    });
    expect(network).toEqual({
      type: 'SongUNet',
      img_resolution: 32,
      in_channels: 1,
      out_channels: 1,
      label_dim: 10,
      augment_dim: 0,
      channel_mult_emb: 4,
      model_channels: 32,
      channel_mult: [1, 2, 2],
      num_blocks: 2,
      attn_resolutions: [8],
      embedding_type: 'positional',
      channel_mult_noise: 1,
      encoder_type: 'standard',
      decoder_type: 'standard',
      resample_filter: [1, 1],
    });
    const parameters = Object.entries(weights).filter(([name]) => !name.endsWith('resample_filter'));
    expect(parameters.reduce((sum, [, { data }]) => sum + data.length, 0)).toBe(1_753_345);
  });

  it('takes EDM’s range where the checkpoint sets none (0 to infinity)', async () => {
    const { sigmaMin, sigmaMax } = await readEdmCheckpoint(fixture('edm-ncsnpp-uncond.p2.pkl'));
    expect([sigmaMin, sigmaMax]).toEqual([0.002, 80]);
  });

  const foreign: [string, Uint8Array, RegExp][] = [
    ['empty', bytes(''), /an empty file/],
    ['image', bytes('\x89PNG\r\n\x1a\n\0\0\0\rIHDR'), /a PNG image/],
    ['zip', bytes('PK\x03\x04\x14\0\0\0dataset.json'), /a zip archive/],
    ['torch zip', bytes(`PK\x03\x04${'\0'.repeat(26)}archive/data.pkl`), /a PyTorch zip file/],
    ['json', bytes('{ "alpha": 1 }'), /JSON text/],
    ['safetensors', writeSafetensors({}), /a safetensors file/],
    ['page', bytes('<!DOCTYPE html>'), /an HTML or XML page/],
    ['lfs', bytes('version https://git-lfs.github.com/spec/v1\n'), /a Git LFS pointer/],
    ['text', bytes('hello\n'), /no readable checkpoint: pickle, byte 0/],
    ['number', bytes('\x80\x04K\x07.'), /it holds 7/],
    ['dict', bytes('\x80\x04}(X\x05\0\0\0modelNu.'), /without "ema"; its keys are the text "model"/],
    ['ema of weights', bytes('\x80\x04}(X\x03\0\0\0ema}u.'), /it holds a dict of 0/],
    ['a program', bytes("cos\nsystem\n(S'true'\ntR."), /it would call os\.system/],
  ];
  it.each(foreign)('says what a foreign file is: %s', async (name, content, message) => {
    const path = join(folder, name);
    await writeFile(path, content);
    const error = await readEdmCheckpoint(path).catch((e) => e);
    expect(error).toMatchObject({ code: 'E_CHECKPOINT', evidence: { path } });
    expect(error.message).toMatch(message);
    expect(error.message).toContain(path);
    expect(error.message).toMatch(/EDM's \.pkl is expected/);
  });

  it('names a file that is not there', async () => {
    await expect(readEdmCheckpoint(join(folder, 'missing.pkl'))).rejects.toMatchObject({
      code: 'E_CHECKPOINT',
      message: expect.stringMatching(/missing\.pkl can't be read: ENOENT/),
    });
  });

  it('refuses a checkpoint that is cut short, wherever', async () => {
    const whole = await readFile(digits);
    for (const part of [0.1, 0.5, 0.9, 1 - 1e-7])
      expect(() => parseEdmCheckpoint(whole.subarray(0, Math.floor(whole.length * part)))).toThrow(
        expect.objectContaining({ code: 'E_CHECKPOINT' }),
      );
  });

  it('refuses one whose weights have other names, listing them', async () => {
    const renamed = Buffer.from(
      (await readFile(digits)).toString('latin1').replace('map_layer0', 'map_layerX'),
      'latin1',
    );
    expect(() => parseEdmCheckpoint(renamed)).toThrow(
      expect.objectContaining({
        code: 'E_CHECKPOINT',
        evidence: {
          missing: ['map_layer0.weight', 'map_layer0.bias'],
          unexpected: ['map_layerX.weight', 'map_layerX.bias'],
          wrongShape: [],
        },
      }),
    );
  });

  it('refuses another class of preconditioning', async () => {
    const other = Buffer.from(
      (await readFile(digits)).toString('latin1').replace('EDMPrecond', 'WhyPrecond'),
      'latin1',
    );
    expect(() => parseEdmCheckpoint(other)).toThrow(/it holds a WhyPrecond/);
  });
});

describe('parseEdmOptions', () => {
  it('lists every problem at once', () => {
    const given = new Map<string, string | number>([
      ['img_resolution', 30],
      ['in_channels', 3],
      ['num_blocks', 1e9],
      ['encoder_type', 'other'],
      ['magic', 1],
    ]);
    expect(() => parseEdmOptions('SongUNet', given)).toThrow(
      expect.objectContaining({
        code: 'E_CHECKPOINT',
        evidence: {
          network: 'SongUNet',
          problems: [
            'the text "magic" is no option of it',
            'out_channels is missing',
            'num_blocks is 1000000000, not an integer from 1 to 64',
            'encoder_type is the text "other", not one of standard, skip, residual',
            "img_resolution 30 can't be halved 3 times",
          ],
        },
      }),
    );
  });

  it('takes any filter of finite taps, and no other class', () => {
    const parse = (filter: readonly number[]) =>
      parseEdmOptions(
        'SongUNet',
        new Map<string, number | readonly number[]>([
          ['img_resolution', 32],
          ['in_channels', 3],
          ['out_channels', 3],
          ['resample_filter', filter],
        ]),
      );
    for (const filter of [[0.25, 0.75, 0.75, 0.25], [-1, 9, 9, -1], [1]])
      expect(parse(filter)).toMatchObject({ resample_filter: filter });
    for (const filter of [[], [Number.NaN, 1], new Array<number>(65).fill(1)])
      expect(() => parse(filter)).toThrow(
        /resample_filter is a list of \d+, not a list of 1 to 64 finite numbers/,
      );
    expect(() => parseEdmOptions('toString', new Map())).toThrow(/SongUNet and DhariwalUNet are known/);
  });
});

describe('checkParameters', () => {
  it('names wrong shapes', () => {
    const tensor = (...shape: number[]): Tensor => ({ dtype: 'F32', shape, data: new Float32Array(6) });
    const shapes = new Map([['w', [2, 3]]]);
    checkParameters({ w: tensor(2, 3) }, shapes);
    expect(() => checkParameters({ w: tensor(3, 2) }, shapes)).toThrow(
      expect.objectContaining({
        evidence: { missing: [], unexpected: [], wrongShape: ['w [3,2] for [2,3]'] },
      }),
    );
  });
});
