import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { needed, type Task } from '@fewstep/taskgraph';
import { expect, it } from 'vitest';
import { fileOf } from '../files-of.js';
import { compileFid, compileReference } from './reference.js';

it('takes ONNX as it is', () => {
  const network = { file: 'features.onnx' };
  const [task] = compileReference({ type: 'images', data: 'images.zip' }, { network });
  expect(task!.inputs.network).toEqual([fileOf('features.onnx', 'onnx')]);
});

it('takes weights as they are, for both sets of images, and the default resize as if nothing were said', () => {
  const file = 'pt_inception-2015-12-05-6726825d.pth';
  const tasksBy = (resize?: 'tensorflow' | 'pytorch') =>
    needed(
      compileFid(
        [{ type: 'images', data: 'images' }],
        { type: 'images', data: 'real.zip' },
        { network: { file, resize } },
      ),
    );
  const tasks = tasksBy();
  expect(tasks.map(({ kind }) => kind.name)).toEqual(['reference-features', 'reference-features', 'fid']);
  for (const { inputs } of tasks.slice(0, 2)) expect(inputs.network).toEqual([fileOf(file, 'model')]);
  const paramsBy = (resize: 'tensorflow' | 'pytorch') => tasksBy(resize).map(({ params }) => params);
  expect(paramsBy('tensorflow')).toEqual(tasks.map(({ params }) => params));
  expect(paramsBy('pytorch')).toEqual([
    { resize: 'pytorch', part: 0, of: 1 },
    { resize: 'pytorch', part: 0, of: 1 },
    {},
  ]);
});

it('evaluates nothing for features and statistics that are there', () => {
  const numbers = [1, 3];
  const tasks = needed(
    compileFid(
      [
        { type: 'features', data: 'a.npz', drawn: { numbers, of: 4 } },
        { type: 'statistics', data: 'b.npz' },
      ],
      { type: 'statistics', data: 'img512.pkl' },
      { network: undefined },
    ),
  );
  expect(tasks.map(({ kind, params }) => [kind.name, params])).toEqual([
    ['given-features', { numbers }],
    ['statistics', {}],
    ['fid', {}],
    ['fid-of-statistics', {}],
  ]);
  expect(tasks.at(-1)!.inputs).toMatchObject({ set: [fileOf('b.npz', 'model')] });
});

it('cuts drawn images into parts by their share of the bytes, each with the numbers of its own', () => {
  const folder = mkdtempSync(join(tmpdir(), 'fewstep-'));
  for (let i = 0; i < 20; i++) writeFileSync(join(folder, `${i}.png`), new Uint8Array(2 ** 20));
  const numbers = [0, 2, 4, 6, 8, 11, 13, 15, 17, 19];
  const images = { type: 'images', data: folder, count: 20 } as const;
  const [fid, all] = compileFid(
    [{ ...images, drawn: { numbers, of: 20 } }, images],
    { type: 'statistics', data: 'ref.npz' },
    { network: { file: 'features.onnx' }, batch: 3 },
  );
  rmSync(folder, { recursive: true });
  const featuresOf = (task: typeof fid) => needed([task!]).slice(0, -1) as Task[];
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
  expect(featuresOf(fid).map(({ work }) => work)).toEqual([5, 5]);
  expect(featuresOf(all).map(({ work }) => work)).toEqual([6, 7, 7]);
});
