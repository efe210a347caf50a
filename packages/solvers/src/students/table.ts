import { evaluate } from '../drive/evaluate.js';
import { type Scalar, scalar } from '../math/vector.js';
import { around, type Output } from '../output.js';
import type { Student, Vector } from '../solver.js';
import { solverFault } from '../solver-error.js';
import { known, rowOf } from '../table/rows.js';
import { checkTable, type SamplerTable } from '../table/sampler-table.js';
import { opening } from './opening.js';

/** What a steered table has come to. */
interface TableState {
  /** What the network is shown next, or the sample. */
  readonly x: Vector;
  /** The noise of deviation 1 and the answers until now; nothing before the first. */
  readonly all: readonly Vector[];
  /** What the next noise level that the network is told is scaled by, [n]. */
  readonly scaleTime: Scalar;
}

/** What a predictor decides of a table: the scale of the noise level that the network is told next, at most `scale_time` from 1. */
export const tableOutputs = (scaleTime: number): readonly Output[] => {
  if (!(scaleTime > 0 && scaleTime < 1))
    throw solverFault(
      `scale_time is how far the noise levels that a table tells the network may be scaled, so between 0 and 1; found ${scaleTime}.`,
      { name: 'scale_time', found: scaleTime },
    );
  return [{ name: 'scale_time', count: 1, range: around(1, scaleTime), moves: true, start: () => 1 }];
};

/**
 * A table with a predictor: after each evaluation but the last it decides for each sample what noise level the network is
 * told at the next one, as a scale of the table's.
 *
 * One interval for each evaluation that is steered, the last of which ends with the sample; a scale of 1 is the table, to the
 * bit. It is solved at `tableLevels`, of which it reads the first alone: the predictor is told the table's own noise levels.
 *
 * @throws SolverError (E_SOLVER) if it is no table, or has fewer than two evaluations, so that there is nothing to steer
 */
export const tableStudent = (table: SamplerTable): Student<TableState> => {
  checkTable(table);
  const { sigmas, rows, bands } = table;
  if (sigmas.length < 2)
    throw solverFault(
      `a predictor steers what comes after the first evaluation, and this table has ${sigmas.length} in all: take one of two or more.`,
      { evaluations: sigmas.length },
    );
  const row = (all: readonly Vector[]) =>
    rowOf(
      rows[all.length - 1]!,
      all.map((one) => known(one)),
      bands,
    );
  return {
    name: 'table',
    singleStep: false,
    steered: (predict) => ({
      name: 'table',
      // as a table's
      order: 0,
      init: (x) => ({ x, all: [], scaleTime: 1 }),
      *step(state, sigma, _, remaining) {
        const isFirst = state.all.length === 0;
        const before = isFirst ? [state.x.map((value) => value / sigma)] : state.all;
        const k = before.length - 1;
        const level = (at: number, scale: Scalar) => scalar((c) => c! * sigmas[at]!, scale);
        const { denoised, steering } = yield* opening(
          predict,
          isFirst ? row(before) : state.x,
          sigmas[k]!,
          sigmas[k + 1]!,
          level(k, state.scaleTime),
        );
        const { scale_time: scaleTime } = steering;
        if (!scaleTime)
          throw solverFault(
            `a predictor of a table decides scale_time; found ${Object.keys(steering).join(', ') || 'nothing'}. Take one whose outputs are tableOutputs(…).`,
            { found: Object.keys(steering) },
          );
        const all = [...before, denoised];
        if (remaining > 1) return { x: row(all), all, scaleTime };
        const whole = [...all, (yield* evaluate(row(all), level(k + 1, scaleTime))).denoised];
        return { x: row(whole), all: whole, scaleTime };
      },
    }),
  };
};

/** Noise levels that a steered table is solved at, from that of its noise down to another: one for each evaluation. */
export const tableLevels = ({ sigmas }: SamplerTable, sigmaMax: number, sigmaMin: number): number[] =>
  sigmas.map((_, k) => sigmaMax * (sigmaMin / sigmaMax) ** (k / (sigmas.length - 1)));
