import { expect, it } from 'vitest';
import { roundsOf } from './rounds.js';

it('begins on few images, and goes on to all others, each once', () => {
  const first = { first: 0, count: 48, keep: 0 };
  expect(roundsOf(512)).toEqual([
    first,
    first,
    first,
    first,
    { first: 48, count: 64, keep: 0.3 },
    { first: 112, count: 96, keep: 0.5 },
    { first: 208, count: 128, keep: 0.7 },
    { first: 336, count: 176, keep: 0.7 },
  ]);
});

it.each([1, 2, 5, 16, 33, 100])('is of %i images, and of no others', (images) => {
  const rounds = roundsOf(images);
  const seen = new Set(
    rounds.flatMap(({ first, count }) => Array.from({ length: count }, (_, i) => first + i)),
  );
  expect([...seen].sort((a, b) => a - b)).toEqual(Array.from({ length: images }, (_, i) => i));
  expect(rounds.every(({ count }) => count > 0)).toBe(true);
});
