import { describe, expect, it } from 'vitest';
import { solveSync } from '../drive/solve.js';
import { slopeAt } from '../math/vector.js';
import { denoiser, twoClusters } from '../methods/analytic.test.helpers.js';
import { dpmpp, dpmppAdvance } from '../methods/dpmpp.js';
import { eulerUpdate } from '../methods/euler.js';
import { ipndmAdvance } from '../methods/ipndm.js';
import type { Student, Vector } from '../solver.js';
import { dpmppStudent } from '../students/dpmpp.js';
import { eulerStudent } from '../students/euler.js';
import { ipndmStudent } from '../students/ipndm.js';
import { placement } from '../students/placement.js';
import { predict } from './predictor.js';
import { initPredictor } from './predictor-init.js';
import { fixedSteps, readingZeros, steeringsOfZeros } from './zero-bottleneck.js';

const n = 2;
const sigmas = [14.6, 3, 0.8, 0.03];
const x: Vector = Float64Array.of(9, -12, 20, 3, -7, -1);
const denoise = denoiser(twoClusters, n);
const of = (reach: { scale_dir?: number; scale_time?: number }) => {
  const predictor = initPredictor({ seed: 4, outputs: placement(reach) });
  return { predictor, steps: fixedSteps(sigmas, steeringsOfZeros(predictor, sigmas)) };
};
const { predictor, steps } = of({ scale_dir: 0.05, scale_time: 0.2 });

type Advance<S> = (state: S, denoised: Vector, at: Vector, to: Vector, remaining: number, scale: number) => S;

/** One step of a method after the other, along the list and with its scales. */
function along<S extends { readonly x: Vector }>(start: S, advance: Advance<S>): Vector {
  let state = start;
  const level = (sigma: number) => new Float64Array(n).fill(sigma);
  const { sigmas: levels, scaleDirs, scaleTimes } = steps;
  for (let i = 0; i + 1 < levels.length; i++) {
    const [at, to] = [level(levels[i]!), level(levels[i + 1]!)];
    const { denoised } = denoise({ x: state.x, sigma: level(levels[i]! * scaleTimes[i]!) });
    state = advance(state, denoised, at, to, levels.length - 1 - i, scaleDirs[i]!);
  }
  return state.x;
}

const solved = (student: Student) =>
  solveSync({ solver: student.steered(readingZeros(predict(predictor))), x, n, sigmas, denoise }).x;

describe('a predictor that reads zeros', () => {
  it('is the plain method along its list, with its scales', () => {
    const options = { maxOrder: 2, predictX0: false };
    const expected: [Student, Vector][] = [
      [
        eulerStudent,
        along({ x }, ({ x }, denoised, at, to, _, scale) => ({
          x: eulerUpdate(x, slopeAt(x, denoised, at), at, to, scale),
        })),
      ],
      [
        ipndmStudent({ maxOrder: 3 }),
        along({ x, slopes: [] as readonly Vector[] }, (state, denoised, at, to, _, scale) =>
          ipndmAdvance(state, slopeAt(state.x, denoised, at), at, to, 3, scale),
        ),
      ],
      [
        dpmppStudent(options),
        along(dpmpp(options).init(x, n), (state, denoised, at, to, remaining, scale) =>
          dpmppAdvance(state, denoised, at, to, remaining, options, scale),
        ),
      ],
    ];
    for (const [student, end] of expected) {
      solved(student).forEach((value, i) => {
        expect(value).toBeCloseTo(end[i]!, 12);
      });
      const seeing = solveSync({ solver: student.steered(predict(predictor)), x, n, sigmas, denoise }).x;
      expect(Math.max(...seeing.map((value, i) => Math.abs(value - end[i]!)))).toBeGreaterThan(1e-6);
    }
  });

  it('lists timestamps unscaled, and between them what the network’s answer is for zeros', () => {
    const { sigmas: levels, scaleDirs, scaleTimes } = steps;
    expect(levels.filter((_, i) => i % 2 === 0)).toEqual(Float64Array.from(sigmas));
    expect([0, 2, 4, 6].flatMap((i) => [scaleDirs[i], scaleTimes[i]])).toEqual(Array(8).fill(1));
    for (const k of [0, 1, 2]) {
      const { r, scale_dir, scale_time } = predict(predictor)(
        new Float64Array(64),
        sigmas[k]!,
        sigmas[k + 1]!,
      );
      const [from, to] = [Math.log(sigmas[k]!), Math.log(sigmas[k + 1]!)];
      expect(Math.log(levels[2 * k + 1]!)).toBeCloseTo(from + r![0]! * (to - from), 12);
      expect([scaleDirs[2 * k + 1], scaleTimes[2 * k + 1]]).toEqual([scale_dir![0], scale_time![0]]);
    }
    const bare = of({}).steps;
    expect([...bare.scaleDirs, ...bare.scaleTimes]).toEqual(Array(14).fill(1));
  });
});
