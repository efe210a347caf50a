import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { numpyShuffle } from './numpy-shuffle.js';

interface Case {
  readonly n: number;
  readonly seed: number;
  readonly first: readonly number[];
  readonly sha256: string;
  readonly num: number;
  readonly chosen: readonly number[];
  readonly chosen_sha256: string;
}
const { cases }: { cases: readonly Case[] } = JSON.parse(
  readFileSync(new URL('../../fixtures/numpy-shuffle.json', import.meta.url), 'utf8'),
);
const sha256 = (numbers: Int32Array) => createHash('sha256').update(numbers).digest('hex');

it.each(cases)('shuffles 0…$n − 1 by seed $seed as NumPy does', ({ n, seed, num, ...expected }) => {
  const order = numpyShuffle(n, seed);
  const chosen = order.slice(0, num).sort();
  expect([...order.subarray(0, 12)]).toEqual(expected.first);
  expect([...chosen.subarray(0, 100)]).toEqual(expected.chosen);
  expect([sha256(order), sha256(chosen)]).toEqual([expected.sha256, expected.chosen_sha256]);
});
