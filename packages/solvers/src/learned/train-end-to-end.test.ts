import { describe, expect, it } from 'vitest';
import { students } from '../declared.test.helpers.js';
import { solveSync } from '../drive/solve.js';
import { trainingBatch } from '../methods/analytic.test.helpers.js';
import type { Steering, Student } from '../solver.js';
import { placement } from '../students/placement.js';
import { predict } from './predictor.js';
import { initPredictor } from './predictor-init.js';
import { trainer } from './predictor-trainer.js';
import { type EndToEndStep, trainEndToEnd } from './train-end-to-end.js';
import { drawTrajectory, endSlopes } from './training-trajectory.js';

const n = 4;
const size = 3;
const { sigmas, denoise, start, teacher } = trainingBatch(n, size);
const both = { scale_dir: 0.05, scale_time: 0.2 };
const openings = [denoise({ x: start, sigma: 80 })];
const everyStudent = Object.entries(students).map(([name, make]) => [name, make() as Student] as const);

const solved = (student: Student, steerings: readonly Steering[], afs = false) =>
  solveSync({
    keep: 'all',
    solver: student.steered((_, sigma) => steerings[sigmas.indexOf(sigma)]!),
    x: start,
    n,
    sigmas,
    afs,
    denoise,
  });

async function train(
  student: Student,
  {
    settings = both,
    lr = 0,
    ...others
  }: Partial<EndToEndStep> & { settings?: typeof both; lr?: number } = {},
) {
  const training = trainer({ predictor: initPredictor({ seed: 1, outputs: placement(settings) }), lr });
  let asked = 0;
  const what = {
    trainer: training,
    student,
    n,
    sigmas,
    teacher,
    done: 0,
    descents: 1,
    ...others,
    denoise: (request: Parameters<typeof denoise>[0]) => {
      asked++;
      return denoise(request);
    },
  };
  const trained = await trainEndToEnd(what);
  const { predictor } = training;
  return { trained, asked, predictor };
}

describe('evaluations', () => {
  it.each([
    ['r', { scale_dir: 0, scale_time: 0 }, 6 + 3 + 6],
    ['r and scaleDir', { ...both, scale_time: 0 }, 6 + 3 + 12],
    ['all outputs', both, 6 + 3 + 3 + 18],
  ])('%s', async (_, settings, expected) => {
    for (const [, student] of everyStudent)
      for (const options of [{}, { openings }, { afs: true }]) {
        const { trained, asked } = await train(student, { settings, ...options });
        expect(asked).toBe(expected - ('openings' in options || 'afs' in options ? 1 : 0));
        expect(trained.reduce((sum, { nfe }) => sum + nfe, 0)).toBe(asked);
      }
  });
});

describe.each(everyStudent)('%s', (_, student) => {
  it("keeps to its own points, and reports their distance to the teacher's", async () => {
    for (const afs of [false, true]) {
      const { trained } = await train(student, { afs });
      const { trajectory } = solved(
        student,
        trained.map(({ steering }) => steering),
        afs,
      );
      trained.forEach(({ x, loss, norm }, k) => {
        expect(x).toEqual(trajectory[k + 1]);
        const expected = x.reduce((sum, value, i) => sum + (value - teacher[k + 1]![i]!) ** 2, 0) / n;
        expect(Math.abs(loss / expected - 1)).toBeLessThan(1e-12);
        // of squares no norm is above their sum, nor below it by more than √size
        expect(norm).toBeLessThan(expected);
        expect(norm).toBeGreaterThan(expected / Math.sqrt(size));
      });
    }
  });

  it('finds how the end moves with the outputs of every interval', async () => {
    const predictor = initPredictor({ seed: 1, outputs: placement(both) });
    const route = { student, n, sigmas, denoise };
    const passages = await drawTrajectory(route, predictor, start, undefined);
    const steerings = passages.map(({ steering }) => steering);
    for (let k = 0; k < passages.length; k++)
      for (const { output, slope } of await endSlopes(route, passages, k, predictor.outputs, 1e-6)) {
        const side = (sign: number) =>
          solved(
            student,
            steerings.map((steering, j) =>
              j === k
                ? { ...steering, [output.name]: steering[output.name]!.map((value) => value + sign * 1e-5) }
                : steering,
            ),
          ).x;
        const [above, below] = [side(1), side(-1)];
        const exact = slope.map((_, i) => (above[i]! - below[i]!) / 2e-5);
        const scale = Math.max(...exact.map(Math.abs));
        slope.forEach((value, i) => {
          expect(Math.abs(value - exact[i]!)).toBeLessThan(1e-3 * scale);
        });
      }
  });

  it('brings the end nearer to where the teacher ends', async () => {
    const training = trainer({ predictor: initPredictor({ seed: 1, outputs: placement(both) }) });
    const far = () => {
      const { x } = solveSync({
        solver: student.steered(predict(training.predictor)),
        x: start,
        n,
        sigmas,
        denoise,
      });
      return x.reduce((sum, value, i) => sum + (value - teacher.at(-1)![i]!) ** 2, 0);
    };
    const before = far();
    const steps = 8;
    for (let i = 0; i < steps; i++)
      await trainEndToEnd({
        trainer: training,
        student,
        n,
        sigmas,
        teacher,
        denoise,
        done: i / steps,
        descents: 10,
      });
    expect(far()).toBeLessThan(before / 2);
  });
});

describe('a range of what is seen', () => {
  const student = students.euler() as Student;
  const untrained = initPredictor({ seed: 1, outputs: placement(both) }).weights;

  it('counts values beyond as the bound, where the trajectory ends', async () => {
    const { trained } = await train(student);
    const x = trained.at(-1)!.x;
    const sorted = x.toSorted();
    const [low, high] = [sorted[3]!, sorted[8]!];
    const seen = (value: number) => Math.min(high, Math.max(low, value));
    const target = teacher.at(-1)!;
    const { trained: within } = await train(student, { range: [low, high] });
    const expected = x.reduce((sum, value, i) => sum + (seen(value) - seen(target[i]!)) ** 2, 0) / n;
    expect(Math.abs(within.at(-1)!.loss / expected - 1)).toBeLessThan(1e-12);
    within.slice(0, -1).forEach(({ loss }, k) => {
      expect(loss).toBe(trained[k]!.loss);
    });
  });

  it('asks nothing of an end that is beyond it', async () => {
    const end = (await train(student)).trained.at(-1)!.x;
    const lowest = Math.min(...end) - 1;
    const step = { lr: 1e-3, range: [lowest - 1, lowest] as const };
    const inside = [...teacher.slice(0, -1), end.map(() => lowest - 0.5)];
    const { trained, predictor } = await train(student, { ...step, teacher: inside });
    expect(trained.at(-1)!.loss).toBeCloseTo(size / 4, 12);
    expect(predictor.weights).toEqual(untrained);
    expect((await train(student, { lr: 1e-3, teacher: inside })).predictor.weights).not.toEqual(untrained);
  });
});

it('the learning rate falls to 0 along half a cosine', async () => {
  const student = students.euler() as Student;
  const untrained = initPredictor({ seed: 1, outputs: placement(both) });
  const moved = async (done: number) => {
    const { predictor } = await train(student, { lr: 1e-4, done });
    const [before, after] = [untrained, predictor].map(({ weights }) => weights['fc_r.bias']!.data[0]!);
    return after! - before!;
  };
  const whole = await moved(0);
  expect(Math.abs(whole) / 1e-4).toBeCloseTo(1, 4); // Adam's first step is the learning rate
  expect((await moved(1 / 3)) / whole).toBeCloseTo(0.75, 6);
  expect(await moved(1)).toBe(0);
});

it('refuses what does not fit, as every training step', async () => {
  const student = students.amed() as Student;
  await expect(train(student, { teacher: teacher.slice(1) })).rejects.toMatchObject({ code: 'E_TRAINING' });
  const broken = [start, ...teacher.slice(1, -1), start.map(() => Number.NaN)];
  await expect(train(student, { teacher: broken })).rejects.toMatchObject({ code: 'E_TRAINING' });
  for (const range of [
    [1, -1],
    [0, 0],
    [Number.NaN, 1],
  ] as const)
    await expect(train(student, { range })).rejects.toMatchObject({
      code: 'E_TRAINING',
      message: expect.stringContaining(`found ${range[0]} and ${range[1]}`),
    });
});
