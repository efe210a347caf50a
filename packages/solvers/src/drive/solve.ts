import type { Evaluation, Request, Solver, SolverState, Vector } from '../solver.js';
import { SolverError } from '../solver-error.js';
import { analyticalFirstStep } from './analytical-first-step.js';
import { evaluate } from './evaluate.js';

/** One evaluation of a solve, as it happened. */
export interface Observation {
  /** Interval that asked for it, from 0; the number of intervals for the evaluation of `denoiseToZero`. */
  readonly step: number;
  /** Which one of that interval, from 0: the one that opens it. */
  readonly stage: number;
  readonly request: Request;
  readonly evaluation: Evaluation;
  /** true: answered by the analytical first step, so not counted. */
  readonly analytical: boolean;
}

/** What to solve. */
export interface Solve<State extends SolverState = SolverState> {
  readonly solver: Solver<State>;
  /** [n × size], the batch at the first noise level: latents · sigmas[0]. */
  readonly x: Vector;
  /** Samples in the batch. */
  readonly n: number;
  /** Noise levels, descending, all above 0. */
  readonly sigmas: ArrayLike<number>;
  /** Analytical first step: the first request is answered without the network and not counted. Default false. */
  readonly afs?: boolean;
  /** One more evaluation at the last noise level, whose `denoised` is the result. Default false. */
  readonly denoiseToZero?: boolean;
  /**
   * Which points the solution keeps beside the last: none, all, or those whose number is answered with true. Point 0 is
   * the start, point k where interval k ends, and the one after them the denoised batch under `denoiseToZero`. Default
   * 'last', for a batch of images is large and most callers look at its end alone.
   */
  readonly keep?: 'last' | 'all' | ((point: number) => boolean);
  /** Sees every evaluation, in order. */
  readonly onEvaluation?: (observation: Observation) => void;
}

/** What a solve gives; each batch as `Solve.x`, [n × size]. */
export interface Solution {
  /** The last of the trajectory. */
  readonly x: Vector;
  /** The points that were to be kept, in order; the last is `x`. */
  readonly trajectory: readonly Vector[];
  /** Evaluations that the denoiser was asked for; a batch counts once. */
  readonly nfe: number;
}

/** A denoiser, at once or later: a network, or a formula. It answers each sample of a request by itself. */
export type Denoise = (request: Request) => Evaluation | Promise<Evaluation>;

/**
 * Integrates the probability-flow ODE from the first noise level to the last.
 *
 * @throws SolverError (E_SOLVE) if batch and noise levels don't fit, (E_DENOISED, E_NONFINITE) if an evaluation can't be used
 */
export async function solve<State extends SolverState>(
  given: Solve<State> & { readonly denoise: Denoise },
): Promise<Solution> {
  const { denoise, ...what } = whole(given);
  const solving = drive(what);
  let next = solving.next();
  while (!next.done) next = solving.next(await denoise(next.value));
  return next.value;
}

/**
 * As `solve`, with a denoiser that answers at once: the same result bit for bit.
 *
 * @throws SolverError as `solve`
 */
export function solveSync<State extends SolverState>(
  given: Solve<State> & { readonly denoise: (request: Request) => Evaluation },
): Solution {
  const { denoise, ...what } = whole(given);
  const solving = drive(what);
  let next = solving.next();
  while (!next.done) next = solving.next(denoise(next.value));
  return next.value;
}

/**
 * A whole solve as a generator: yields what only the denoiser can answer, and counts it.
 *
 * @throws SolverError (E_SOLVE, E_DENOISED, E_NONFINITE)
 */
export function* drive<State extends SolverState>(
  what: Solve<State>,
): Generator<Request, Solution, Evaluation> {
  checkSolve(what);
  const { solver, n, sigmas, afs = false, denoiseToZero = false, keep = 'last', onEvaluation } = what;
  const intervals = sigmas.length - 1;
  let state = solver.init(what.x, n);
  const last = intervals + Number(denoiseToZero);
  const trajectory: Vector[] = [];
  const reach = (x: Vector, point: number) => {
    if (point === last || keep === 'all' || (typeof keep === 'function' && keep(point))) trajectory.push(x);
  };
  reach(state.x, 0);
  let nfe = 0;

  function* answer(request: Request, step: number, stage: number) {
    const analytical = afs && step === 0 && stage === 0;
    if (!analytical) nfe++;
    const evaluation = analytical
      ? analyticalFirstStep(request, n)
      : yield* evaluate(request.x, request.sigma);
    checkEvaluation(evaluation, request, step, n);
    onEvaluation?.({ step, stage, request, evaluation, analytical });
    return evaluation;
  }

  for (let i = 0; i < intervals; i++) {
    const step = solver.step(state, sigmas[i]!, sigmas[i + 1]!, intervals - i);
    let next = step.next();
    for (let stage = 0; !next.done; stage++) next = step.next(yield* answer(next.value, i, stage));
    state = next.value;
    reach(state.x, i + 1);
  }
  if (denoiseToZero) {
    const request = { x: state.x, sigma: sigmas[intervals]! };
    reach((yield* answer(request, intervals, 0)).denoised, last);
  }
  return { x: trajectory.at(-1)!, trajectory, nfe };
}

const isFunction = (value: unknown) => typeof value === 'function';
const isFlag = (value: unknown) => value === undefined || typeof value === 'boolean';
const isList = (value: unknown) => typeof value === 'object' && value !== null && 'length' in value;
const isSolver = (value: unknown) =>
  typeof value === 'object' &&
  value !== null &&
  ['init', 'step'].every((name) => isFunction(value[name as never]));

/** What a solve takes: for people, and whether a value of plain JavaScript is such. */
const takes = {
  solver: ['a solver, as dpmpp() makes one', isSolver],
  denoise: ['a function of a request', isFunction],
  x: ['a list of numbers', isList],
  n: ['the number of samples in x', (value) => typeof value === 'number'],
  sigmas: ['a list of noise levels', isList],
  afs: ['true or false', isFlag],
  denoiseToZero: ['true or false', isFlag],
  keep: [
    "'last', 'all' or a function of a point",
    (value) => value === undefined || value === 'last' || value === 'all' || isFunction(value),
  ],
  onEvaluation: ['a function', (value) => value === undefined || isFunction(value)],
} satisfies Readonly<Record<keyof Solve | 'denoise', readonly [string, (value: unknown) => boolean]>>;

/** What plain JavaScript hands over as it is, where it is a solve. @throws SolverError (E_SOLVE) that names what is not */
function whole<W extends object>(given: W): W {
  const names = Object.keys(takes);
  const fault = (rule: string, found: unknown, evidence: Readonly<Record<string, unknown>>) =>
    new SolverError(
      'E_SOLVE',
      `${rule}; found ${typeof found === 'string' ? JSON.stringify(found) : String(found)}.`,
      evidence,
    );
  if (typeof given !== 'object' || given === null)
    throw fault(`a solve is a map of ${names.join(', ')}`, given, { found: given });
  const there: Readonly<Record<string, unknown>> = Object.fromEntries(Object.entries(given));
  // what else it may bring, as the shape of a start that is spread, is nothing to it; another spelling of a name is a slip
  const plain = (name: string) => name.replaceAll('_', '').toLowerCase();
  const slip = Object.keys(there).find(
    (name) => !names.includes(name) && names.some((one) => plain(one) === plain(name)),
  );
  if (slip !== undefined)
    throw fault(`a solve takes ${names.join(', ')}`, slip, { name: slip, known: names });
  for (const [name, [what, isOne]] of Object.entries(takes))
    if (!isOne(there[name]))
      throw fault(`${name} of a solve is ${what}`, there[name], { [name]: there[name] });
  return given;
}

function checkSolve({ x, n, sigmas }: Solve): void {
  if (!(Number.isInteger(n) && n >= 1 && x.length > 0 && x.length % n === 0))
    throw new SolverError(
      'E_SOLVE',
      `a batch of n samples holds n × size numbers; found ${x.length} numbers for n = ${n}. Give the number of samples in x as n.`,
      { n, length: x.length },
    );
  for (let i = 0; i < Math.max(2, sigmas.length); i++)
    if (!(sigmas[i]! > 0 && (i === 0 || sigmas[i]! < sigmas[i - 1]!)))
      throw new SolverError(
        'E_SOLVE',
        `a solve needs at least two noise levels, descending, all above 0; found ${sigmas[i]} at ${i}, of ${sigmas.length}. Take them from a schedule.`,
        { index: i, found: sigmas[i] },
      );
}

function checkEvaluation(
  { denoised, bottleneck }: Evaluation,
  { x, sigma }: Request,
  step: number,
  n: number,
): void {
  const where = `step ${step} at σ = ${typeof sigma === 'number' ? sigma : `${Math.min(...sigma)}…${Math.max(...sigma)}`}`;
  if (denoised.length !== x.length)
    throw new SolverError(
      'E_DENOISED',
      `the denoiser answers with as many numbers as it was asked for; found ${denoised.length} for ${x.length} in ${where}. Check the model's output shape.`,
      { step, sigma, found: denoised.length, expected: x.length },
    );
  for (const [name, values] of Object.entries({ denoised, bottleneck })) {
    const index = values?.findIndex((value) => !Number.isFinite(value)) ?? -1;
    if (index < 0) continue;
    const sample = Math.floor((index * n) / values!.length);
    throw new SolverError(
      'E_NONFINITE',
      `an evaluation must be finite; found ${values![index]} in ${name} of sample ${sample}, ${where}. The network overflowed or its weights hold NaN; a step from there would spread it to the whole image.`,
      { step, sigma, output: name, sample, found: values![index] },
    );
  }
}
