import { expect, it } from 'vitest';
import { resultsOf } from './results-folder.js';

const at = (changes: readonly string[], file = '/project/digits.yaml') =>
  resultsOf({ name: 'digits', file, changes } as never, '/project/results').slice('/project/results/'.length);

it('a spec as it is written has the folder of its name, and what changes it one beside that', () => {
  expect(at([])).toBe('digits');
  expect(at(['train.lr=0.01', 'sample.seeds = 0-7'])).toBe('digits+sample.seeds=0-7+train.lr=0.01');
  expect(at(['sample.seeds=0-7', 'train.lr=0.01'])).toBe(at(['train.lr=0.01', 'sample.seeds=0-7']));
  expect(at(['only=num_steps 3'])).toMatch(/^digits\+only=num_steps-3-[0-9a-f]{8}$/);
  expect(at(['name=other', 'train.lr=0.01'])).toBe('digits'); // which is the name by then
});

it('what letters of a folder can’t tell apart a digest does', () => {
  const [one, other] = [at(['dataset.checkpoint=a/b.pkl']), at(['dataset.checkpoint=a b.pkl'])];
  expect(one).toMatch(/^digits\+dataset\.checkpoint=a-b\.pkl-[0-9a-f]{8}$/);
  expect(other).toMatch(/^digits\+dataset\.checkpoint=a-b\.pkl-[0-9a-f]{8}$/);
  expect(other).not.toBe(one);
  const long = at([`guidance.prompt=${'ä'.repeat(300)}`]);
  expect(Buffer.byteLength(long)).toBeLessThanOrEqual(128);
  expect(long).toMatch(/^digits\+guidance\.prompt=ä+-[0-9a-f]{8}$/);
});

it('a spec that lies among results is run again where it lies', () => {
  const again = '/project/results/digits+train.lr=0.01/spec.yaml';
  expect(at([], again)).toBe('digits+train.lr=0.01');
  expect(at(['sample.seeds=0-7'], again)).toBe('digits+train.lr=0.01+sample.seeds=0-7');
  expect(at([], '/project/results/others/spec.yaml')).toBe('digits');
});
