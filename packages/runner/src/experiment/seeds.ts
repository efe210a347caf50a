import { seedRanges } from '@fewstep/solvers/seeds'; // and nothing else of solvers
import type { Range } from '@fewstep/taskgraph';
import { RunnerError } from '../errors.js';

const largest = 2 ** 32 - 1;

/**
 * Seeds as people write them, `0-49999` or `1,2,5-10`, as ranges in the order asked for; neighbours that continue
 * each other become one range.
 *
 * @throws SeedsError or RunnerError (E_SEEDS) on other text, a seed above 2³² − 1, a range that runs backwards, a seed twice
 *
 * @example
 * rangesOfSeeds('1,2,5-10'); // [[1, 2], [5, 10]]
 */
export function rangesOfSeeds(text: string | number): Range[] {
  const refuse = (why: string) => {
    throw new RunnerError('E_SEEDS', why, { evidence: { seeds: text } });
  };
  const ranges: [number, number][] = [];
  for (const [first, last] of seedRanges(String(text))) {
    if (last > largest) refuse(`a seed is at most ${largest}, not ${last}`);
    const previous = ranges.at(-1);
    if (previous?.[1] === first - 1) previous[1] = last;
    else ranges.push([first, last]);
  }
  const twice = firstTwice(ranges);
  if (twice !== undefined) refuse(`seed ${twice} is there twice; each seed is one image`);
  return ranges;
}

/** Ranges as a spec has them: `0-15,20`. */
export const seedsText = (ranges: readonly Range[]): string =>
  ranges.map(([first, last]) => (first === last ? `${first}` : `${first}-${last}`)).join(',');

/** How many seeds ranges have. */
export const countOfSeeds = (ranges: readonly Range[]): number =>
  ranges.reduce((count, [first, last]) => count + last - first + 1, 0);

/** Ranges cut into so many blocks of as many seeds each, which must come out even; their order is kept. */
export function blocksOfSeeds(ranges: readonly Range[], blocks: number): Range[][] {
  const size = countOfSeeds(ranges) / blocks;
  if (!Number.isInteger(size)) throw new Error(`${size * blocks} seeds are not ${blocks} equal blocks`);
  const cut: Range[][] = Array.from({ length: blocks }, () => []);
  let before = 0;
  for (const [first, last] of ranges)
    for (let at = first; at <= last; ) {
      const block = Math.floor(before / size);
      const end = Math.min(last, at + (block + 1) * size - before - 1);
      cut[block]!.push([at, end]);
      before += end - at + 1;
      at = end + 1;
    }
  return cut;
}

/** The first of ranges in their order, so many at most. */
export function firstSeeds(ranges: readonly Range[], count: number): Range[] {
  let left = count;
  return ranges.flatMap(([first, last]): Range[] => {
    const taken = Math.min(left, last - first + 1);
    left -= taken;
    return taken > 0 ? [[first, first + taken - 1]] : [];
  });
}

/** How many of the seeds are among others. */
export const countOfShared = (ranges: readonly Range[], others: readonly Range[]): number =>
  ranges
    .flatMap(([first, last]) =>
      others.map(([from, to]) => Math.max(0, Math.min(last, to) - Math.max(first, from) + 1)),
    )
    .reduce((count, shared) => count + shared, 0);

function firstTwice(ranges: readonly Range[]): number | undefined {
  const ascending = [...ranges].sort(([a], [b]) => a - b);
  return ascending.find(([first], i) => i > 0 && first <= ascending[i - 1]![1])?.[0];
}
