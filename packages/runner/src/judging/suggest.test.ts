import { expect, it } from 'vitest';
import { nearest } from './suggest.js';

it.each([
  ['huen', ['euler', 'heun', 'dpm'], 'heun'],
  ['numSteps', ['solver', 'num_steps', 'afs'], 'num_steps'],
  ['kimg', ['total_kimg', 'batch', 'lr'], 'total_kimg'],
  ['m', ['solver', 'M', 'r'], 'M'],
  ['guidance', ['name', 'dataset', 'grid'], undefined],
  ['x', [], undefined],
])('%s among %j is nearest to %s', (word, candidates, meant) => {
  expect(nearest(word, candidates)).toBe(meant);
});
