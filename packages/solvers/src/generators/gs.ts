import { evaluate } from '../drive/evaluate.js';
import { combine } from '../math/vector.js';
import { dpmppUpdate } from '../methods/dpmpp-update.js';
import type { Solver, Vector } from '../solver.js';
import { compileLinear } from '../table/compile.js';
import { generator, type Parameter, type TableFamily } from './generator.js';
import { freeLevels } from './levels.js';
import { ENTRY_STEP, LAST_STEP, SIGMA_STEP } from './table.js';

/** What is free in one interval. */
interface Offsets {
  /** log σ' − log σ of the level that the network is told. */
  readonly told: number;
  /** Added to the weights of the states so far, newest first. */
  readonly states: readonly number[];
  /** Added to the weights of the answers so far, newest first, the second and third as differences. */
  readonly answers: readonly number[];
}

/**
 * A Generalized Solver (GS): DPM-Solver++(3M) under free noise levels, and to each of its weights an offset that is learned,
 * to those of every state and every answer before, too. All in variance-preserving coordinates w = x/√(1 + σ²).
 *
 * One evaluation per interval, at a noise level of its own: what is shown and the answer are scaled as of that level.
 *
 * - Parameters, N intervals: N(N + 1) offsets, N − 1 levels, N told (one less under the analytical first step). It begins
 *   at `dpmpp` of order 3 that doesn't lower its order in the last steps, on the start's noise levels, and reads nothing
 *   else of the start.
 * - Source: the Generalized Solver of GAS, arXiv:2510.17699. There levels and what is told are in the time of the process,
 *   and levels are broken off from its end; here both are in log σ, and from σ_max, which reaches the same.
 */
export const gsGenerator = generator({
  name: 'gs',
  description:
    'the noise levels, those that the network is told, and offsets to all weights of DPM-Solver++(3M)',
  options: {},
  evaluations: () => 1,
  make(_, start): TableFamily {
    const { sigmas, afs = false } = start;
    const { parameters: free, levels } = freeLevels(sigmas);
    const intervals = sigmas.length - 1;
    const offsets = Array.from({ length: intervals }, (_, n): Parameter[] => {
      const next = sigmas[n + 1]!;
      const step = n === intervals - 1 ? LAST_STEP : (ENTRY_STEP * next) / Math.hypot(1, next);
      const each = (name: string) =>
        Array.from({ length: n + 1 }, (_, i) => ({ name: `${name} ${n},${i}`, start: 0, step }));
      return [
        ...(isTold(n, afs) ? [{ name: `told ${n}`, start: 0, step: SIGMA_STEP }] : []),
        ...each('a'),
        ...each('c'),
      ];
    });
    return {
      parameters: [...free, ...offsets.flat()],
      table(values) {
        let at = free.length;
        const take = (count: number) => Array.from({ length: count }, () => values[at++]!);
        const all = offsets.map((_, n) => ({
          told: isTold(n, afs) ? take(1)[0]! : 0,
          states: take(n + 1),
          answers: take(n + 1),
        }));
        return compileLinear({ ...start, solver: generalized(all), sigmas: levels(values) });
      },
    };
  },
});

/** The analytical first step is told nothing. */
const isTold = (interval: number, afs: boolean) => !(afs && interval === 0);

/** An answer as the image that it stands for, and the level of its state. */
interface Answer {
  readonly model: Vector;
  readonly sigma: number;
}

interface GsState {
  readonly x: Vector;
  /** States and answers so far, newest first. */
  readonly states: readonly Vector[];
  readonly answers: readonly Answer[];
}

/** What data are scaled by in variance-preserving coordinates. */
const alpha = (sigma: number) => 1 / Math.hypot(1, sigma);

const generalized = (offsets: readonly Offsets[]): Solver<GsState> => ({
  name: 'gs',
  order: 0,
  init: (x) => ({ x, states: [], answers: [] }),
  *step({ x, ...before }, sigma, sigmaNext) {
    const own = offsets[before.answers.length]!;
    const asked = sigma * Math.exp(own.told);
    const scale = alpha(sigma) / alpha(asked);
    const { denoised } = yield* evaluate(combine([scale, x]), asked);
    // the noise as the network finds it at the level told, taken off as of the state's own
    const model = combine([1 - (sigma / asked) * scale, x], [sigma / asked, denoised]);
    const answers = [{ model, sigma }, ...before.answers];
    const states = [combine([alpha(sigma), x]), ...before.states];
    const back = 1 / alpha(sigmaNext);
    return {
      x: combine(
        [1, dpmppUpdate(x, answers.slice(0, 3), sigmaNext, true)],
        ...states.map((state, i) => [back * own.states[i]!, state] as const),
        ...offsetWeights(own.answers, answers, sigmaNext).map(
          (weight, i) => [back * weight, answers[i]!.model] as const,
        ),
      ),
      states,
      answers,
    };
  },
});

/**
 * What offsets c add to the weight of each answer m, newest first, with the ratios r₀ and r₁ of the steps before in λ and
 * d₀ = (m₀ − m₁)/r₀, d₁ = (m₁ − m₂)/r₁:
 *
 * - of one: −c₀m₀; of two: −c₀m₀ − c₁d₀
 * - of more: −c₀m₀ + c₁(d₀ + r₀/(r₀ + r₁)·(d₀ − d₁)) − c₂(d₀ − d₁)/(r₀ + r₁) + Σ_(i≥3) c_i m_i
 */
function offsetWeights(c: readonly number[], answers: readonly Answer[], sigmaNext: number): number[] {
  const [s0, s1, s2] = answers.map(({ sigma }) => sigma);
  const h = Math.log(s0! / sigmaNext);
  const [c0, c1, c2, ...others] = c;
  if (s1 === undefined) return [-c0!];
  const r0 = Math.log(s1 / s0!) / h;
  if (s2 === undefined) return [-c0! - c1! / r0, c1! / r0];
  const r1 = Math.log(s2 / s1) / h;
  const bent = (c1! * r0 - c2!) / (r0 + r1);
  const [ofD0, ofD1] = [c1! + bent, -bent];
  return [-c0! + ofD0 / r0, ofD1 / r1 - ofD0 / r0, -ofD1 / r1, ...others];
}
