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

function firstTwice(ranges: readonly Range[]): number | undefined {
  const ascending = [...ranges].sort(([a], [b]) => a - b);
  return ascending.find(([first], i) => i > 0 && first <= ascending[i - 1]![1])?.[0];
}
