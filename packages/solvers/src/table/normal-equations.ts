import type { JointRequest } from '../drive/lockstep.js';
import { combine, concatenate } from '../math/vector.js';
import type { Evaluation, Vector } from '../solver.js';
import type { SamplerTable } from './sampler-table.js';
import { type TableParameter, tableParameters } from './table-parameters.js';

/** What a table is trained on: noise, and where a teacher ends from there. */
export interface TableBlock {
  /** [n × size], of deviation 1. */
  readonly noise: Vector;
  /** [n × size], data units. */
  readonly target: Vector;
  readonly n: number;
}

/** Answers the samples of a request by themselves; `owners` are their places in the block. */
export type BlockDenoise = (request: JointRequest) => Evaluation | Promise<Evaluation>;

/**
 * Bounds of what is seen in the end, as [−1, 1] of an image: values beyond count as the bound, the teacher's too. Left out,
 * as for latents, all values count.
 */
export interface Seen {
  readonly range?: readonly [number, number];
}

/** How far a table's samples are off, and which way is down; sums over samples and pixels, so blocks are added. */
export interface NormalEquations {
  /** JᵀJ, [p × p] over the p parameters of the table, J the samples' derivatives by them. */
  readonly matrix: Vector;
  /** Jᵀe, [p], e the samples less the targets. */
  readonly gradient: Vector;
  /** Σ e². */
  readonly squares: number;
  /** Samples that the network was asked for, once each. */
  readonly calls: number;
}

/** Steps of the differences: of an entry as a part of the noise level there, of the logarithm of a noise level. */
const ENTRY_STEP = 5e-3;
const SIGMA_STEP = 1e-2;

/**
 * The Gauss–Newton equations of a table on a block: forward differences by every entry and noise level, of which those of
 * one stage are one request.
 *
 * Costs, a sample, E calls and (k + 2)(E − k) for row k: 16 more for E = 3, 50 for E = 5. The last row costs none, for the
 * sample is linear in it.
 */
export async function normalEquations(
  table: SamplerTable,
  block: TableBlock,
  denoise: BlockDenoise,
  { range }: Seen = {},
): Promise<NormalEquations> {
  const { sigmas, rows } = table;
  const evaluations = sigmas.length;
  const parameters = tableParameters(evaluations);
  const inner = parameters.filter(({ row }) => row < evaluations);
  const stepOf = ({ row, at }: TableParameter) => (at === 'sigma' ? SIGMA_STEP : ENTRY_STEP * sigmas[row]!);
  // the noise and the answers, as they are and as each parameter makes them
  const base = [block.noise];
  const changed = inner.map(() => [block.noise]);
  const rowOf = (k: number, known: readonly Vector[]) =>
    combine(...rows[k]!.map((weight, i) => [weight, known[i]!] as const));
  let calls = 0;
  for (const [k, sigma] of sigmas.entries()) {
    const asked = inner.flatMap((parameter, p) => {
      if (parameter.row > k) return [];
      const x = rowOf(k, changed[p]!);
      const { at } = parameter;
      if (parameter.row < k) return [{ p, x, sigma }];
      if (at === 'sigma') return [{ p, x, sigma: sigma * Math.exp(SIGMA_STEP) }];
      return [{ p, x: combine([1, x], [stepOf(parameter), base[at]!]), sigma }];
    });
    const [own, ...others] = await answers([{ x: rowOf(k, base), sigma }, ...asked], block.n, denoise);
    base.push(own!);
    for (const [i, { p }] of asked.entries()) changed[p]!.push(others[i]!);
    for (const [p, { row }] of inner.entries()) if (row > k) changed[p]!.push(own!);
    calls += block.n * (1 + asked.length);
  }
  const sample = rowOf(evaluations, base);
  const slopes = parameters.map((parameter) => {
    if (parameter.row === evaluations) return base[parameter.at as number]!;
    const p = inner.indexOf(parameter);
    const step = stepOf(parameter);
    return rowOf(evaluations, changed[p]!).map((value, i) => (value - sample[i]!) / step);
  });
  return { ...equations(sample, slopes, block.target, range), calls };
}

/**
 * Σ e² of a table on a block, as `normalEquations` has it: Infinity where a sample isn't finite. Costs E calls a sample.
 */
export async function squaresOf(
  { sigmas, rows }: SamplerTable,
  { noise, target, n }: TableBlock,
  denoise: BlockDenoise,
  { range }: Seen = {},
): Promise<number> {
  const known = [noise];
  const rowOf = (k: number) => combine(...rows[k]!.map((weight, i) => [weight, known[i]!] as const));
  for (const [k, sigma] of sigmas.entries()) {
    const x = rowOf(k);
    if (!x.every(Number.isFinite)) return Infinity;
    known.push((await answers([{ x, sigma }], n, denoise))[0]!);
  }
  const see = seen(range);
  const squares = rowOf(sigmas.length).reduce(
    (sum, value, i) => sum + (see(value) - see(target[i]!)) ** 2,
    0,
  );
  return Number.isFinite(squares) ? squares : Infinity;
}

/** The answers to several requests of a whole block, in one. */
async function answers(
  asked: readonly { readonly x: Vector; readonly sigma: number }[],
  n: number,
  denoise: BlockDenoise,
): Promise<Vector[]> {
  const { denoised } = await denoise({
    x: concatenate(asked.map(({ x }) => x)),
    sigma: concatenate(asked.map(({ sigma }) => new Float64Array(n).fill(sigma))),
    owners: asked.flatMap(() => Array.from({ length: n }, (_, i) => i)),
  });
  const length = denoised.length / asked.length;
  return asked.map((_, i) => denoised.subarray(i * length, (i + 1) * length));
}

const seen =
  ([low, high]: readonly [number, number] = [-Infinity, Infinity]) =>
  (value: number) =>
    Math.min(high, Math.max(low, value));

function equations(
  sample: Vector,
  slopes: readonly Vector[],
  target: Vector,
  range: Seen['range'],
): Omit<NormalEquations, 'calls'> {
  const see = seen(range);
  const p = slopes.length;
  const error = sample.map((value, i) => see(value) - see(target[i]!));
  // what is beyond the bounds doesn't move what is seen
  const felt = slopes.map((slope) => slope.map((value, i) => (see(sample[i]!) === sample[i]! ? value : 0)));
  const matrix = new Float64Array(p * p);
  for (let a = 0; a < p; a++)
    for (let b = 0; b <= a; b++) matrix[a * p + b] = matrix[b * p + a] = dot(felt[a]!, felt[b]!);
  return {
    matrix,
    gradient: Float64Array.from(felt, (slope) => dot(slope, error)),
    squares: dot(error, error),
  };
}

const dot = (a: Vector, b: Vector) => {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
};
