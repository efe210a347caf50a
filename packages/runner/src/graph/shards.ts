import type { SeedRange } from '../spec/seeds.js';

/**
 * Cuts a range of seeds into shards: a finished shard that fits is taken as it is, and what lies between is cut at
 * multiples of `size`. So more seeds, or another shard size, never lose what is already there.
 *
 * - `finished`: ranges of this family that are in the store, in any order, possibly overlapping.
 * - Returns adjacent ranges in ascending order that cover exactly `range`.
 */
export function cutIntoShards(range: SeedRange, finished: readonly SeedRange[], size: number): SeedRange[] {
  const [first, last] = range;
  const fitting = finished
    .filter(([a, b]) => a >= first && b <= last)
    .sort((p, q) => p[0] - q[0] || q[1] - p[1]);
  const shards: SeedRange[] = [];
  let at = first;
  while (at <= last) {
    const here = fitting.find(([a]) => a === at);
    if (here) {
      shards.push(here);
      at = here[1] + 1;
      continue;
    }
    const next = fitting.find(([a]) => a > at)?.[0] ?? Infinity;
    const boundary = (Math.floor(at / size) + 1) * size;
    const end = Math.min(boundary, next, last + 1) - 1;
    shards.push([at, end]);
    at = end + 1;
  }
  return shards;
}
