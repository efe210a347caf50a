import type { Range } from '@fewstep/taskgraph';
import { RunnerError } from '../errors.js';

const largest = 2 ** 32 - 1;

/**
 * Seeds as people write them, `0-49999` or `1,2,5-10`, as ranges in the order asked for; neighbours that continue
 * each other become one range.
 *
 * @throws RunnerError (E_SEEDS) on other text, a seed above 2³² − 1, a range that runs backwards, a seed twice
 *
 * @example
 * parseSeeds('1,2,5-10'); // [[1, 2], [5, 10]]
 */
export function parseSeeds(text: string | number): Range[] {
  const ranges: [number, number][] = [];
  for (const part of String(text).split(',')) {
    const [, from, to] = /^\s*(\d+)\s*(?:-\s*(\d+)\s*)?$/.exec(part) ?? [];
    if (from === undefined)
      throw refusal(text, `"${part.trim()}" is neither a seed nor a range; write 0-49999 or 1,2,5-10`);
    const first = Number(from);
    const last = Number(to ?? from);
    if (Math.max(first, last) > largest)
      throw refusal(text, `a seed is at most ${largest}, not ${to ?? from}`);
    if (last < first) throw refusal(text, `${part.trim()} runs backwards; write ${last}-${first}`);
    const previous = ranges.at(-1);
    if (previous?.[1] === first - 1) previous[1] = last;
    else ranges.push([first, last]);
  }
  const twice = firstTwice(ranges);
  if (twice !== undefined) throw refusal(text, `seed ${twice} is there twice; each seed is one image`);
  return ranges;
}

function firstTwice(ranges: readonly Range[]): number | undefined {
  const ascending = [...ranges].sort(([a], [b]) => a - b);
  return ascending.find(([first], i) => i > 0 && first <= ascending[i - 1]![1])?.[0];
}

function refusal(text: string | number, why: string): RunnerError {
  return new RunnerError('E_SEEDS', why, { evidence: { seeds: text } });
}
