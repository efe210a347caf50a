import type { Options, OptionValues } from '@fewstep/schedules';
import type { SteeredMethod } from '../method.js';
import type { Output } from '../output.js';
import { BOTTLENECK_SIZE, type Predict } from '../solver.js';
import { compileLinear } from '../table/compile.js';
import type { Start, TableFamily } from './generator.js';
import { stepOf } from './levels.js';

/** What a steered student begins from: its own noise levels, and those between. */
interface SteeredStart extends Omit<Start, 'solver' | 'shape'> {
  /** A noise level in each interval, of a schedule twice as fine; in the middle of log σ where there are none. */
  readonly middles?: ArrayLike<number>;
}

/**
 * A student without a predictor: what one would decide of each sample, once for all of them in each interval, as a table.
 *
 * - Parameters: for each interval those of the student's outputs, as numbers that know no bounds. It begins where the
 *   outputs say: r so that the student is the plain solver on the schedule and its middles, all scales 1.
 * - What is trained so is the whole of AMED-Solver (arXiv:2312.00094) but its dependence on the sample.
 */
export function steeredFamily<O extends Options>(
  { outputs: declared, make }: Pick<SteeredMethod<string, O>, 'outputs' | 'make'>,
  options: OptionValues<O>,
  { middles, ...start }: SteeredStart,
): TableFamily {
  const student = make(options);
  const outputs = declared(options);
  const sigmas = Array.from(start.sigmas);
  const decided = sigmas.slice(1).flatMap((sigmaNext, k) => {
    const sigma = sigmas[k]!;
    const span = { sigma, middle: middles?.[k] ?? Math.sqrt(sigma * sigmaNext), sigmaNext };
    return outputs.flatMap((output) =>
      Array.from({ length: output.count }, (_, index) => {
        const z = output.range.inverse(output.start(span, index));
        const name = `${output.name} ${k}${output.count > 1 ? `,${index}` : ''}`;
        return { name, start: z, step: stepOf(output.range.slope(z)) };
      }),
    );
  });
  return {
    parameters: decided,
    table: (values) => compileLinear({ ...start, solver: student.steered(alike(outputs, sigmas, values)) }),
  };
}

/** A predictor that decides the same for every sample, by the level that an interval begins at. */
function alike(outputs: readonly Output[], sigmas: readonly number[], values: ArrayLike<number>): Predict {
  const each = outputs.reduce((sum, { count }) => sum + count, 0);
  return (bottleneck, sigma) => {
    const n = bottleneck.length / BOTTLENECK_SIZE;
    let at = sigmas.indexOf(sigma) * each;
    return Object.fromEntries(
      outputs.map(({ name, count, range }) => {
        const decided = Array.from({ length: count }, () => range.at(values[at++]!));
        return [name, Float64Array.from({ length: n * count }, (_, i) => decided[i % count]!)];
      }),
    );
  };
}
