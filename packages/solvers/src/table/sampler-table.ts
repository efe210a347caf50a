import { evaluate } from '../drive/evaluate.js';
import type { Solver, Vector } from '../solver.js';
import { solverFault } from '../solver-error.js';
import type { Bands } from './bands.js';
import { known, rowOf } from './rows.js';

/**
 * A sampler as numbers: every deterministic one that is linear in what the network answers is one. With z the noise of
 * deviation 1 and D_k = D(x_k; σ_k), for E evaluations,
 *
 *     x_k = a_k z + Σ_{j<k} b_kj D_j        what the network is shown, k = 0 … E − 1
 *     out = a_E z + Σ_{j<E} b_Ej D_j        the sample
 *
 * The form that Bespoke Non-Stationary solvers are defined by (arXiv:2403.01329), in units of data.
 */
export interface SamplerTable {
  /** σ_k, the noise level that the network is told, data units: E of them, in any order. */
  readonly sigmas: readonly number[];
  /**
   * a_k, b_k0 … b_k,k−1 of each x_k, and as the last, row E, of the sample: row k has k + 1 numbers, or where the table has
   * `bands` k + 1 times as many as there are bands, those of the noise first: a number for each band of each.
   */
  readonly rows: readonly (readonly number[])[];
  readonly bands?: Bands;
}

/**
 * The one solver that executes tables, the whole of one in a single interval: given x = σ·z and noise levels [σ, σ_end], of
 * which it reads the first alone, it asks for the table's evaluations and ends at its sample.
 *
 * It costs as many evaluations as the table has noise levels.
 *
 * @throws SolverError (E_SOLVER) if rows and noise levels don't fit or hold what is no number
 */
export function tableSolver(table: SamplerTable): Solver<{ readonly x: Vector }> {
  checkTable(table);
  const { sigmas, rows, bands } = table;
  return {
    name: 'table',
    // it doesn't converge to anything: its noise levels are part of it
    order: 0,
    init: (x) => ({ x }),
    *step({ x }, sigma) {
      const all = [known(x.map((value) => value / sigma))];
      for (const [k, told] of sigmas.entries())
        all.push(known((yield* evaluate(rowOf(rows[k]!, all, bands), told)).denoised));
      return { x: rowOf(rows[sigmas.length]!, all, bands) };
    },
  };
}

/** @throws SolverError (E_SOLVER) */
export function checkTable({ sigmas, rows, bands }: SamplerTable): void {
  const evaluations = sigmas.length;
  if (rows.length !== evaluations + 1)
    throw solverFault(`a table of E noise levels has E + 1 rows; found ${evaluations} and ${rows.length}.`, {
      sigmas: evaluations,
      rows: rows.length,
    });
  for (const [k, sigma] of sigmas.entries())
    if (!(sigma > 0 && Number.isFinite(sigma)))
      throw solverFault(`a noise level of a table is a number above 0; found ${sigma} at ${k}.`, {
        index: k,
        found: sigma,
      });
  if (bands) checkBands(bands);
  const parts = bands ? bands.edges.length + 1 : 1;
  for (const [k, row] of rows.entries()) {
    if (row.length !== k + 1 && row.length !== (k + 1) * parts)
      throw solverFault(
        `row ${k} of a table has ${k + 1} numbers, of the noise and of each answer before${parts > 1 ? `, or ${parts} times as many, by band` : ''}; found ${row.length}.`,
        { row: k, found: row.length },
      );
    const at = row.findIndex((value) => !Number.isFinite(value));
    if (at >= 0)
      throw solverFault(`rows of a table hold finite numbers; found ${row[at]} at ${at} of row ${k}.`, {
        row: k,
        index: at,
        found: row[at],
      });
  }
}

function checkBands({ shape, edges }: Bands): void {
  if (!(shape.length === 3 && shape.every((side) => Number.isInteger(side) && side >= 1)))
    throw solverFault(`bands are of samples [channels, height, width]; found ${shape.join(' × ')}.`, {
      shape,
    });
  const at = edges.findIndex((edge, i) => !(edge > (edges[i - 1] ?? 0) && edge < 1));
  if (at >= 0 || edges.length === 0)
    throw solverFault(`edges of bands ascend between 0 and 1; found ${edges.join(', ') || 'none'}.`, {
      edges,
    });
}

/**
 * How many evaluations of a table wait for another: those that none of the others' answers come into may be asked for at
 * once, as the parallel points of EPD-Solver (arXiv:2507.14797). At most its number of noise levels.
 */
export function depthOf({ sigmas, rows, bands }: SamplerTable): number {
  const parts = bands ? bands.edges.length + 1 : 1;
  const depths: number[] = [];
  for (const k of sigmas.keys()) {
    const row = rows[k]!;
    const each = row.length === k + 1 ? 1 : parts;
    const read = depths.filter((_, j) =>
      row.slice((j + 1) * each, (j + 2) * each).some((weight) => weight !== 0),
    );
    depths.push(1 + Math.max(0, ...read));
  }
  return Math.max(0, ...depths);
}
