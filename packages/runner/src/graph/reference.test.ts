import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { needed } from '@fewstep/taskgraph';
import { expect, it } from 'vitest';
import { fileOf } from '../files-of.js';
import { compileFid, compileReference } from './reference.js';

it('takes ONNX as it is', () => {
  const [task] = compileReference('images.zip', { network: 'features.onnx' });
  expect(task!.inputs.network).toEqual([fileOf('features.onnx', 'onnx')]);
});

it('makes a graph of Inception’s weights, once for both sets of images', () => {
  const weights = 'pt_inception-2015-12-05-6726825d.pth';
  const tasks = needed(compileFid([{ data: 'images' }], 'real.zip', { network: weights }));
  expect(tasks.map(({ kind }) => kind.name)).toEqual([
    'feature-network',
    'reference-features',
    'reference-features',
    'fid',
  ]);
  const [network, ...features] = tasks;
  expect(network!.inputs).toEqual({
    weights: [fileOf(weights, 'model')],
  });
  for (const { inputs } of features.slice(0, 2))
    expect(inputs.network).toEqual([{ task: network, output: 'graph' }]);
});

it('cuts drawn images into parts by their share of the bytes, each with the numbers of its own', () => {
  const folder = mkdtempSync(join(tmpdir(), 'fewstep-'));
  for (let i = 0; i < 20; i++) writeFileSync(join(folder, `${i}.png`), new Uint8Array(2 ** 20));
  const numbers = [0, 2, 4, 6, 8, 11, 13, 15, 17, 19];
  const [fid, all] = compileFid([{ data: folder, drawn: { numbers, of: 20 } }, { data: folder }], 'ref.npz', {
    network: 'features.onnx',
    batch: 3,
  });
  rmSync(folder, { recursive: true });
  const featuresOf = (task: typeof fid) => needed([task!]).slice(0, -1);
  expect(featuresOf(fid).map(({ params }) => params)).toEqual([
    { numbers: numbers.slice(0, 5) },
    { numbers: numbers.slice(5) },
  ]);
  expect(featuresOf(all).map(({ params }) => params)).toEqual([
    { part: 0, of: 3 },
    { part: 1, of: 3 },
    { part: 2, of: 3 },
  ]);
  expect(featuresOf(fid)[0]).toMatchObject({ hints: { batch: 3 } });
});
