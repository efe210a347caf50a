import { describe, expect, it } from 'vitest';
import { students } from '../declared.test.helpers.js';
import { solveSync } from '../drive/solve.js';
import { trainingBatch } from '../methods/analytic.test.helpers.js';
import type { Evaluation, Request, Steering, Student, Vector } from '../solver.js';
import { placement } from '../students/placement.js';
import { predict } from './predictor.js';
import { initPredictor } from './predictor-init.js';
import { trainer } from './predictor-trainer.js';
import { type TrainedInterval, type TrainStep, trainStep } from './train-step.js';

const n = 4;
const size = 3;
const { sigmas, denoise: inDouble, start, teacher } = trainingBatch(n, size);
/** As a network in float32 answers. */
const inFloat = ({ x, sigma }: Request): Evaluation => {
  const { denoised, bottleneck } = inDouble({ x: x.map(Math.fround), sigma });
  return { denoised: denoised.map(Math.fround), bottleneck: bottleneck! };
};

const openings = teacher.slice(0, -1).map((x, k) => inDouble({ x, sigma: sigmas[k]! }));

const everyStudent = Object.entries(students).map(([name, make]) => [name, make() as Student] as const);
const both = { scale_dir: 0.05, scale_time: 0.2 };
const neither = { scale_dir: 0, scale_time: 0 };

/** Trains once, an untrained predictor by default; `lr` 0 leaves it as it is. */
async function train(
  student: Student,
  { settings = both, lr = 0, ...others }: Partial<TrainStep> & { settings?: typeof both; lr?: number } = {},
) {
  const predictor = initPredictor({ seed: 1, outputs: placement(settings) });
  const training = trainer({ predictor, lr });
  let asked = 0;
  const trained = await trainStep({
    trainer: training,
    student,
    n,
    sigmas,
    teacher,
    ...others,
    denoise: (request) => {
      asked++;
      return (others.denoise ?? inDouble)(request);
    },
  });
  return { predictor, after: training.predictor, trained, asked };
}

/** Where the student goes from a point over one interval, at these outputs. */
function end(student: Student, k: number, x: Vector, steering: Steering, levels = sigmas): Vector {
  const at = [levels[k]!, levels[k + 1]!];
  return solveSync({ solver: student.steered(() => steering), x, n, sigmas: at, denoise: inDouble }).x;
}

const lossOf = (x: Vector, target: Vector) =>
  x.reduce((sum, value, i) => sum + (value - target[i]!) ** 2, 0) / n;
const normOf = (x: Vector, target: Vector) => {
  const fourth = x.map((value, i) => (value - target[i]!) ** 4);
  const samples = Array.from({ length: n }, (_, i) => fourth.subarray(i * size, (i + 1) * size));
  return samples.reduce((total, own) => total + Math.sqrt(own.reduce((a, b) => a + b)), 0) / n;
};

describe('evaluations', () => {
  const afs = true;
  it.each<[string, Partial<TrainStep> & { settings: typeof both }, number[], number[]]>([
    ['openings given', { settings: neither, openings }, [2, 2, 2], [3, 4, 4]],
    ['openings given, scaleDir', { settings: { ...both, scale_time: 0 }, openings }, [2, 2, 2], [3, 4, 4]],
    ['openings given, scaleTime', { settings: both, openings }, [4, 4, 4], [5, 6, 6]],
    ['no opening', { settings: neither }, [3, 3, 3], [4, 4, 4]],
    ['some openings', { settings: neither, openings: [undefined, openings[1]] }, [3, 2, 3], [4, 4, 4]],
    ['analytical first step', { settings: neither, afs }, [2, 3, 3], [3, 4, 4]],
    ['analytical first step, all', { settings: both, afs, openings }, [4, 4, 4], [5, 6, 6]],
  ])('%s', async (_, options, single, memory) => {
    for (const [, student] of everyStudent) {
      const { trained, asked } = await train(student, options);
      const nfe = trained.map((interval) => interval.nfe);
      expect(nfe).toEqual(student.singleStep ? single : memory);
      expect(asked).toBe(nfe.reduce((a, b) => a + b));
    }
  });

  it('openings change nothing but the count', async () => {
    for (const [, student] of everyStudent) {
      const [given, asked] = [await train(student, { openings }), await train(student)];
      expect(given.trained.map(({ nfe: _, ...interval }) => interval)).toEqual(
        asked.trained.map(({ nfe: _, ...interval }) => interval),
      );
    }
  });
});

describe.each(everyStudent)('%s', (_, student) => {
  it('starts where it should: a student without memory from the teacher, another from its own point', async () => {
    for (const afs of [false, true]) {
      const { predictor, trained } = await train(student, { epsilon: 1e-5, afs });
      const denoise = inDouble;
      const own = solveSync({
        solver: student.steered(predict(predictor)),
        x: start,
        n,
        sigmas,
        keep: 'all',
        denoise,
        afs,
      });
      trained.forEach(({ x, loss, norm, steering }, k) => {
        const expected =
          student.singleStep && k > 0 ? end(student, k, teacher[k]!, steering) : own.trajectory[k + 1]!;
        // A student with memory arrives there; the point of another is a mean, off by O(ε²).
        x.forEach((value, i) => {
          expect(Math.abs(value - expected[i]!)).toBeLessThan(
            student.singleStep ? 1e-8 * sigmas[k]! : 1e-12 * sigmas[k]!,
          );
        });
        expect(loss).toBeCloseTo(lossOf(x, teacher[k + 1]!), 12);
        expect(norm).toBeCloseTo(normOf(x, teacher[k + 1]!), 12);
      });
    }
  });

  it('asks the predictor with the bottleneck of the opening, zeros under the analytical first step', async () => {
    const [plain, analytical] = [await train(student), await train(student, { afs: true })];
    const forward = predict(plain.predictor);
    expect(plain.trained[0]!.steering).toEqual(forward(openings[0]!.bottleneck!, 80, 9.7));
    expect(analytical.trained[0]!.steering).toEqual(forward(new Float64Array(n * 64), 80, 9.7));
  });

  it.each([
    [0, inDouble],
    [2, inDouble],
    [0, inFloat],
    [2, inFloat],
  ])('derivatives by its outputs in interval %d are within 1e-3 of the largest', async (k, denoise) => {
    const levels = sigmas.slice(k, k + 2);
    const points = teacher.slice(k, k + 2);
    const { trained } = await train(student, { sigmas: levels, teacher: points, denoise });
    const { steering, cotangent } = trained[0]!;
    for (const name of ['r', 'scale_dir', 'scale_time'] as const) {
      // Each output acts on its own sample, so one difference of them all gives every derivative; in double, and fine.
      const at = (by: number) => {
        const moved = { ...steering, [name]: steering[name]!.map((value) => value + by) };
        return end(student, 0, points[0]!, moved, levels);
      };
      const [up, down, centre] = [at(1e-6), at(-1e-6), at(0)];
      const fine = new Float64Array(n);
      centre.forEach((value, i) => {
        const slope = (up[i]! - down[i]!) / 2e-6;
        fine[Math.floor(i / size)]! += (2 / n) * (value - points[1]![i]!) * slope;
      });
      const largest = Math.max(...fine.map(Math.abs));
      expect(largest).toBeGreaterThan(0);
      cotangent[name]!.forEach((value, i) => {
        expect(Math.abs(value - fine[i]!) / largest).toBeLessThan(1e-3);
      });
    }
  });

  it('the gradient is that of the loss by the weights', async () => {
    const { predictor, trained } = await train(student, { epsilon: 1e-5 });
    const loss = (name: string, by: number) => {
      const weight = predictor.weights[name]!;
      const moved = { ...weight, data: weight.data.map((value, i) => value + (i === 0 ? by : 0)) };
      const steered = predict({ ...predictor, weights: { ...predictor.weights, [name]: moved } });
      const steering = steered(openings[0]!.bottleneck!, 80, 9.7);
      return { weight: moved.data[0]!, loss: lossOf(end(student, 0, start, steering), teacher[1]!) };
    };
    for (const name of [
      'fc_r.bias',
      'fc_scale_dir.bias',
      'fc_scale_time.bias',
      'map_layer0.bias',
      'enc_layer1.bias',
    ]) {
      const [up, down] = [loss(name, 1e-3), loss(name, -1e-3)];
      const slope = (up.loss - down.loss) / (up.weight - down.weight);
      expect(trained[0]!.gradients[name]![0]! / slope).toBeCloseTo(1, 4);
    }
  });
});

describe('trainStep', () => {
  const amed = students.amed();

  it('moves the weights once in each interval, with what the last one left', async () => {
    const seen: [TrainedInterval, number][] = [];
    const { predictor, after, trained } = await train(amed, {
      lr: 0.005,
      onInterval: (...interval) => seen.push(interval),
    });
    expect(seen).toEqual(trained.map((interval, k) => [interval, k]));
    const first = trained[0]!.gradients['fc_r.bias']![0]!;
    const moved = predict({
      ...predictor,
      weights: Object.fromEntries(
        Object.entries(predictor.weights).map(([name, { shape, data }]) => {
          const gradient = trained[0]!.gradients[name]!;
          return [
            name,
            {
              shape,
              data: data.map((value, i) => value - (0.005 * gradient[i]!) / (Math.abs(gradient[i]!) + 1e-8)),
            },
          ];
        }),
      ),
    });
    const again = moved(openings[1]!.bottleneck!, 9.7, 0.47);
    expect(first).not.toBe(0);
    trained[1]!.steering.r!.forEach((value, i) => {
      expect(value).toBeCloseTo(again.r![i]!, 5);
    });
    expect(after.weights['fc_r.bias']!.data[0]).not.toBe(predictor.weights['fc_r.bias']!.data[0]);
  });

  it.each([-8, 8])('stays within the interval where r is at its end: logit %d', async (logit) => {
    const predictor = initPredictor({ seed: 1, outputs: placement(neither) });
    predictor.weights['fc_r.bias']!.data.fill(logit);
    predictor.weights['fc_r.weight']!.data.fill(0);
    const training = trainer({ predictor });
    const asked: number[] = [];
    const denoise = (request: Request) => {
      asked.push(...(typeof request.sigma === 'number' ? [] : request.sigma));
      return inDouble(request);
    };
    const [levels, points] = [sigmas.slice(0, 2), teacher.slice(0, 2)];
    await trainStep({ trainer: training, student: amed, n, sigmas: levels, teacher: points, denoise });
    expect(asked).toHaveLength(2 * n);
    for (const sigma of asked) {
      expect(sigma).toBeLessThan(80);
      expect(sigma).toBeGreaterThan(9.7);
    }
    expect(new Set(asked).size).toBe(2);
  });

  it('brings the loss down', async () => {
    const training = trainer({
      predictor: initPredictor({ seed: 0, outputs: placement({ scale_dir: 0.01, scale_time: 0 }) }),
    });
    const losses: number[] = [];
    for (let i = 0; i < 20; i++) {
      const trained = await trainStep({
        trainer: training,
        student: amed,
        n,
        sigmas,
        teacher,
        denoise: inFloat,
      });
      losses.push(trained.reduce((sum, { loss }) => sum + loss, 0));
    }
    expect(losses.at(-1)!).toBeLessThan(0.55 * losses[0]!);
  });

  it.each<[string, Partial<TrainStep>, RegExp]>([
    ['a batch that does not divide the points', { n: 5 }, /12 for n = 5/],
    [
      'a teacher of other levels',
      { sigmas: sigmas.slice(1) },
      /found points of 12,12,12,12 numbers for 3 levels/,
    ],
    ['a teacher of a point alone', { sigmas: [80], teacher: [start] }, /at least two/],
    ['points of unequal length', { teacher: [start, start, start.slice(3), start] }, /12,12,9,12/],
    ['an opening of another batch', { openings: [{ denoised: start.slice(3) }] }, /found 9 at 0/],
    ['noise levels that rise', { sigmas: [80, 9.7, 9.7, 0.002] }, /descend .* found 9.7 at 2/],
    ['a last noise level of 0', { sigmas: [80, 9.7, 0.47, 0] }, /above 0; found 0 at 3/],
    ['a difference of nothing', { epsilon: 0 }, /epsilon .* found 0/],
  ])('refuses %s', async (_, wrong, message) => {
    await expect(train(amed, wrong)).rejects.toThrow(
      expect.objectContaining({ code: 'E_TRAINING', message: expect.stringMatching(message) }),
    );
  });

  it.each([
    ['NaN', (denoised: Vector) => denoised.map((value, i) => (i === 5 ? Number.NaN : value))],
    ['too few numbers', (denoised: Vector) => denoised.slice(1)],
  ])('stops at the interval where a denoiser gives %s', async (_, spoil) => {
    const denoise = (request: Request) => {
      const evaluation = inDouble(request);
      const late = typeof request.sigma !== 'number' && request.sigma[0]! < 0.4;
      return late ? { ...evaluation, denoised: spoil(evaluation.denoised) } : evaluation;
    };
    await expect(train(amed, { denoise })).rejects.toMatchObject({
      code: 'E_TRAINING',
      evidence: { interval: 2 },
    });
  });

  it('refuses a denoiser without bottleneck', async () => {
    const denoise = (request: Request) => ({ denoised: inDouble(request).denoised });
    await expect(train(amed, { denoise })).rejects.toMatchObject({ code: 'E_DENOISED' });
  });
});
