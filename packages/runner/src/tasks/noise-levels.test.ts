import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Schedule, sigmas } from '@fewstep/schedules';
import type { Request } from '@fewstep/solvers';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { readTensors, tensorOf } from './artifacts.js';
import { run as gits } from './gits.js';
import { noModel } from './inputs.test.support.js';
import { run as predictor } from './predictor.js';
import { run as samples } from './samples.js';
import { readSchedule } from './schedule-file.js';
import { run as stepCosts } from './step-costs.js';
import { run as teacher } from './teacher.js';

/** A network that knows 60 noise levels beside 0, of which none is 80 or 0.1, and what it was asked. */
const { info, asked } = vi.hoisted(() => {
  const solvedAt = Array.from({ length: 60 }, (_, k) => 90 * 0.001 ** (k / 59));
  const info = {
    channels: 1,
    resolution: 2,
    labelDim: 0,
    bottleneck: true,
    sigmaMin: 0.09,
    sigmaMax: 90,
    noiseLevels: [...solvedAt, 0],
    solvedAt,
  };
  return { info, asked: [] as number[] };
});
vi.mock('./load-denoiser.js', () => ({
  shapeOf: () => [1, 2, 2],
  loadDenoiser: async () => ({
    info,
    denoiser: {
      info,
      evaluate: async ({ x, sigma }: Request) => {
        asked.push(...(typeof sigma === 'number' ? [sigma] : sigma));
        const rows = x.length / 4;
        const level = (i: number) => (typeof sigma === 'number' ? sigma : sigma[Math.floor(i / 4)]!);
        return {
          denoised: x.map((value, i) => (0.25 * value + level(i) ** 2 * 0.2) / (0.25 + level(i) ** 2)),
          bottleneck: new Float64Array(64 * rows).fill(0.5),
          forwards: rows,
        };
      },
    },
  }),
}));

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'fewstep-levels-'));
});
afterAll(() => rm(dir, { recursive: true }));
beforeEach(() => {
  asked.length = 0;
});

const range = { sigmaMin: 0.1, sigmaMax: 80 };
const schedule = { type: 'polynomial', rho: 7 } as const;
const euler = { solver: 'euler' } as const;
/** A task of any kind, given what the test says and else no model. */
const run = async (task: { run: unknown }, params: object, inputs: object = {}) => {
  const folder = await mkdtemp(join(dir, 'task-'));
  const context = {
    params,
    inputs: { ...noModel, ...inputs },
    dir: folder,
    hints: {},
    digests: {},
    device: { type: 'cpu' },
    progress: () => {},
  } as const;
  const { files } = await (task.run as (given: object) => Promise<{ files: Record<string, string> }>)(
    context,
  );
  return Object.fromEntries(Object.entries(files).map(([name, file]) => [name, join(folder, file)]));
};

/** A schedule's levels, each as that of the network which is nearest. */
const nearest = (numSteps: number, of: Schedule = schedule) =>
  Array.from(sigmas(of, { numSteps, ...range }), (sigma) =>
    info.noiseLevels.reduce((best, level) =>
      Math.abs(level - sigma) < Math.abs(best - sigma) ? level : best,
    ),
  );

describe('a network that knows some noise levels alone is asked at them', () => {
  it('by samples', async () => {
    await run(
      { run: samples },
      { ...range, schedule, numSteps: 5, method: euler, seeds: [0, 0], afs: false, denoiseToZero: true },
    );
    expect(asked).toEqual(nearest(5));
    expect(asked[0]).toBeCloseTo(80.056, 2);
  });

  it('in a list of its spec, too', async () => {
    const explicit = { type: 'explicit', sigmas: [80, 7, 0.1] } as const;
    await run(
      { run: samples },
      {
        ...range,
        schedule: explicit,
        numSteps: 3,
        method: euler,
        seeds: [0, 0],
        afs: false,
        denoiseToZero: true,
      },
    );
    expect(asked).toEqual(nearest(3, explicit));
  });

  it('by the teacher, and where a student’s steps begin, whose middle times are where they are', async () => {
    const { trajectories } = await run(
      { run: teacher },
      { ...range, schedule, numSteps: 3, M: 1, method: euler, seeds: [0, 1] },
    );
    expect(asked).toEqual(nearest(5).slice(0, 4));
    const training = {
      ...{
        ...range,
        schedule,
        numSteps: 3,
        method: { solver: 'ipndm', max_order: 2 },
        seeds: [0, 1],
        afs: false,
      },
      ...{ teacher: euler, M: 1, scales: { scale_dir: 0.01, scale_time: 0 }, batch: 2, lr: 0.005, seed: 0 },
    };
    for (const lossWeight of ['official', 'end_to_end']) {
      asked.length = 0;
      const found = await run(
        { run: predictor },
        { ...training, lossWeight },
        { trajectories: [trajectories!] },
      );
      // the openings that aren't the teacher's, and middle times
      const levels = asked.filter((sigma) => info.noiseLevels.includes(sigma));
      expect(new Set(levels)).toEqual(new Set(nearest(3).slice(1, 2)));
      expect(levels.length).toBeLessThan(asked.length);
      asked.length = 0;
      const steered = {
        ...range,
        schedule,
        numSteps: 3,
        method: training.method,
        seeds: [0, 0],
        afs: false,
        denoiseToZero: true,
      };
      await run({ run: samples }, steered, { predictor: found.predictor });
      expect([asked[0], asked[2], asked[4]]).toEqual(nearest(3));
    }
  });

  it('by the search of a schedule, and on what it found', async () => {
    const { costs } = await run(
      { run: stepCosts },
      { ...range, schedule, numSteps: 9, method: euler, seeds: [0, 1] },
    );
    expect(asked).toEqual(nearest(9).slice(0, 8));
    expect([...tensorOf(await readTensors(costs!), 'sigmas', 'F64').data]).toEqual(nearest(9));
    const { schedule: file } = await run(
      { run: gits },
      { metric: 'l1', coeff: 1.15, numSteps: 4, afs: false },
      { costs: [costs!] },
    );
    const found = await readSchedule(file!);
    asked.length = 0;
    await run(
      { run: samples },
      { ...range, numSteps: 4, method: euler, seeds: [0, 0], afs: false, denoiseToZero: true },
      { schedule: file },
    );
    expect(asked).toEqual(found.sigmas);
  });

  it('never at 0, whatever the range', async () => {
    const low = { sigmaMin: 0.01, sigmaMax: 80 };
    await run(
      { run: samples },
      { ...low, schedule, numSteps: 3, method: euler, seeds: [0, 0], afs: false, denoiseToZero: true },
    );
    expect(asked.at(-1)).toBe(info.noiseLevels.at(-2));
  });

  it('and at none where its range leaves no schedule, which is wrong input', async () => {
    const { sigmaMax: _, ...low } = { ...range, sigmaMin: 95 };
    const params = { ...low, schedule, numSteps: 3, method: euler, seeds: [0, 0], afs: false };
    await expect(run({ run: samples }, params)).rejects.toMatchObject({
      code: 'E_SCHEDULE',
      exitCode: 2,
      message: expect.stringMatching(
        /^3 timestamps of schedule polynomial from sigma_max 90 to sigma_min 95: a/,
      ),
    });
    expect(asked).toEqual([]);
  });

  it('and at none beyond the times of its training', async () => {
    Object.assign(info, { alphasCumprod: [0.99, 0.5, 0.01] }); // σ from 0.1 to 9.95
    const params = { schedule, numSteps: 3, method: euler, seeds: [0, 0], afs: false, denoiseToZero: false };
    const attempt = (sigmaMin: number, sigmaMax: number) =>
      run({ run: samples }, { ...params, sigmaMin, sigmaMax });
    await expect(attempt(0.2, 80)).rejects.toMatchObject({
      code: 'E_MODEL',
      message: expect.stringMatching(/^sigma_max 80 is noise .* trained on 0\.1005\d* to 9\.949\d*: stay/),
    });
    await expect(attempt(0.002, 9)).rejects.toMatchObject({
      message: expect.stringMatching(/^sigma_min 0\.002/),
    });
    expect(asked).toEqual([]);
    await expect(attempt(0.1, 9.95)).resolves.toHaveProperty('images');
    Reflect.deleteProperty(info, 'alphasCumprod');
  });

  it('and refuses more steps than it has levels for', async () => {
    const params = {
      ...range,
      schedule,
      numSteps: 100,
      method: euler,
      seeds: [0, 0],
      afs: false,
      denoiseToZero: false,
    };
    await expect(run({ run: samples }, params)).rejects.toMatchObject({
      code: 'E_MODEL',
      message: expect.stringMatching(/100 timestamps .* polynomial .* 60 noise levels/),
    });
    expect(asked).toEqual([]);
  });
});
