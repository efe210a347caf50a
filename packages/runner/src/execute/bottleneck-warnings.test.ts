import type { ActionRecord, Task } from '@fewstep/taskgraph';
import { expect, it } from 'vitest';
import { kinds } from '../tasks/kinds.js';
import { bottleneckWarnings } from './bottleneck-warnings.js';

const task = (kind: 'denoiser' | 'samples' | 'predictor', title: string, inputs: Record<string, Task> = {}) =>
  ({
    kind: kinds[kind],
    title,
    params: {},
    inputs: Object.fromEntries(
      Object.entries(inputs).map(([name, from]) => [name, [{ task: from, output: name }]]),
    ),
  }) as unknown as Task;
const record = (meta: ActionRecord['meta']) => ({ meta }) as ActionRecord;
const blind = record({ bottleneck: false });

const network = task('denoiser', 'denoiser from a.onnx');
const plain = [network, task('samples', 'samples', { graph: network })];
const predictor = task('predictor', 'predictor', { graph: network });

it('warns once, when the network is at hand', () => {
  const warn = bottleneckWarnings([...plain, predictor]);
  expect(warn({ type: 'started', task: network })).toBeUndefined();
  expect(warn({ type: 'found', source: 'local', task: network, record: blind })).toBe(
    'warning: denoiser from a.onnx has no bottleneck, so that predictors read zeros and steer every image alike',
  );
  expect(warn({ type: 'computed', task: network, record: blind })).toBeUndefined();
});

it('warns where a predictor that was trained before samples', () => {
  const samples = task('samples', 'samples', { graph: network, predictor });
  expect(bottleneckWarnings([network, samples])({ type: 'computed', task: network, record: blind })).toMatch(
    /^warning/,
  );
});

it('has nothing to say where zeros are asked for', () => {
  const samples = {
    ...task('samples', 'samples', { graph: network, predictor: network }),
    params: { bottleneck: 'zero' },
  };
  expect(
    bottleneckWarnings([network, samples])({ type: 'computed', task: network, record: blind }),
  ).toBeUndefined();
});

it('has nothing to say of plain samplers, nor of a network that has one', () => {
  expect(
    bottleneckWarnings(plain)({ type: 'found', source: 'local', task: network, record: blind }),
  ).toBeUndefined();
  const warn = bottleneckWarnings([network, predictor]);
  expect(warn({ type: 'found', source: 'local', task: network, record: record({}) })).toBeUndefined();
});
