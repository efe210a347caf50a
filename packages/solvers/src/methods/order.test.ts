import { sigmas } from '@fewstep/schedules';
import { describe, expect, it } from 'vitest';
import { solveSync } from '../drive/solve.js';
import type { Evaluation, Request, Solver, SolverState } from '../solver.js';
import {
  denoiser,
  fixed,
  gaussian,
  plainMethods,
  steeredMethods,
  stepFrom,
  worst,
} from './analytic.test.helpers.js';
import { deis } from './deis.js';
import { dpmpp } from './dpmpp.js';
import { heun } from './heun.js';
import { ipndm } from './ipndm.js';
import { ipndmV } from './ipndm-v.js';
import { unipc } from './unipc.js';

const { at, flow } = gaussian(0.2, 0.5);
const start = Float64Array.of(-1.1, 0.4, 0.9);
const denoise = denoiser(at);

/** How fast errors fall when a step is halved: log₂ of their ratio. */
const orderOf = (coarse: number, fine: number) => Math.log2(coarse / fine);

describe('order on a Gaussian, whose flow is known', () => {
  const range = { sigmaMin: 0.3, sigmaMax: 2 };
  const errorOf = (solver: Solver<SolverState>, numSteps: number) => {
    const grid = sigmas({ type: 'polynomial', rho: 7 }, { ...range, numSteps });
    const exact = start.map((x) => flow(x, range.sigmaMax, range.sigmaMin));
    return worst(solveSync({ solver, x: start, n: 1, sigmas: grid, denoise }).x, exact);
  };

  it.each([...plainMethods, ...steeredMethods(fixed(0.5))])(
    '$label has the order that it states',
    ({ solver }) => {
      const measured = orderOf(errorOf(solver, 641), errorOf(solver, 1281));
      expect(Math.abs(measured - solver.order), `measured ${measured}`).toBeLessThan(0.1);
    },
  );
});

// In two dimensions at ±(2, 2), deviation 0.5: far beyond −1…1, where nothing may be clipped unasked.
it.each([
  ['dpmpp', dpmpp()],
  ['unipc', unipc()],
])('%s is of order 2 by default, wherever the data are', (_, solver) => {
  const mixture = ({ x: at, sigma }: Request): Evaluation => {
    const variance = 0.25 + (sigma as number) ** 2;
    const mean = 2 * Math.tanh((2 * (at[0]! + at[1]!)) / variance);
    return { denoised: at.map((value) => (0.25 * value + (sigma as number) ** 2 * mean) / variance) };
  };
  const from = Float64Array.of(3.1, -1.2);
  const end = (method: Solver, numSteps: number) => {
    const grid = sigmas({ type: 'logsnr' }, { sigmaMin: 0.1, sigmaMax: 10, numSteps });
    return solveSync({ solver: method, x: from, n: 1, sigmas: grid, denoise: mixture }).x;
  };
  const exact = end(heun as Solver, 12_801);
  const [coarse, fine] = [401, 801].map((steps) => worst(end(solver as Solver, steps), exact));
  const measured = orderOf(coarse!, fine!);
  expect(Math.abs(measured - 2), `measured ${measured}`).toBeLessThan(0.1);
  expect(fine).toBeLessThan(1e-4);
});

describe('local order, from an exact history', () => {
  const sigma = 0.8;
  const from = (level: number) => start.map((x) => flow(x, sigma, level));
  const slope = (level: number) => from(level).map((x) => (x - at(x, level)) / level);
  const model = (level: number) => from(level).map((x) => at(x, level));
  // Of a high order, the error of a short step is lost in rounding.
  const localOrder = (error: (h: number) => number, h = 0.002) => orderOf(error(h), error(h / 2));

  // Steps of unequal length in λ: with equal ones an inverted step ratio would go unseen.
  it.each([
    [1, 2],
    [2, 3],
    // Exact in value and slope; the curvature counts half of what it should, as in the published code.
    [3, 3],
  ])('dpmpp of order %d errs by h^%d in a step', (maxOrder, expected) => {
    for (const predictX0 of [true, false]) {
      const solver = dpmpp({ maxOrder, predictX0, lowerOrderFinal: false });
      const measured = localOrder((h) => {
        const points = [sigma * Math.exp(0.6 * h), sigma * Math.exp(1.9 * h)]
          .slice(0, maxOrder - 1)
          .map((level) => ({ model: predictX0 ? model(level) : slope(level), sigma: level }));
        const next = sigma * Math.exp(-h);
        const state = stepFrom(solver, { x: start, n: 1, points }, [sigma, next], denoise);
        return worst(state.x, from(next));
      });
      expect(Math.abs(measured - expected), `measured ${measured}`).toBeLessThan(0.1);
    }
  });

  it.each([1, 2, 3, 4])('ipndm of order %d errs by one power more in a step of an even grid', (maxOrder) => {
    const solver = ipndm({ maxOrder });
    const measured = localOrder((h) => {
      const slopes = [1, 2, 3].slice(0, maxOrder - 1).map((k) => slope(sigma + k * h));
      const state = stepFrom(solver, { x: start, slopes }, [sigma, sigma - h], denoise);
      return worst(state.x, from(sigma - h));
    });
    expect(Math.abs(measured - maxOrder - 1), `measured ${measured}`).toBeLessThan(0.1);
  });

  // Steps of unequal length, so that the weights of another grid would show.
  it.each(
    [1, 2, 3, 4].flatMap((maxOrder) => [
      [`ipndm_v of order ${maxOrder}`, maxOrder, ipndmV({ maxOrder })] as const,
      [`deis tab of order ${maxOrder}`, maxOrder, deis({ maxOrder })] as const,
      [
        `deis tab of order ${maxOrder}, narrow`,
        maxOrder,
        deis({ maxOrder, sigmaMin: 0.3, sigmaMax: 2 }),
      ] as const,
      [`deis rhoab of order ${maxOrder}`, maxOrder, deis({ maxOrder, deisMode: 'rhoab' })] as const,
    ]),
  )('%s errs by one power more in a step', (_, maxOrder, solver) => {
    const measured = localOrder((h) => {
      const levels = [0.7, 2, 2.6].map((k) => sigma + k * h).slice(0, maxOrder - 1);
      const points = levels.map((level) => ({ slope: slope(level), sigma: level }));
      const state = stepFrom(solver, { x: start, points }, [sigma, sigma - h], denoise);
      return worst(state.x, from(sigma - h));
    }, 0.01);
    expect(Math.abs(measured - maxOrder - 1), `measured ${measured}`).toBeLessThan(0.1);
  });

  it.each(
    [1, 2, 3].flatMap((maxOrder) =>
      (['bh1', 'bh2'] as const).flatMap((variant) =>
        [true, false].map((predictX0) => [maxOrder, variant, predictX0] as const),
      ),
    ),
  )(
    'unipc of order %d, %s, predict_x0 %s errs by one power more in a step, by two if it is corrected',
    (maxOrder, variant, predictX0) => {
      const solver = unipc({ maxOrder, variant, predictX0, lowerOrderFinal: false });
      const measured = [1, 2].map((remaining) =>
        localOrder((h) => {
          const points = [0, 0.6, 1.9]
            .map((k) => sigma * Math.exp(k * h))
            .slice(0, maxOrder)
            .map((level) => ({ model: predictX0 ? model(level) : slope(level), sigma: level }));
          const next = sigma * Math.exp(-h);
          const state = stepFrom(solver, { x: start, n: 1, points }, [sigma, next], denoise, remaining);
          return worst(state.x, from(next));
        }, 0.01),
      );
      expect(Math.abs(measured[0]! - maxOrder - 1), `predicted: measured ${measured[0]}`).toBeLessThan(0.1);
      expect(Math.abs(measured[1]! - maxOrder - 2), `corrected: measured ${measured[1]}`).toBeLessThan(0.1);
    },
  );

  it.each(
    [...plainMethods, ...steeredMethods(fixed([0.4, 0.5, 0.6]))].filter(({ singleStep }) => singleStep),
  )('$label errs by one power more than its order in a step, at any r', ({ label, solver }) => {
    const steps = (h: number) => {
      const next = sigma - h;
      const state = stepFrom(solver, solver.init(start, 3), [sigma, next], denoiser(at, 3));
      return worst(state.x, from(next));
    };
    // AMED takes one slope for the whole interval, which is of second order for r = ½ only.
    const order = label === 'student amed' ? 1 : solver.order;
    const measured = localOrder(steps);
    expect(Math.abs(measured - order - 1), `measured ${measured}`).toBeLessThan(0.1);
  });
});
