import { integer } from '@fewstep/schedules';
import { evaluate } from '../drive/evaluate.js';
import { combine, slopeAt } from '../math/vector.js';
import { type IpndmState, ipndmAdvance } from '../methods/ipndm.js';
import { around, between, type Range } from '../output.js';
import type { Solver } from '../solver.js';
import { middleOf, placementChoices } from '../students/placement.js';
import { compileLinear } from '../table/compile.js';
import { generator, type Parameter, type TableFamily } from './generator.js';
import { stepOf } from './levels.js';

/** A point that a step asks at, and what its slope counts for. */
interface Point {
  /** Its place: σ_(k+1)^r · σ_k^(1 − r). */
  readonly r: number;
  /** Of all points of a step they add up to 1. */
  readonly weight: number;
  /** Of its slope, and of the noise level that the network is told there. */
  readonly scaleDir: number;
  readonly scaleTime: number;
}

const place = between(0, 1);
/** Of the weights, whose logarithms are free. */
const WEIGHT_STEP = 0.05;

/**
 * EPD-Solver: from the slope at the beginning of a step to several points inside, all at once, and their slopes weighted for
 * the whole step; EPD-Plugin where slopes of steps before lead there too (`history`).
 *
 * 1 + K evaluations per interval, of which K don't wait for each other: `depthOf` counts 2.
 *
 * - Parameters: for each interval 4K − 1: K places, K − 1 weights (their sum is 1), and of K slopes and K noise levels told
 *   a scale, where it may leave 1. It reads nothing of the start but its noise levels, and begins with a point amid each of
 *   K parts of the interval alike in log σ, weighted by the part's width in σ, all scales 1.
 * - A scale of time is told and divides nothing, as in AMED.
 * - Source: Zhu et al., arXiv:2507.14797. There K logarithms stand for K − 1 weights, and numbers begin at random.
 */
export const epdGenerator = generator({
  name: 'epd',
  description: 'places, weights and scales of points that are asked at once, in each interval',
  options: {
    points: integer(1, 8, 2, 'Points inside an interval that are asked at once.'),
    scale_dir: { ...placementChoices.scale_dir, default: 0.05 },
    scale_time: { ...placementChoices.scale_time, default: 0.05 },
    history: integer(
      1,
      4,
      1,
      'Slopes that lead to the points: 1 is EPD-Solver, more with those of intervals before, as iPNDM weights them, EPD-Plugin.',
    ),
  },
  evaluations: ({ points }) => 1 + points,
  make({ points: count, scale_dir, scale_time, history }, start): TableFamily {
    const { sigmas } = start;
    const intervals = sigmas.length - 1;
    const scales = { dir: reaching(scale_dir), time: reaching(scale_time) };
    const parameters = Array.from({ length: intervals }, (_, n) => {
      const span = Math.log(sigmas[n]! / sigmas[n + 1]!);
      const widths = Array.from(
        { length: count },
        (_, j) => Math.exp(-span * (j / count)) - Math.exp(-span * ((j + 1) / count)),
      );
      const at = (name: string, j: number, start: number, step: number): Parameter => ({
        name: `${name} ${n},${j}`,
        start,
        step,
      });
      return widths.flatMap((width, j) => {
        const r = place.inverse((2 * j + 1) / (2 * count));
        const scale = (name: string, range: Range | undefined) =>
          range ? [at(name, j, 0, stepOf(range.slope(0)))] : [];
        return [
          at('r', j, r, stepOf(span * place.slope(r))),
          // against that of the first
          ...(j > 0 ? [at('weight', j, Math.log(width / widths[0]!), WEIGHT_STEP)] : []),
          ...scale('scale_dir', scales.dir),
          ...scale('scale_time', scales.time),
        ];
      });
    }).flat();
    return {
      parameters,
      table(values) {
        let next = 0;
        const take = () => values[next++]!;
        const steps = Array.from({ length: intervals }, () => {
          const points = Array.from({ length: count }, (_, j) => ({
            r: place.at(take()),
            logit: j > 0 ? take() : 0,
            scaleDir: scales.dir?.at(take()) ?? 1,
            scaleTime: scales.time?.at(take()) ?? 1,
          }));
          const most = Math.max(...points.map(({ logit }) => logit));
          const shares = points.map(({ logit }) => Math.exp(logit - most));
          const all = shares.reduce((sum, share) => sum + share);
          return points.map((point, j) => ({ ...point, weight: shares[j]! / all }));
        });
        return compileLinear({ ...start, solver: parallel(steps, history) });
      },
    };
  },
});

const reaching = (reach: number) => (reach > 0 ? around(1, reach) : undefined);

const parallel = (steps: readonly (readonly Point[])[], history: number): Solver<IpndmState> => ({
  name: 'epd',
  order: 0,
  init: (x) => ({ x, slopes: [] }),
  *step(state, sigma, sigmaNext, remaining) {
    const { x } = state;
    const slope = slopeAt(x, (yield* evaluate(x, sigma)).denoised, sigma);
    const terms = [];
    for (const { r, weight, scaleDir, scaleTime } of steps[steps.length - remaining]!) {
      const sigmaMid = middleOf(r, sigma, sigmaNext);
      const middle = ipndmAdvance(state, slope, sigma, sigmaMid, history).x;
      const { denoised } = yield* evaluate(middle, scaleTime * sigmaMid);
      terms.push([weight * scaleDir * (sigmaNext - sigma), slopeAt(middle, denoised, sigmaMid)] as const);
    }
    return { x: combine([1, x], ...terms), slopes: [slope, ...state.slopes].slice(0, history - 1) };
  },
});
