import { needed } from '@fewstep/taskgraph';
import { expect, it } from 'vitest';
import { fileOf } from '../files-of.js';
import { compileFid, compileReference } from './reference.js';

it('takes ONNX as it is', () => {
  const [task] = compileReference('images.zip', 'features.onnx');
  expect(task!.inputs.network).toEqual([fileOf('features.onnx', 'onnx')]);
});

it('makes a graph of Inception’s weights, once for both sets of images', () => {
  const fid = compileFid('images', 'real.zip', 'pt_inception-2015-12-05-6726825d.pth');
  const tasks = needed([fid]);
  expect(tasks.map(({ kind }) => kind.name)).toEqual([
    'feature-network',
    'reference-features',
    'reference-features',
    'fid',
  ]);
  const [network, ...features] = tasks;
  expect(network!.inputs).toEqual({
    weights: [fileOf('pt_inception-2015-12-05-6726825d.pth', 'model')],
  });
  for (const { inputs } of features.slice(0, 2))
    expect(inputs.network).toEqual([{ task: network, output: 'graph' }]);
});
