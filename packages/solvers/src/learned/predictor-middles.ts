import type { Span } from '../output.js';
import { embedLevels, layerOf, type Predictor, type Weight } from './predictor.js';
import { trainingFault } from './predictor-error.js';

/** Holds the output layer's weights small where levels are hard to tell apart, as a part of the mean square of what it reads. */
const ridge = 0.01;

/**
 * A predictor whose output layers begin anew: each output is where it says that it starts, whatever the bottleneck.
 *
 * So a student that it steers is the plain solver on the timestamps and the middles together, and training begins there.
 *
 * - `sigmas`: noise levels of the timestamps, descending [num_steps]; `middles`: one between each two [num_steps − 1].
 * - What an output's layer gives (of r: its logits) is a linear function of what it reads of the two levels, that of
 *   least squares with a ridge of 1 %. Middles of some ten intervals are met within 0.01 of r on polynomial grids, more
 *   loosely where many levels lie near each other.
 *
 * - Why training begins there: docs/loss-weight.md.
 *
 * @throws PredictorError (E_TRAINING) if there isn't one middle between each two timestamps
 */
export function withMiddles(
  predictor: Predictor,
  sigmas: ArrayLike<number>,
  middles: ArrayLike<number>,
): Predictor {
  if (middles.length !== sigmas.length - 1)
    throw trainingFault(
      `there is one middle time between each two timestamps; found ${middles.length} for ${sigmas.length} timestamps. Take every second level of a schedule with 2 · num_steps − 1 steps.`,
      { middles: middles.length, levels: sigmas.length },
    );
  const spans = Array.from(middles, (middle, k): Span => {
    const [sigma, sigmaNext] = [sigmas[k]!, sigmas[k + 1]!];
    if (!(sigma > middle && middle > sigmaNext))
      throw trainingFault(
        `a middle time lies between its timestamps; found ${middle} from ${sigma} to ${sigmaNext}. Take every second level of a schedule with 2 · num_steps − 1 steps.`,
        { interval: k, found: middle },
      );
    return { sigma, middle, sigmaNext };
  });
  const read = spans.map(({ sigma, sigmaNext }) => embedLevels(predictor, sigma, sigmaNext));
  const weights: Record<string, Weight> = { ...predictor.weights };
  for (const output of predictor.outputs) {
    const layer = layerOf(output);
    const { shape, data } = weights[`${layer}.weight`]!;
    const [matrix, bias] = [new Float32Array(data.length), new Float32Array(output.count)];
    for (let index = 0; index < output.count; index++) {
      const wanted = spans.map((span) => output.range.inverse(output.start(span, index)));
      const { slope, offset } = leastSquares(read, wanted);
      matrix.set(slope, (index + 1) * (data.length / output.count) - slope.length);
      bias[index] = offset;
    }
    weights[`${layer}.weight`] = { shape, data: matrix };
    weights[`${layer}.bias`] = { shape: [output.count], data: bias };
  }
  return { ...predictor, weights };
}

/** The linear function nearest to `values` at `points`, with a ridge on its slope. */
function leastSquares(
  points: readonly (readonly number[])[],
  values: readonly number[],
): { slope: number[]; offset: number } {
  const centre = points[0]!.map((_, i) => mean(points.map((point) => point[i]!)));
  const centred = points.map((point) => point.map((value, i) => value - centre[i]!));
  const middle = mean(values);
  const products = centred.map((x) => centred.map((y) => dot(x, y)));
  const held = ridge * mean(products.map((row, k) => row[k]!)) + Number.EPSILON;
  const shares = eliminate(
    products.map((row, k) => row.map((value, j) => value + (j === k ? held : 0))),
    values.map((value) => value - middle),
  );
  const slope = centre.map((_, i) =>
    dot(
      shares,
      centred.map((point) => point[i]!),
    ),
  );
  return { slope, offset: middle - dot(slope, centre) };
}

/** Solves A x = b for A symmetric and positive. */
function eliminate(a: readonly (readonly number[])[], b: readonly number[]): number[] {
  const rows = a.map((row, k) => [...row, b[k]!]);
  for (const [k, pivot] of rows.entries())
    for (const [j, row] of rows.entries())
      if (j !== k) {
        const factor = row[k]! / pivot[k]!;
        for (let i = k; i < row.length; i++) row[i]! -= factor * pivot[i]!;
      }
  return rows.map((row, k) => row.at(-1)! / row[k]!);
}

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
const dot = (x: readonly number[], y: readonly number[]) =>
  x.reduce((sum, value, i) => sum + value * y[i]!, 0);
