import { choice, integer, number } from './options.js';
import { ScheduleError } from './schedule-error.js';
import { exponent } from './spacing.js';

/** What a spec may tell the search; the grid that it chooses from is polynomial. */
export const gitsChoices = {
  rho: exponent(7, 'Exponent of its grid.'),
  metric: choice(
    ['dev', 'l1', 'l2'],
    'l1',
    'Cost of a step: the norm of its error (l1, l2), or how much further than the teacher it strays from the straight line (dev, which the published code takes).',
  ),
  coeff: number(
    { exclusiveMinimum: 0 },
    1,
    'What each step weighs against the one before it; more than 1 puts more noise levels near sigma_min (the published code takes 1.15).',
  ),
  num_warmup: integer(
    1,
    65_536,
    256,
    'Trajectories that the costs are averaged over; never those of the samples.',
  ),
  num_steps_tea: integer(
    2,
    1001,
    61,
    'Timestamps of the fine grid, at least num_steps; ipndm of order 4 follows it once for each warm-up trajectory.',
  ),
};

/** Which levels of a fine grid of N to keep. */
export interface GitsSearch {
  /** [N × N] row-major: at i·N + j, j > i, what one step from level i to level j costs. The rest is not read. */
  readonly costs: ArrayLike<number>;
  /** Levels to keep, the first and the last of the grid included. */
  readonly numSteps: number;
  /** What each step weighs against the one before it, above 0. More than 1: errors near the end count more. */
  readonly coeff: number;
}

/** Levels kept, and what they cost. */
export interface GitsPath {
  /** [numSteps], ascending from 0 to N − 1. */
  readonly indices: readonly number[];
  /** Σ_s coeff^s · costs[i_s, i_s+1]. */
  readonly cost: number;
}

/**
 * The cheapest schedule within a fine grid, by dynamic programming.
 *
 * V_k(i), the least cost from level i to the last in k steps, is min over j > i of costs[i, j] + coeff · V_{k−1}(j). Of
 * equally cheap schedules it takes the one that steps less far first. Time numSteps · N²; costs may be negative.
 *
 * Source: geometry-inspired time scheduling (GITS), Chen et al., arXiv:2405.11326; `coeff` is of its published code, 1.15 there.
 *
 * @throws ScheduleError (E_SCHEDULE) if the costs are no square of finite numbers, or the grid has fewer levels than are to be kept
 */
export function gits({ costs, numSteps, coeff }: GitsSearch): GitsPath {
  const N = Math.sqrt(costs.length);
  check(costs, N, numSteps, coeff);
  let least = new Float64Array(N).fill(Infinity);
  least[N - 1] = 0;
  const stepsBack: Int32Array[] = [];
  for (let k = 1; k < numSteps; k++) {
    const leastNow = new Float64Array(N).fill(Infinity);
    const next = new Int32Array(N);
    for (let i = 0; i < N; i++)
      for (let j = i + 1; j < N; j++) {
        const cost = costs[i * N + j]! + coeff * least[j]!;
        if (cost < leastNow[i]!) {
          leastNow[i] = cost;
          next[i] = j;
        }
      }
    stepsBack.push(next);
    least = leastNow;
  }
  const indices = [0];
  for (const next of stepsBack.reverse()) indices.push(next[indices.at(-1)!]!);
  return { indices, cost: least[0]! };
}

function check(costs: ArrayLike<number>, N: number, numSteps: number, coeff: number): void {
  if (!(Number.isInteger(N) && N >= 2))
    throw new ScheduleError(
      'the costs of a search are N × N numbers, one for each pair of levels, N at least 2',
      costs.length,
      'Give a row for every level of the grid.',
    );
  if (!(Number.isInteger(numSteps) && numSteps >= 2 && numSteps <= N))
    throw new ScheduleError(
      `num_steps of a search in a grid of ${N} levels must be an integer from 2 to ${N}`,
      numSteps,
      'Search in a finer grid, or keep fewer levels.',
    );
  if (!(coeff > 0 && coeff < Infinity))
    throw new ScheduleError('coeff must be a number above 0', coeff, 'Usual is 1.15.');
  for (let i = 0; i < N; i++)
    for (let j = i + 1; j < N; j++)
      if (!Number.isFinite(costs[i * N + j]))
        throw new ScheduleError(
          `the cost of the step from level ${i} to level ${j} must be a finite number`,
          costs[i * N + j],
          'Look at the trajectories that the costs come from.',
        );
}
