import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Request } from '@fewstep/solvers';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { readTensors, tensorOf, writeTensors } from './artifacts.js';
import { noModel } from './inputs.test.support.js';
import { run as inters } from './inters.js';
import { type Paths, run as paths, teacherPath } from './paths.js';

/** Data of spread 0.5 around 0.2. */
const denoise = ({ x, sigma }: Pick<Request, 'x' | 'sigma'>) =>
  x.map((value) => (0.25 * value + (sigma as number) ** 2 * 0.2) / (0.25 + (sigma as number) ** 2));
const asked = vi.hoisted(() => ({ times: 0 }));
vi.mock('./load-denoiser.js', () => ({
  shapeOf: () => [1, 2, 2],
  loadDenoiser: async () => ({
    info: { channels: 1, resolution: 2, labelDim: 0, sigmaMin: 0.1, sigmaMax: 20 },
    denoiser: {
      evaluate: async (request: Request) => {
        asked.times++;
        return { denoised: denoise(request), bottleneck: [], forwards: request.x.length / 4 };
      },
    },
  }),
}));

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'fewstep-paths-'));
});
afterAll(() => rm(dir, { recursive: true }));

const sigmas = [20, 3, 0.5, 0.1];
/** The states of seeds 4 to 6, in two batches, as `task` writes them. */
async function states(method: object, params: object) {
  const folder = await mkdtemp(join(dir, 'task-'));
  asked.times = 0;
  const { files } = await inters({
    params: {
      ...{ seeds: [4, 6], numSteps: 4, schedule: { type: 'explicit', sigmas }, method },
      ...{ afs: false, denoiseToZero: false },
      ...params,
    } as never,
    inputs: { ...noModel, predictor: undefined, sampler: undefined },
    ...{ dir: folder, hints: { batch: 2 }, digests: {}, device: { type: 'cpu' }, progress: () => {} },
  });
  return join(folder, files.inters);
}

it.each([
  // the number of times that a batch is asked for: what the method needs, and what it has left out
  ['heun', { solver: 'heun' }, { denoiseToZero: true }, 2 * 7],
  ['heun that ends noisy', { solver: 'heun' }, {}, 2 * (6 + 1)],
  ['heun by an analytical first step', { solver: 'heun' }, { afs: true }, 2 * (5 + 2)],
  ['unipc, which asks where its intervals end', { solver: 'unipc' }, {}, undefined],
])('keeps what the network says of each state of %s', async (_, method, params, times) => {
  const tensors = await readTensors(await states(method, { ...params, answers: true }));
  const [kept, answers] = [tensorOf(tensors, 'inters', 'F32'), tensorOf(tensors, 'answers', 'F32')];
  expect(answers.shape).toEqual([4, 3, 1, 2, 2]);
  for (const [k, sigma] of sigmas.entries()) {
    const x = Float64Array.from(kept.data.subarray(12 * k, 12 * k + 12));
    for (const [at, value] of denoise({ x, sigma }).entries())
      expect(answers.data[12 * k + at]).toBeCloseTo(value, 5);
  }
  if (times !== undefined) expect(asked.times).toBe(times);
});
it('a teacher goes on between its states as the exact solution does', () => {
  // x(σ) of Gaussian data, one pixel: exact at its states, and in between far nearer than a straight line
  const exact = (sigma: number) => 0.2 + 1.7 * Math.hypot(0.5, sigma);
  const levels = [2, 1.2, 0.7, 0.4, 0.1];
  const kept = levels.map((sigma) => Float32Array.of(exact(sigma)));
  const said = levels.map((sigma) => Float32Array.from(denoise({ x: Float64Array.of(exact(sigma)), sigma })));
  const path = teacherPath([...levels, 0], [...kept, said.at(-1)!], said);
  for (const sigma of levels) expect(path(sigma)[0]).toBeCloseTo(exact(sigma), 6);
  for (const sigma of [1.6, 0.9, 0.5, 0.2])
    expect(Math.abs(path(sigma)[0]! - exact(sigma))).toBeLessThan(2e-3);
  // beyond them straight on, and at 0 what the network said last
  expect(path(0)[0]).toBeCloseTo(said.at(-1)![0]!, 6);
  const slope = (exact(2) - said[0]![0]!) / 2;
  expect(path(2.5)[0]).toBeCloseTo(exact(2) + 0.5 * slope, 5);
});

it('says how far samples are from the teacher, at their own noise levels', async () => {
  const teacher = await states({ solver: 'heun' }, { answers: true, denoiseToZero: true });
  const tensors = await readTensors(teacher);
  const kept = tensorOf(tensors, 'inters', 'F32').data;
  // the student leaves out a level; it is off by 0, ½ and in the end by 1, 2 and 3
  const off = [() => 0, () => 0.5, (seed: number) => seed + 1];
  const own = [0, 2, 4].flatMap((k, j) =>
    [...kept.subarray(12 * k, 12 * k + 12)].map((value, at) => value + off[j]!(Math.floor(at / 4))),
  );
  const folder = await mkdtemp(join(dir, 'student-'));
  await writeTensors(folder, 'student.safetensors', {
    sigmas: { dtype: 'F64', shape: [3], data: Float64Array.of(20, 0.5, 0) },
    inters: { dtype: 'F32', shape: [3, 3, 1, 2, 2], data: Float32Array.from(own) },
  });
  const { files } = await paths({
    params: { seeds: [[4, 6]] },
    inputs: { student: [join(folder, 'student.safetensors')], teacher: [teacher] },
    ...{ dir: folder, hints: {}, digests: {}, device: {}, progress: () => {} },
  });
  const found = JSON.parse(await readFile(join(folder, files.paths), 'utf8')) as Paths;
  expect(found.seeds).toEqual([4, 5, 6]);
  expect(found.sigmas).toEqual({ teacher: [...sigmas, 0], student: [20, 0.5, 0] });
  const { sigma, rmse, se } = found.intervals;
  expect(sigma).toEqual([20, 0.5, 0]);
  const last = Math.sqrt((1 + 4 + 9) / 3);
  for (const [i, value] of [0, 0.5, last].entries()) expect(rmse[i]).toBeCloseTo(value, 4);
  // mean squares 1, 4 and 9: their standard deviation over √3, over twice the root of the mean
  const spread = Math.sqrt(((1 - 14 / 3) ** 2 + (4 - 14 / 3) ** 2 + (9 - 14 / 3) ** 2) / 2 / 3);
  for (const [i, value] of [0, 0, spread / (2 * last)].entries()) expect(se[i]).toBeCloseTo(value, 4);
  // each seed's teacher is around the middle of its own path, and a student that is not off lies on it
  expect(found.explained.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 4);
  for (const [i, path] of found.teacher.entries()) {
    for (const axis of [0, 1, 2])
      expect(path.reduce((sum, point) => sum + point[axis]!, 0)).toBeCloseTo(0, 2);
    for (const [axis, value] of found.student[i]![0]!.entries())
      expect(value).toBeCloseTo(path[0]![axis]!, 4);
    expect(found.student[i]).toHaveLength(3);
  }
});
