import { euler } from '@fewstep/solvers';
import { denoiserOf, latentsOf } from './analytic.js';
import { officialSigmas, solverOf } from './configuration.js';
import type { Golden } from './golden.js';
import { misread, misreadWeights } from './misreadings.js';
import { type Outcome, outcome, type Topic } from './topic.js';
import { checkAlone, compareBoth, compareSolution, isSane, solveCase } from './trajectory.js';

// biome-ignore lint/suspicious/noExplicitAny: an index is data whose form its topic alone knows
type Case = any;

export const solversExtra: Topic = async (golden) => {
  const outcomes: Outcome[] = [];
  for (const one of golden.index.cases) outcomes.push(await outcome(one.id, () => check(golden, one)));
  return outcomes;
};

/**
 * Where the official code has another method than the paper, its misreading put into ours must give the official figures,
 * and ours must converge to the solution.
 */
async function check(golden: Golden, one: Case): Promise<string | undefined> {
  const denoise = denoiserOf(golden);
  const batch = latentsOf(golden);
  const method = () => solverOf(one.config.solver, one.config);
  if (one.official_error) return checkAlone(one, () => ({ solver: method(), euler }), denoise, batch);
  const solver = method();
  const official = misread(one.config);
  const solution = await solveCase(one, official ?? solver, denoise, batch);
  const difference = compareSolution(golden, one, solution) ?? checkCoefficients(golden, one);
  if (official === undefined || difference !== undefined)
    return difference && (official ? `with the official misreading, ${difference}` : difference);
  return isSane(one, { solver, euler }, denoise, batch);
}

/** The weights of DEIS at each step but the first, which is Euler's, padded with 0 to the longest. */
function checkCoefficients(golden: Golden, { config, arrays, coeff_tol, tol_f64 }: Case): string | undefined {
  const weightsOf = misreadWeights(config);
  if (!weightsOf || !('coeff' in arrays)) return undefined;
  const [steps, longest] = golden.shape(arrays.coeff) as [number, number];
  const levels = [...officialSigmas(config)];
  const found = new Float64Array(steps * longest);
  for (let i = 1; i < steps; i++)
    found.set(weightsOf(levels.slice(0, i + 1).reverse(), levels[i + 1]!), i * longest);
  return compareBoth(golden, arrays, 'coeff', found, coeff_tol, tol_f64);
}
