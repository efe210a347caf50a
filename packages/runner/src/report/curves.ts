import type { CurvesData } from '@fewstep/report';
import type { FitRound, Iteration } from '@fewstep/solvers';

/** Of the log of a predictor's training, `stats.jsonl`. */
export function curvesOfPredictor(stats: string): CurvesData {
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
export const curvesOfFit = (log: string): CurvesData =>
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
  outputs: CurvesData['outputs'],
): CurvesData {
  const validated = lines.map((line) => validation(line) ?? null);
  return {
    x: lines.map(({ calls }) => calls),
    loss: lines.map((line) => loss(line) ?? null),
    ...(validated.some((value) => value !== null) && { validation: validated }),
    outputs,
  };
}

const linesOf = <L>(text: string): L[] =>
  text.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as L]));
