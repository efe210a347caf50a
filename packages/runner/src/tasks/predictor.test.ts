import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sigmas } from '@fewstep/schedules';
import {
  amed,
  type Evaluation,
  heun,
  type Iteration,
  initPredictor,
  latents,
  placement,
  predict,
  type Request,
  type Solver,
  solve,
  trainEndToEnd,
  trainer,
  withMiddles,
} from '@fewstep/solvers';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { parsePredictor } from '../predictor/parse-predictor.js';
import { noModel } from './inputs.test.support.js';
import { type PredictorParams, run } from './predictor.js';
import { run as runTeacher } from './teacher.js';

/** D of data N(0.2, 0.5²) and a bottleneck, as a float32 network gives them. */
const { evaluate } = vi.hoisted(() => ({
  evaluate: async ({ x, sigma }: Request): Promise<Evaluation> => {
    const rows = x.length / 4;
    const variance = (i: number) => (typeof sigma === 'number' ? sigma : sigma[Math.floor(i / 4)]!) ** 2;
    return {
      denoised: x.map((value, i) => Math.fround((0.25 * value + variance(i) * 0.2) / (0.25 + variance(i)))),
      bottleneck: Float64Array.from({ length: 64 * rows }, (_, i) =>
        Math.fround(Math.tanh(x[Math.floor(i / 64) * 4]!)),
      ),
    };
  },
}));
vi.mock('./load-denoiser.js', () => ({
  shapeOf: () => [1, 2, 2],
  loadDenoiser: async () => ({ info: { labelDim: 0 }, denoiser: { evaluate } }),
}));

const solving = {
  schedule: { type: 'polynomial', rho: 7 },
  numSteps: 4,
  sigmaMin: 0.1,
  sigmaMax: 10,
} as const;
const params: PredictorParams = {
  ...solving,
  method: { solver: 'amed', scale_dir: 0.05, scale_time: 0 },
  afs: false,
  teacher: { solver: 'heun' },
  M: 1,
  batch: 3,
  lr: 0.005,
  seed: 1,
  seeds: [10, 15],
};
let dir: string;
let trajectories: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'fewstep-predictor-'));
  const { files } = await runTeacher({
    params: { ...solving, method: { solver: 'heun' }, M: 1, seeds: [10, 15] },
    hints: {},
    digests: {},
    device: { type: 'cpu' },
    inputs: noModel,
    dir,
    progress: () => {},
  });
  trajectories = join(dir, files.trajectories!);
});
afterAll(() => rm(dir, { recursive: true }));

const trained = async (changes: Partial<PredictorParams> = {}) => {
  const inputs = {
    ...noModel,
    trajectories: [trajectories],
    validation: changes.validation ? [trajectories] : [],
  };
  const { meta } = await run({
    params: { ...params, ...changes },
    hints: {},
    digests: {},
    device: { type: 'cpu' },
    inputs,
    dir,
    progress: () => {},
  });
  const stats = await readFile(join(dir, 'stats.jsonl'), 'utf8');
  const log = stats
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Iteration);
  return { meta, log, file: await parsePredictor(await readFile(join(dir, 'predictor.safetensors'))) };
};

describe('the task of a predictor', () => {
  it('makes use of what the teacher asked, whatever the loss', async () => {
    // 2 evaluations for each of 3 intervals, and 2 batches.
    expect((await trained()).meta).toMatchObject({ nfe: 12, images: 6 });
    // 5 for the trajectory, 3 for r, 2 · 3 · 2 to draw the rest again.
    expect((await trained({ lossWeight: 'end_to_end' })).meta).toMatchObject({ nfe: 40, images: 6 });
  });

  it('trains end to end where told so, the rate falling with what is done', async () => {
    const times = sigmas(solving.schedule, solving);
    const fine = sigmas(solving.schedule, { ...solving, numSteps: 7 });
    const training = trainer({
      predictor: withMiddles(
        initPredictor({ seed: 1, outputs: placement({ scale_dir: 0.05 }) }),
        times,
        fine.filter((_, i) => i % 2 === 1),
      ),
      lr: 0.005,
    });
    for (const [seeds, done] of [
      [[10, 11, 12], 0],
      [[13, 14, 15], 1 / 2],
    ] as const) {
      const x = latents(seeds, [1, 2, 2]).map((value) => value * times[0]!);
      const { trajectory } = await solve({
        solver: heun,
        x,
        n: 3,
        sigmas: fine,
        keep: 'all',
        denoise: evaluate,
      });
      const teacher = [x, ...[2, 4, 6].map((at) => trajectory[at]!.map(Math.fround))];
      await trainEndToEnd({
        trainer: training,
        student: amed,
        n: 3,
        sigmas: times,
        teacher,
        denoise: evaluate,
        done,
        range: [-1, 1],
      });
    }
    const { weights } = (await trained({ lossWeight: 'end_to_end' })).file.predictor;
    for (const [name, { data }] of Object.entries(training.predictor.weights))
      expect(weights[name]!.data).toEqual(data);
  });

  it('trains by the official loss by default', async () => {
    const [official, endToEnd] = [await trained(), await trained({ lossWeight: 'end_to_end' })];
    expect(official.file.predictor.weights).not.toEqual(endToEnd.file.predictor.weights);
  });

  it('logs each iteration in one form, whatever the loss', async () => {
    for (const [lossWeight, callsOfBatch] of [
      ['official', 18],
      ['end_to_end', 60],
    ] as const) {
      const { log } = await trained({ lossWeight });
      expect(log.map(({ iteration, images, calls }) => [iteration, images, calls])).toEqual([
        [1, 3, callsOfBatch],
        [2, 6, 2 * callsOfBatch],
      ]);
      for (const { loss, intervals, ...others } of log) {
        expect(Object.keys(others)).toEqual(['iteration', 'images', 'calls']);
        const each = intervals.map((interval) => interval.loss);
        expect(loss).toBe(lossWeight === 'official' ? each.reduce((a, b) => a! + b!) : each.at(-1));
        for (const { outputs } of intervals) {
          expect(Object.keys(outputs)).toEqual(['r', 'scale_dir']);
          expect(outputs.r!.mean[0]).toBeGreaterThan(0);
          // end_to_end begins alike for all
          if (lossWeight === 'official') expect(outputs.r!.spread[0]).toBeGreaterThan(0);
        }
      }
    }
  });

  it('validates on images of their own, which change no weight', async () => {
    const plain = await trained({ batch: 6 });
    // the very images that it is trained on, to know the figure
    const { log, file, meta } = await trained({ batch: 6, validation: [10, 15] });
    expect(file).toEqual(expect.objectContaining({ settings: plain.file.settings }));
    expect(file.predictor.weights).toEqual(plain.file.predictor.weights);
    expect(meta).toEqual(plain.meta);
    const times = sigmas(solving.schedule, solving);
    const x = latents([10, 11, 12, 13, 14, 15], [1, 2, 2]).map((value) => value * times[0]!);
    const ends = async (solver: Solver, levels: Float64Array) =>
      (await solve({ solver, x, n: 6, sigmas: levels, denoise: evaluate })).x.map((value) =>
        Math.max(-1, Math.min(1, Math.fround(value))),
      );
    const student = await ends(amed.steered(predict(file.predictor)), times);
    const teacher = await ends(heun, sigmas(solving.schedule, { ...solving, numSteps: 7 }));
    const expected = student.reduce((total, value, i) => total + (value - teacher[i]!) ** 2, 0) / 6;
    expect(log[0]!.validation_loss).toBeCloseTo(expected, 5);
    expect(expected).toBeGreaterThan(1e-3);
  });
});
