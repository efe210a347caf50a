import type { FitRound, Iteration } from '@fewstep/solvers';

/** How a training went, an entry for each line of its log; null where a line doesn't say. */
export interface Curves {
  readonly by: 'calls';
  /** Samples that the network had been asked for. */
  readonly x: readonly number[];
  /** What was minimised: of a predictor its loss, of a table the root mean square on what it is fitted to. */
  readonly loss: readonly (number | null)[];
  /** The same on seeds that nothing is trained on, of a predictor after each step; left out where there were none. */
  readonly validation?: readonly (number | null)[];
  /** What the predictor decided in each interval, from 0: the mean over the batch of each number of each output. */
  readonly outputs: readonly {
    readonly name: string;
    readonly interval: number;
    readonly values: readonly (number | null)[];
  }[];
}

/** Of the log of a predictor's training, `stats.jsonl`. */
export function curvesOfPredictor(stats: string): Curves {
  const lines = linesOf<Iteration>(stats);
  const outputs = (lines[0]?.intervals ?? []).flatMap(({ outputs }, interval) =>
    Object.entries(outputs).flatMap(([output, { mean }]) =>
      mean.map((_, at) => ({
        name: mean.length > 1 ? `${output} ${at + 1}` : output,
        interval,
        values: lines.map(({ intervals }) => intervals[interval]?.outputs[output]?.mean[at] ?? null),
      })),
    ),
  );
  return curves(
    lines,
    ({ loss }) => loss,
    (line) => line.validation_loss,
    outputs,
  );
}

/** Of the log of a table's fit, `log.jsonl`. */
export const curvesOfFit = (log: string): Curves =>
  curves(
    linesOf<FitRound>(log),
    ({ train }) => train,
    ({ validation }) => validation,
    [],
  );

function curves<L extends { readonly calls: number }>(
  lines: readonly L[],
  loss: (line: L) => number,
  validation: (line: L) => number | undefined,
  outputs: Curves['outputs'],
): Curves {
  const validated = lines.map((line) => validation(line) ?? null);
  return {
    by: 'calls',
    x: lines.map(({ calls }) => calls),
    loss: lines.map((line) => loss(line) ?? null),
    ...(validated.some((value) => value !== null) && { validation: validated }),
    outputs,
  };
}

const linesOf = <L>(text: string): L[] =>
  text.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as L]));
