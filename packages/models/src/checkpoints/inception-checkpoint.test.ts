import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Tensors } from '../files/tensor.js';
import { readFeatureCheckpoint } from './feature-checkpoint.js';
import { inceptionCheckpoint } from './inception-checkpoint.js';
import { digestOf } from './weights.test.support.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fewstep-inception-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function fileOf(name: string, bytes: Uint8Array): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, bytes);
  return path;
}

const unpacked = (name: string) =>
  gunzipSync(readFileSync(new URL(`../../fixtures/inception.${name}.gz`, import.meta.url)));

/** A pickle of bytes, and of an object that has them as an attribute. */
function pickled(bytes: Uint8Array, wrapped: boolean): Uint8Array {
  const length = Buffer.alloc(4);
  length.writeUInt32LE(bytes.length);
  const ofBytes = [Buffer.from('B'), length, bytes];
  if (!wrapped) return Buffer.concat([Buffer.from('\x80\x03', 'latin1'), ...ofBytes, Buffer.from('.')]);
  const text = (value: string) => `X${String.fromCharCode(value.length)}\0\0\0${value}`;
  const start = `\x80\x03ctorch_utils.persistence\n_reconstruct_persistent_obj\n(}(${text('type')}${text('class')}${text('class_name')}${text('Detector')}${text('state')}}${text('program')}`;
  return Buffer.concat([Buffer.from(start, 'latin1'), ...ofBytes, Buffer.from('sutR.')]);
}

const vectorsOf = (weights: Tensors): Tensors =>
  Object.fromEntries(Object.entries(weights).filter(([, { shape }]) => shape.length === 1));

describe('readFeatureCheckpoint', () => {
  it('gives the same weights from the files of pytorch-fid, EDM and StyleGAN', async () => {
    const path = await fileOf('pytorch-fid.pth', unpacked('pytorch-fid.pth'));
    const { weights: expected } = await readFeatureCheckpoint(path);
    expect(Object.keys(expected)).toHaveLength(472);
    const digest = digestOf(expected);
    const program = unpacked('nvidia.pt');
    for (const [name, bytes] of [
      ['pickle', unpacked('nvidia.pkl')],
      ['program', program],
    ] as const) {
      const { type, weights } = await readFeatureCheckpoint(await fileOf(name, bytes));
      expect([name, type, digestOf(weights)]).toEqual([name, 'inception', digest]);
    }
    // which of them it is shows in the vectors, and 95 MB take long
    for (const [name, bytes] of [
      ['pickled-program', pickled(program, false)],
      ['wrapped-program', pickled(program, true)],
    ] as const) {
      const { weights } = await readFeatureCheckpoint(await fileOf(name, bytes));
      expect([name, digestOf(vectorsOf(weights))]).toEqual([name, digestOf(vectorsOf(expected))]);
    }
  });

  it.each([
    [
      'another module of EDM’s persistence',
      'ctorch_utils.persistence\n_reconstruct_persistent_obj\n(}(X\x04\0\0\0typeX\x05\0\0\0classX\x0a\0\0\0class_name' +
        'X\x08\0\0\0DetectorX\x05\0\0\0state}utR',
      /holds a PythonInstance where a dict of tensors is due\. Features are those of .*NVIDIA's inception-2015-12-05\.pkl/,
    ],
    ['a dict without its weights', '}', /of no feature network that is known\. .* an ONNX file/],
  ])('says which file to take for %s', async (_, pickle, message) => {
    const path = await fileOf('inception-2015-12-05.pkl', Buffer.from(`\x80\x02${pickle}.`, 'latin1'));
    await expect(readFeatureCheckpoint(path)).rejects.toMatchObject({
      code: 'E_CHECKPOINT',
      message: expect.stringMatching(message),
      evidence: { path },
    });
  });
});

describe('inceptionCheckpoint', () => {
  it('names by NVIDIA’s names what it misses of those', async () => {
    const path = await fileOf('module.pkl', unpacked('nvidia.pkl'));
    const { weights } = await readFeatureCheckpoint(path);
    const beta = weights['Mixed_6c.branch7x7dbl_4.bn.bias']!;
    const theirs: Tensors = {
      'layers.conv.weight': weights['Conv2d_1a_3x3.conv.weight']!,
      'layers.mixed_10.tower_2_conv.weight': weights['Mixed_7c.branch_pool.conv.weight']!,
      'layers.mixed_5.tower_1.conv_3.beta': beta,
      'layers.mixed_5.tower_1.conv_3.gamma': beta,
      'layers.mixed_8.tower.conv_1.var': beta,
    };
    expect(() => inceptionCheckpoint(theirs)).toThrow(
      expect.objectContaining({
        code: 'E_CHECKPOINT',
        evidence: {
          missing: expect.arrayContaining(['layers.conv.beta', 'output.bias']),
          unexpected: ['layers.mixed_5.tower_1.conv_3.gamma'],
          wrongShape: ['layers.mixed_8.tower.conv_1.var [160] for [320]'],
        },
      }),
    );
  });
});
