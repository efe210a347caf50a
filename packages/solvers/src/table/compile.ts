import { type Solve, solveSync } from '../drive/solve.js';
import { BOTTLENECK_SIZE, type Evaluation, type Request, type Vector } from '../solver.js';
import { solverFault } from '../solver-error.js';
import { type SamplerTable, tableSolver } from './sampler-table.js';

/**
 * A solve as a table: any linear method under any noise levels, with the analytical first step and the last evaluation
 * where it has them.
 *
 * It is run once, on coefficients in place of images: of the noise and of each answer. So no method knows of tables. A
 * student is compiled with a predictor that reads nothing, for there is no network: its bottleneck is zeros.
 *
 * @throws SolverError (E_SOLVER) where it isn't linear, as a method that thresholds what is denoised; as `solve` otherwise
 */
export function compile(what: Linear): SamplerTable {
  const table = compileLinear(what);
  checkLinear(what, table);
  return table;
}

/** A solve without its batch. */
type Linear = Pick<Solve, 'solver' | 'sigmas' | 'afs' | 'denoiseToZero'>;

/**
 * As `compile`, of what is known to be linear: what a family of tables does at each of its points, numbers that overflow
 * among them.
 *
 * @throws SolverError (E_SOLVE) where the noise levels are none
 */
export function compileLinear(what: Linear): SamplerTable {
  const first = what.sigmas[0]!;
  const { nfe } = solveSync({
    ...what,
    x: Float64Array.of(first),
    n: 1,
    denoise: ({ x }) => answer(new Float64Array(x.length)),
  });
  const unit = (k: number, scale = 1) => {
    const vector = new Float64Array(nfe + 1);
    vector[k] = scale;
    return vector;
  };
  const requests: Request[] = [];
  const { x: last } = solveSync({
    ...what,
    x: unit(0, first),
    n: 1,
    denoise: (request) => answer(unit(requests.push(request))),
  });
  const sigmas = requests.map(({ sigma }) => (typeof sigma === 'number' ? sigma : sigma[0]!));
  const rows = [...requests.map(({ x }) => x), last].map((x, k) => [...x.subarray(0, k + 1)]);
  return { sigmas, rows };
}

const answer = (denoised: Vector): Evaluation => ({
  denoised,
  bottleneck: new Float64Array(BOTTLENECK_SIZE),
});

/** That the table gives what the solve gives, of images that leave an image's range as those of a network do. */
function checkLinear(what: Linear, table: SamplerTable): void {
  const sigmas = what.sigmas;
  const x = Float64Array.from({ length: 16 }, (_, i) => sigmas[0]! * Math.sin(1 + i * i));
  const denoise = ({ x, sigma }: Request) => {
    const told = typeof sigma === 'number' ? sigma : sigma[0]!;
    return answer(x.map((value, i) => 2 * Math.sin(i + value / (1 + told))));
  };
  const expected = solveSync({ ...what, x, n: 1, denoise }).x;
  const found = solveSync({ solver: tableSolver(table), x, n: 1, sigmas: ends(sigmas), denoise }).x;
  const size = Math.max(...expected.map(Math.abs));
  const apart = Math.max(...expected.map((value, i) => Math.abs(value - found[i]!)));
  if (apart > 1e-6 * size)
    throw solverFault(
      `only what is linear in the network's answers is a table; ${what.solver.name} as it is made here isn't: its sample differs from the table's by ${apart}. Make it without thresholding.`,
      { solver: what.solver.name, apart, size },
    );
}

/** The noise levels that a table is solved between, of those of a schedule. */
const ends = (sigmas: ArrayLike<number>) => [sigmas[0]!, sigmas[sigmas.length - 1]!];
