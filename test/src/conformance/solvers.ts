import { dpmppUpdate, euler, type Sigma, threshold, type Vector } from '@fewstep/solvers';
import { denoiserOf, latentsOf } from './analytic.js';
import { solverOf } from './configuration.js';
import type { Golden } from './golden.js';
import { type Outcome, outcome, type Topic } from './topic.js';
import { checkAlone, compareBoth, compareSolution, solveCase } from './trajectory.js';

// biome-ignore lint/suspicious/noExplicitAny: an index is data whose form its topic alone knows
type Case = any;

export const solvers: Topic = async (golden) => {
  const outcomes: Outcome[] = [];
  for (const one of golden.index.cases)
    outcomes.push(await outcome(one.id, () => checkTrajectory(golden, one)));
  for (const one of golden.index.units ?? [])
    outcomes.push(await outcome(one.id, () => checkUnit(golden, one)));
  return outcomes;
};

async function checkTrajectory(golden: Golden, one: Case): Promise<string | undefined> {
  const denoise = denoiserOf(golden);
  const batch = latentsOf(golden);
  const solver = () => solverOf(one.config.solver, one.config);
  if (one.official_error) return checkAlone(one, () => ({ solver: solver(), euler }), denoise, batch);
  return compareSolution(golden, one, await solveCase(one, solver(), denoise, batch));
}

/** A single update, or thresholding, of a given batch. */
function checkUnit(golden: Golden, one: Case): string | undefined {
  const out = one.inputs
    ? update(golden, one)
    : threshold(golden.array(one.arrays.in), golden.shape(one.arrays.in)[0]!);
  return compareBoth(golden, one.arrays, 'out', out, one.tol, one.tol_f64);
}

function update(golden: Golden, { inputs, order, predict_x0, scale }: Case): Vector {
  const points = inputs.model_oldest_to_newest.map((name: string, i: number) => ({
    model: golden.array(name),
    sigma: level(golden.array(inputs.t_oldest_to_newest[i])),
  }));
  return dpmppUpdate(
    golden.array(inputs.x),
    points.reverse().slice(0, order),
    level(golden.array(inputs.t_next)),
    predict_x0,
    typeof scale === 'string' ? golden.array(scale) : scale,
  );
}

/** A noise level of the whole batch is kept as an array of one. */
function level(values: Vector): Sigma {
  return values.length === 1 ? values[0]! : values;
}
