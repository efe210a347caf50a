import {
  eulerStudent,
  fixedSteps,
  type Observation,
  type Predict,
  type Predictor,
  placement,
  predict,
  type Solver,
  type Steering,
  type Student,
  steeringsOfZeros,
  type Vector,
  type Weights,
} from '@fewstep/solvers';
import { denoiserOf, latentsOf } from './analytic.js';
import { officialSigmas, studentOf } from './configuration.js';
import type { Golden } from './golden.js';
import { type Outcome, outcome, type Topic } from './topic.js';
import {
  type Batch,
  checkAlone,
  compare,
  compareBoth,
  compareSolution,
  join,
  solveCase,
} from './trajectory.js';

// biome-ignore lint/suspicious/noExplicitAny: an index is data whose form its topic alone knows
type Case = any;

export const students: Topic = async (golden) => {
  const outcomes: Outcome[] = [];
  for (const one of golden.index.cases.map(withNoiseTable))
    outcomes.push(await outcome(one.id, () => checkStudent(golden, one)));
  return outcomes;
};

/** The schedule of a case with a latent model uses that model's noise table. */
function withNoiseTable(one: Case): Case {
  return { ...one, config: { noise_table: one.latent_model?.noise_table, ...one.config } };
}

async function checkStudent(golden: Golden, one: Case): Promise<string | undefined> {
  const { weighed, batch } = await open(golden, one);
  const predictor = predict(weighed);
  const method = () => studentOf(one.config.student, one.config);
  if (one.official_error) {
    const methods = () => ({ solver: method().steered(predictor), euler: eulerStudent.steered(predictor) });
    return checkAlone(one, methods, denoiserOf(golden, one.latent_model), batch);
  }
  const student = method();
  if (one.quirk && batch.n > 1) return checkQuirk(golden, one, student, predictor, batch);
  return (
    compareRun(golden, one, await run(golden, one, student, predictor, batch)) ??
    compareZeros(golden, one, weighed)
  );
}

async function open(golden: Golden, one: Case): Promise<{ weighed: Predictor; batch: Batch }> {
  const weights = (await golden.tensors(one.predictor)) as Weights;
  const { latents, n: all } = latentsOf(golden, one.latent_model);
  const n = one.batch ?? all;
  return {
    weighed: { outputs: placement(one), weights },
    batch: { latents: latents.subarray(0, (latents.length / all) * n), n },
  };
}

/** A solve with a predictor, and what the predictor read and said at each step. */
async function run(golden: Golden, one: Case, student: Student, predictor: Predict, batch: Batch) {
  const said: Steering[] = [];
  const read: Vector[] = [];
  const asked: Vector[] = [];
  const listening: Predict = (bottleneck, sigma, sigmaNext) => {
    read.push(bottleneck);
    const steering = predictor(bottleneck, sigma, sigmaNext);
    said.push(steering);
    return steering;
  };
  const observe = ({ stage, request }: Observation) => {
    if (stage === 1) asked.push(request.sigma as Vector);
  };
  const solver: Solver = student.steered(listening);
  const solution = await solveCase(one, solver, denoiserOf(golden, one.latent_model), batch, observe);
  const middle = asked.map((sigma, step) =>
    sigma.map((value, i) => value / (said[step]!.scale_time?.[i] ?? 1)),
  );
  return { solution, said, read, middle };
}

function compareRun(
  golden: Golden,
  one: Case,
  { solution, said, read, middle }: Awaited<ReturnType<typeof run>>,
): string | undefined {
  const recorded: Record<string, Vector[]> = {
    r: said.map(({ r }) => r!),
    ...Object.fromEntries(
      ['scale_dir', 'scale_time'].map((name) => [
        name,
        said.map(({ r, [name]: scale = r!.map(() => 1) }) => scale),
      ]),
    ),
    t_mid: middle,
  };
  let difference = compareSolution(golden, one, solution);
  for (const [name, values] of Object.entries(recorded))
    if (name in one.arrays)
      difference ??= compareBoth(golden, one.arrays, name, join(values), one.predictor_tol, one.tol_f64);
  if ('bottleneck' in one.arrays)
    difference ??= compare('bottleneck', join(read), golden.array(one.arrays.bottleneck), one.tol);
  return difference;
}

/** Under the analytical first step the official predictor reads zeros there: its answer is that of the list for zeros. */
function compareZeros(golden: Golden, one: Case, weighed: Predictor): string | undefined {
  if (!one.config.afs) return undefined;
  const levels = officialSigmas(one.config);
  const { sigmas, scaleDirs, scaleTimes } = fixedSteps(levels, steeringsOfZeros(weighed, levels));
  let difference: string | undefined;
  for (const [name, list] of Object.entries({
    t_mid: sigmas,
    scale_dir: scaleDirs,
    scale_time: scaleTimes,
  })) {
    const array = one.arrays[`${name}_f64`];
    if (array)
      difference ??= compare(
        `${name} of zeros`,
        list.subarray(1, 2),
        golden.array(array).subarray(0, 1),
        1e-6,
      );
  }
  return difference;
}

/**
 * The official code unpacks a predictor's single output along the batch: sample 1's r is taken as r of all, sample 2's
 * as scale_dir, sample 3's as scale_time. With that misreading put in, we must give the official figures; without it, each
 * sample must come out as it does alone.
 */
async function checkQuirk(
  golden: Golden,
  one: Case,
  student: Student,
  predictor: Predict,
  batch: Batch,
): Promise<string | undefined> {
  const said: Vector[] = [];
  const misread: Predict = (bottleneck, sigma, sigmaNext) => {
    const { r } = predictor(bottleneck, sigma, sigmaNext);
    said.push(r!);
    const forAll = (value = 1) => new Float64Array(batch.n).fill(value);
    return { r: forAll(r![0]), scale_dir: forAll(r![1]), scale_time: forAll(r![2]) };
  };
  const official = await run(golden, one, student, misread, batch);
  const difference =
    compareSolution(golden, one, official.solution) ??
    compareBoth(golden, one.arrays, 'r', join(said), one.predictor_tol, one.tol_f64);
  if (difference !== undefined) return `with the official misreading, ${difference}`;

  const together = (await run(golden, one, student, predictor, batch)).solution.x;
  const size = batch.latents.length / batch.n;
  for (let i = 0; i < batch.n; i++) {
    const latents = batch.latents.subarray(i * size, (i + 1) * size);
    const alone = (await run(golden, one, student, predictor, { latents, n: 1 })).solution.x;
    const apart = compare(`sample ${i}`, together.subarray(i * size, (i + 1) * size), alone, 1e-12);
    if (apart !== undefined) return `${apart} from the same alone`;
  }
  return undefined;
}
