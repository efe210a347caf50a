import { concatenate } from '../math/vector.js';
import type { Evaluation, Request, SolverState, Vector } from '../solver.js';
import { SolverError } from '../solver-error.js';
import { drive, type Solution, type Solve } from './solve.js';

/** A request of several solves at once: x [Σn × size], sigma [Σn]. */
export interface JointRequest extends Request {
  readonly sigma: Vector;
  /** The solve, as an index into those given, that each sample belongs to, [Σn]. */
  readonly owners: readonly number[];
}

/**
 * Runs several solves side by side, each round one evaluation of all that still wait for one.
 *
 * Samples must have the same size; solvers, schedules and batch sizes may differ. The results are those of each solve
 * alone, bit for bit, if the denoiser treats each sample by itself.
 *
 * @throws SolverError as `solve`, and (E_SOLVE) if the samples differ in size
 */
export async function lockstep(
  solves: readonly Solve<SolverState>[],
  denoise: (request: JointRequest) => Evaluation | Promise<Evaluation>,
): Promise<Solution[]> {
  checkSizes(solves);
  const running = solves.map((solve) => drive(solve));
  const turns = running.map((solving) => solving.next());
  const waiting = () =>
    turns.flatMap((turn, owner) => (turn.done ? [] : [{ owner, n: solves[owner]!.n, request: turn.value }]));

  for (let parts = waiting(); parts.length > 0; parts = waiting()) {
    const total = parts.reduce((sum, { n }) => sum + n, 0);
    const joint = await denoise({
      x: concatenate(parts.map(({ request }) => request.x)),
      sigma: concatenate(parts.map(({ request, n }) => perSample(request.sigma, n))),
      owners: parts.flatMap(({ owner, n }) => Array<number>(n).fill(owner)),
    });
    let start = 0;
    for (const { owner, n } of parts) {
      turns[owner] = running[owner]!.next(rows(joint, start, start + n, total));
      start += n;
    }
  }
  return turns.map(({ value }) => value as Solution);
}

function perSample(sigma: number | Vector, n: number): Vector {
  return typeof sigma === 'number' || sigma.length === 1
    ? new Float64Array(n).fill(typeof sigma === 'number' ? sigma : sigma[0]!)
    : sigma;
}

/** Samples `from` to `to` of an evaluation of `total`. */
function rows({ denoised, bottleneck }: Evaluation, from: number, to: number, total: number): Evaluation {
  const cut = (vector: Vector) => vector.slice((from * vector.length) / total, (to * vector.length) / total);
  return { denoised: cut(denoised), ...(bottleneck && { bottleneck: cut(bottleneck) }) };
}

function checkSizes(solves: readonly Solve<SolverState>[]): void {
  const sizes = [...new Set(solves.map(({ x, n }) => x.length / n))];
  if (sizes.length > 1)
    throw new SolverError(
      'E_SOLVE',
      `solves in lockstep need samples of one size; found ${sizes.join(' and ')} numbers per sample. Run different models apart.`,
      { sizes },
    );
}
