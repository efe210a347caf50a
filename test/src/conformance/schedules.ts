import { iddpmTable, noiseTable, ScheduleError, sigmas, vp } from '@fewstep/schedules';
import { officialSigmas, scheduleOf } from './configuration.js';
import { type Golden, mixedError } from './golden.js';
import { type Outcome, outcome, type Topic } from './topic.js';

// biome-ignore lint/suspicious/noExplicitAny: an index is data whose form its topic alone knows
type Case = any;

export const schedules: Topic = async (golden) => {
  const outcomes: Promise<Outcome>[] = [];
  for (const one of golden.index.cases)
    outcomes.push(outcome(one.id, () => (one.kind === 'schedule' ? checkLevels : checkPairs)(golden, one)));
  for (const one of golden.index.tables ?? []) outcomes.push(outcome(one.id, () => checkTable(golden, one)));
  for (const one of golden.index.edge_num_steps_1 ?? [])
    outcomes.push(outcome(`${one.schedule_type}-n${one.num_steps}`, () => checkRefusal(one)));
  return Promise.all(outcomes);
};

function checkLevels(golden: Golden, one: Case): string | undefined {
  const levels = officialSigmas(one);
  const ours = sigmas(scheduleOf(one), spanOf(one));
  if (ours[0] !== one.sigma_max || ours.at(-1) !== one.sigma_min)
    return 'does not reach from sigma_max to sigma_min';
  return (
    within('t', levels, golden.array(one.arrays.t), one.tol_rel) ??
    within('t_f64', levels, golden.array(one.arrays.t_f64), one.tol_rel_f64)
  );
}

/** Training sees interval i of a parent schedule as the schedule of two steps between its ends. */
function checkPairs(golden: Golden, one: Case): string | undefined {
  const parent = golden.array(one.arrays.parent);
  const spans = Array.from(parent.subarray(1), (sigmaMin, i) => ({
    numSteps: 2,
    sigmaMin,
    sigmaMax: parent[i]!,
  }));
  const pairs = spans.flatMap((span) => [...officialSigmas(one, span)]);
  return (
    within('pairs', pairs, golden.array(one.arrays.pairs), one.tol_rel) ??
    within('pairs_f64', pairs, golden.array(one.arrays.pairs_f64), one.tol_rel_f64)
  );
}

function checkTable(golden: Golden, one: Case): string | undefined {
  switch (one.kind) {
    case 'noise-table': {
      const table = noiseTable({ linearStart: one.linear_start, linearEnd: one.linear_end, M: one.M });
      const noise = golden.array(one.arrays.sigma).map((sigma) => one.M * table.tOfSigma(sigma) - 1);
      const { alphas_cumprod, alphas_cumprod_f64, c_noise_f64 } = one.arrays;
      return (
        within('alphas_cumprod', table.alphasCumprod, golden.array(alphas_cumprod), 1e-6) ??
        within(
          'alphas_cumprod_f64',
          table.alphasCumprod,
          golden.array(alphas_cumprod_f64),
          one.tol_rel_f64,
        ) ??
        within(
          'range',
          [table.sigmaMin, table.sigmaMax],
          [one.sigma_min_f64, one.sigma_max_f64],
          one.tol_rel_f64,
        ) ??
        // 0 at the first entry, so not relative.
        mixed('c_noise_f64', noise, golden.array(c_noise_f64), one.tol_rel_f64) ??
        checkNoiseOfTime(golden, one, table)
      );
    }
    case 'vp-formula': {
      const formula = vp({ betaD: one.beta_d, betaMin: one.beta_min });
      const range = [formula.sigmaOfT(one.epsilon_t), formula.sigmaOfT(1)];
      return (
        within('range', range, [one.sigma_min_f64, one.sigma_max_f64], one.tol_rel_f64) ??
        checkNoiseOfTime(golden, one, formula)
      );
    }
    case 'iddpm-u-table': {
      const table = iddpmTable({ M: one.M, C1: one.C_1, C2: one.C_2 });
      const asked = golden.array(one.arrays.sigma);
      const indices = asked.map(table.indexOf);
      const wanted = golden.array(one.arrays.index);
      if (indices.some((index, i) => index !== wanted[i]))
        return `index is ${indices.join(' ')} where ${wanted.join(' ')} is wanted`;
      return (
        mixed('u', table.u, golden.array(one.arrays.u), one.tol_mixed) ??
        mixed('u_f64', table.u, golden.array(one.arrays.u_f64), 1e-9) ??
        mixed('rounded', asked.map(table.round), golden.array(one.arrays.rounded), one.tol_mixed)
      );
    }
    default:
      return `no table is of the kind "${one.kind}"`;
  }
}

function checkNoiseOfTime(
  golden: Golden,
  one: Case,
  noise: { sigmaOfT(t: number): number; tOfSigma(sigma: number): number },
): string | undefined {
  const { t, sigma, sigma_of_t, sigma_of_t_f64, t_of_sigma, t_of_sigma_f64 } = one.arrays;
  const levels = golden.array(t).map(noise.sigmaOfT);
  const times = golden.array(sigma).map(noise.tOfSigma);
  return (
    within('sigma_of_t', levels, golden.array(sigma_of_t), one.tol_rel.sigma_of_t) ??
    within('sigma_of_t_f64', levels, golden.array(sigma_of_t_f64), one.tol_rel_f64) ??
    within('t_of_sigma', times, golden.array(t_of_sigma), one.tol_rel.t_of_sigma) ??
    within('t_of_sigma_f64', times, golden.array(t_of_sigma_f64), one.tol_rel_f64)
  );
}

/** The official schedules give NaN or a lone sigma_max for one timestamp; ours says that this is no schedule. */
function checkRefusal(one: Case): string | undefined {
  try {
    return `gives ${sigmas(scheduleOf(one), spanOf(one)).join(' ')} where an error is wanted`;
  } catch (error) {
    return error instanceof ScheduleError ? undefined : `fails with ${error}`;
  }
}

function spanOf(one: Case) {
  return { numSteps: one.num_steps, sigmaMin: one.sigma_min, sigmaMax: one.sigma_max };
}

function within(
  name: string,
  ours: ArrayLike<number>,
  wanted: ArrayLike<number>,
  tolerance: number,
): string | undefined {
  if (ours.length !== wanted.length) return `${name} has ${ours.length} entries, not ${wanted.length}`;
  const error = Math.max(...Array.from(wanted, (value, i) => Math.abs(ours[i]! - value) / Math.abs(value)));
  return error <= tolerance ? undefined : `${name} is off by ${error} relative, allowed ${tolerance}`;
}

function mixed(
  name: string,
  ours: ArrayLike<number>,
  wanted: ArrayLike<number>,
  tolerance: number,
): string | undefined {
  const error = mixedError(ours, wanted);
  return error <= tolerance ? undefined : `${name} is off by ${error}, allowed ${tolerance}`;
}
