import { expect, it } from 'vitest';
import { roundsOf } from './rounds.js';

it('begins on few blocks, goes on to ever more others, each once, and ends on all together', () => {
  const first = { first: 0, count: 3, keep: 0 };
  expect(roundsOf(32)).toEqual([
    first,
    first,
    first,
    first,
    { first: 3, count: 4, keep: 0.3 },
    { first: 7, count: 6, keep: 0.5 },
    { first: 13, count: 8, keep: 0.7 },
    { first: 0, count: 32, keep: 0 },
  ]);
});

it.each([1, 2, 3, 5, 16, 33, 100])('is of %i blocks, and of no others', (blocks) => {
  const rounds = roundsOf(blocks);
  const seen = rounds
    .slice(3, -1)
    .flatMap(({ first, count }) => Array.from({ length: count }, (_, i) => first + i));
  expect(seen).toEqual(seen.map((_, i) => i));
  expect(rounds.at(-1)).toEqual({ first: 0, count: blocks, keep: 0 });
  expect(rounds.every(({ count }) => count > 0)).toBe(true);
});

it('ends on all blocks as often as is asked for', () => {
  const [once, often] = [roundsOf(32), roundsOf(32, 3)];
  expect(often.slice(0, 8)).toEqual(once);
  expect(often.slice(8)).toEqual(Array.from({ length: 2 }, () => ({ first: 0, count: 32, keep: 0 })));
});
