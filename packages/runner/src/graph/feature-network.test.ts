import { expect, it } from 'vitest';
import type { World } from './builder.js';
import { compileFid, compileReference } from './compile-fid.js';
import { inputTasks, needed } from './task.js';

const world: World = { versions: { models: '1', metrics: '1' }, shards: () => [] };

it('takes ONNX as it is', () => {
  const [task] = compileReference('images.zip', 'features.onnx', world);
  expect(task!.inputs.network).toEqual([{ file: 'features.onnx' }]);
});

it('makes a graph of Inception’s weights, once for both sets of images', () => {
  const fid = compileFid('images', 'real.zip', 'pt_inception-2015-12-05-6726825d.pth', world);
  const tasks = needed([fid]);
  expect(tasks.map(({ kind }) => kind)).toEqual([
    'feature-network',
    'reference-features',
    'reference-features',
    'fid',
  ]);
  const [network, ...features] = tasks;
  expect(network!.inputs).toEqual({ weights: [{ file: 'pt_inception-2015-12-05-6726825d.pth' }] });
  for (const task of features.slice(0, 2)) expect(inputTasks(task)).toEqual([network]);
});
