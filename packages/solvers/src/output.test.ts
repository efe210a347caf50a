import { describe, expect, it } from 'vitest';
import { evaluate } from './drive/evaluate.js';
import { predict } from './learned/predictor.js';
import { initPredictor } from './learned/predictor-init.js';
import { withMiddles } from './learned/predictor-middles.js';
import { trainer } from './learned/predictor-trainer.js';
import { trainEndToEnd } from './learned/train-end-to-end.js';
import { trainStep } from './learned/train-step.js';
import { drawTrajectory, endSlopes } from './learned/training-trajectory.js';
import { axpy, combine, slopeAt } from './math/vector.js';
import { trainingBatch } from './methods/analytic.test.helpers.js';
import { around, between, free, type Output } from './output.js';
import type { Steering, Student, Vector } from './solver.js';
import { opening } from './students/opening.js';
import { placement } from './students/placement.js';

describe.each([
  ['between', between(2, 5), [2.001, 3, 4.9]],
  ['around', around(1, 0.2), [0.81, 1, 1.19]],
  ['free', free(2, 4), [-7, 0, 30]],
])('%s', (_, range, values) => {
  it('is inverted, and has the slope that differences have', () => {
    for (const value of values) {
      const z = range.inverse(value);
      expect(range.at(z)).toBeCloseTo(value, 12);
      expect(range.slope(z)).toBeCloseTo((range.at(z + 1e-5) - range.at(z - 1e-5)) / 2e-5, 8);
    }
  });
});

it('ranges have ends that are inverted to something finite, and differences that fit them', () => {
  for (const [range, ends] of [
    [between(2, 5), [2, 5]],
    [around(1, 0.2), [0.8, 1.2]],
  ] as const)
    for (const end of ends) expect(Number.isFinite(range.inverse(end))).toBe(true);
  expect(between(0, 1).step(0.001, 3e-3)).toBe(0.0005);
  expect(between(0, 1).step(0.5, 3e-3)).toBe(3e-3);
  expect(around(1, 0.001).step(1, 3e-3)).toBe(3e-3);
  expect(free(2, 4).step(9, 3e-3)).toBe(0.012);
});

it('placement has the scales that may leave 1, and refuses a reach that is none', () => {
  const names = (reach: Parameters<typeof placement>[0]) => placement(reach).map(({ name }) => name);
  expect(names({ scale_dir: 0, scale_time: 0.2 })).toEqual(['r', 'scale_time']);
  expect(names({ scale_dir: 0.01, scale_time: 0 })).toEqual(['r', 'scale_dir']);
  expect(names({ scale_dir: 1 })).toEqual(['r', 'scale_dir']);
  // a noise level that is told as 0 is none
  expect(() => placement({ scale_time: 1 })).toThrow(expect.objectContaining({ code: 'E_SOLVER' }));
  for (const found of [-0.01, 1.5, Number.NaN])
    expect(() => placement({ scale_dir: found })).toThrow(
      expect.objectContaining({ code: 'E_SOLVER', message: expect.stringContaining(`found ${found}`) }),
    );
});

/** Two points in each interval, asked at side by side, whose slopes are weighed: other outputs than AMED's. */
const parallel: Student<{ readonly x: Vector }> = {
  name: 'parallel',
  singleStep: true,
  steered: (ask) => ({
    name: 'parallel',
    order: 1,
    init: (x) => ({ x }),
    *step({ x }, sigma, sigmaNext) {
      const { denoised, steering } = yield* opening(ask, x, sigma, sigmaNext);
      const slope = slopeAt(x, denoised, sigma);
      const [places, weights] = [steering.places!, steering.weights!];
      let end = x;
      for (const at of [0, 1]) {
        const each = (values: Vector) => values.filter((_, i) => i % 2 === at);
        const level = each(places).map((share) => sigma + share * (sigmaNext - sigma));
        const point = axpy(
          level.map((value) => value - sigma),
          slope,
          x,
        );
        const there = slopeAt(point, (yield* evaluate(point, level)).denoised, level);
        end = axpy(
          each(weights).map((weight) => weight * (sigmaNext - sigma)),
          there,
          end,
        );
      }
      return { x: end };
    },
  }),
};
const outputs: readonly Output[] = [
  { name: 'places', count: 2, range: between(0, 1), moves: true, start: (_, index) => [0.2, 0.7][index]! },
  { name: 'weights', count: 2, range: free(0.5, 0.1), moves: false, start: () => 0.5 },
];

describe('a student of other outputs', () => {
  const [n, size] = [4, 3];
  const { sigmas, denoise, start, teacher } = trainingBatch(n, size);
  const predictor = withMiddles(initPredictor({ seed: 1, outputs }), sigmas, [20, 2, 0.1]);
  const route = { student: parallel, n, sigmas, denoise };
  const train = { ...route, teacher, trainer: trainer({ predictor, lr: 0 }) };
  const solved = (steerings: readonly Steering[]) => {
    let k = 0;
    return drawTrajectory(
      { ...route, student: { ...parallel, steered: () => parallel.steered(() => steerings[k++]!) } },
      predictor,
      start,
      undefined,
    );
  };

  it('begins where its outputs say', () => {
    const { places, weights } = predict(predictor)(new Float64Array(128), 80, 9.7);
    for (const found of [places!, weights!]) expect(found).toHaveLength(4);
    expect([...places!]).toEqual([0.2, 0.7, 0.2, 0.7].map((value) => expect.closeTo(value, 6)));
    expect([...weights!]).toEqual([0.5, 0.5, 0.5, 0.5]);
  });

  it('is differentiated number by number', async () => {
    const { cotangent } = (await trainStep(train))[0]!;
    const at = { ...predict(predictor)(denoise({ x: start, sigma: 80 }).bottleneck!, 80, 9.7) };
    for (const { name, count } of outputs)
      for (let index = 0; index < count; index++) {
        const loss = async (by: number) => {
          const moved = at[name]!.map((value, i) => value + (i % count === index ? by : 0));
          const [{ end }] = (await solved([{ ...at, [name]: moved }, at, at])) as unknown as [
            { end: { x: Vector } },
          ];
          return end.x.map((value, i) => (value - teacher[1]![i]!) ** 2 / n);
        };
        const [up, down] = [await loss(1e-5), await loss(-1e-5)];
        for (let sample = 0; sample < n; sample++) {
          let slope = 0;
          for (let i = sample * size; i < (sample + 1) * size; i++) slope += (up[i]! - down[i]!) / 2e-5;
          const found = cotangent[name]![sample * count + index]!;
          expect(Math.abs(found - slope)).toBeLessThan(1e-3 * Math.abs(slope) + 1e-3);
        }
      }
  });

  it('costs what its numbers cost, and its end is differentiated through later intervals', async () => {
    const trained = await trainStep(train);
    // The opening, and two points on both sides of each of two places; weights are replayed.
    expect(trained.map(({ nfe }) => nfe)).toEqual([9, 9, 9]);
    const passages = await drawTrajectory(route, predictor, start, undefined);
    const found = await endSlopes(route, passages, 1, outputs, 1e-6);
    expect(found.map(({ output, index }) => `${output.name} ${index}`)).toEqual([
      'places 0',
      'places 1',
      'weights 0',
      'weights 1',
    ]);
    const steerings = passages.map(({ steering }) => steering);
    for (const { output, index, slope } of found) {
      const ends = [];
      for (const by of [1e-5, -1e-5]) {
        const values = steerings[1]![output.name]!.map((value, i) => value + (i % 2 === index ? by : 0));
        const moved = steerings.map((steering, k) =>
          k === 1 ? { ...steering, [output.name]: values } : steering,
        );
        ends.push((await solved(moved)).at(-1)!.end.x);
      }
      const exact = combine([5e4, ends[0]!], [-5e4, ends[1]!]);
      const largest = Math.max(...exact.map(Math.abs));
      expect(largest).toBeGreaterThan(0);
      slope.forEach((value, i) => {
        expect(Math.abs(value - exact[i]!)).toBeLessThan(1e-3 * largest);
      });
    }
  });

  it('learns by both losses', async () => {
    const weak = outputs.map((output) => (output.moves ? output : { ...output, start: () => 0.4 }));
    const begun = withMiddles({ ...predictor, outputs: weak }, sigmas, [20, 2, 0.1]);
    for (const by of ['official', 'end_to_end']) {
      const training = trainer({ predictor: begun, lr: 1e-3 });
      const step = { ...train, trainer: training };
      const losses = [];
      for (let i = 0; i < 20; i++) {
        const trained = await (by === 'official' ? trainStep(step) : trainEndToEnd({ ...step, done: 0 }));
        losses.push(by === 'official' ? trained[0]!.loss : trained.at(-1)!.loss);
      }
      expect(losses.at(-1)).toBeLessThan(losses[0]! / 4);
    }
  });

  it('needs no evaluation for what moves nothing, but the course itself', async () => {
    const still = [outputs[1]!].map((output) => ({ ...output, name: 'weights' }));
    const fixed: Student<{ readonly x: Vector }> = {
      ...parallel,
      steered: (ask) =>
        parallel.steered((...at) => ({
          places: Float64Array.from({ length: 2 * n }, (_, i) => [0.2, 0.7][i % 2]!),
          ...ask(...at),
        })),
    };
    const training = trainer({ predictor: initPredictor({ seed: 1, outputs: still }) });
    const trained = await trainStep({ ...train, student: fixed, trainer: training });
    expect(trained.map(({ nfe }) => nfe)).toEqual([3, 3, 3]);
  });
});
