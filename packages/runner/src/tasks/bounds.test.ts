import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { boundsByBand, boundsOf, compile, euler, type JointRequest, latents, within } from '@fewstep/solvers';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { formatSampler } from '../sampler/sampler-file.js';
import { writeTensors } from './artifacts.js';
import { run as bounds } from './bounds.js';
import { run as byBand } from './bounds-by-band.js';
import { readBounds } from './bounds-file.js';
import { noModel } from './inputs.test.support.js';

/** A network that is told a class, and of it answers another image. */
const answer = (x: number, sigma: number, label: number) =>
  (0.25 * x + sigma ** 2 * Math.sin(x / sigma + label)) / (0.25 + sigma ** 2);
const asked = vi.hoisted(() => [] as number[]);
vi.mock('./load-denoiser.js', () => ({
  shapeOf: () => [1, 2, 2],
  loadDenoiser: async () => ({
    info: { channels: 1, resolution: 2, labelDim: 3, sigmaMin: 0.1, sigmaMax: 20 },
    denoiser: {
      evaluate: async ({ x, sigma, labels }: { x: Float64Array; sigma: Float64Array; labels: number[] }) => {
        asked.push(labels.length);
        return {
          denoised: x.map((value, i) => answer(value, sigma[Math.floor(i / 4)]!, labels[Math.floor(i / 4)]!)),
          bottleneck: [],
        };
      },
    },
  }),
}));

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'fewstep-bounds-'));
});
afterAll(() => rm(dir, { recursive: true }));

const sigmas = [20, 1, 0.1];
const table = compile({ solver: euler, sigmas });
const seeds = [3, 4, 5, 8];
const noise = latents(seeds, [1, 2, 2]);
// beyond black and white, where images are cut off
const ends = Float32Array.from(noise, (z) => 1.5 * Math.cos(2 * z));
const goal = Float64Array.from(ends, (value) => Math.min(1, Math.max(-1, value)));

/** What a task finds of seeds, the `first` of them on. */
async function found(task: unknown, range: unknown, first: number, counts: readonly number[]) {
  const sampler = join(dir, 'sampler.json');
  const model = { shape: [1, 2, 2], sigma_min: 0.1, sigma_max: 20, latents: false } as const;
  const student = { solver: 'euler', num_steps: 3 };
  await writeFile(sampler, formatSampler({ table, model, schedule: { type: 'explicit', sigmas }, student }));
  let at = 4 * first;
  const targets: string[] = [];
  for (const n of counts) {
    const data = ends.slice(at, (at += 4 * n));
    const x = { dtype: 'F32', shape: [n, 1, 2, 2], data } as const;
    targets.push(join(dir, await writeTensors(dir, `${targets.length}.safetensors`, { x })));
  }
  const folder = await mkdtemp(join(dir, 'task-'));
  const { files, meta } = await (task as typeof byBand)({
    params: { seeds: range, classes: [0, 1, 2] } as never,
    inputs: { ...noModel, sampler, targets: task === bounds ? targets[0] : targets } as never,
    ...{ dir: folder, hints: { batch: 3 }, digests: {}, device: { type: 'cpu' }, progress: () => {} },
  });
  return { path: join(folder, files.bounds), calls: meta.calls };
}
const from = (first: number, n: number) => ({
  block: {
    noise: noise.subarray(4 * first, 4 * (first + n)),
    goal: goal.subarray(4 * first, 4 * (first + n)),
    n,
  },
  denoise: ({ x, sigma, owners }: JointRequest) => ({
    denoised: x.map((value, i) => {
      const sample = Math.floor(i / 4);
      return answer(value, sigma[sample]!, seeds[first + owners[sample]!]! % 3);
    }),
  }),
});

it('bounds of blocks are those of their images, each of its own class, so many evaluated at once', async () => {
  const [one, two] = [await found(bounds, [3, 5], 0, [3]), await found(bounds, [8, 8], 3, [1])];
  expect(Math.max(...asked)).toBe(3);
  const both = await readBounds([one.path, two.path]);
  const { block, denoise } = from(0, 4);
  const expected = await boundsOf(table, block, denoise, within([-1, 1]));
  expect(both).toEqual({ numbers: 4, bounds: expected });
  expect((one.calls as number) + (two.calls as number)).toBe(
    expected.reduce((sum, { calls }) => sum + calls, 0),
  );
});

it('those by band are of all blocks at once', async () => {
  const { path } = await found(
    byBand,
    [
      [3, 5],
      [8, 8],
    ],
    0,
    [3, 1],
  );
  const { block, denoise } = from(0, 4);
  const expected = await boundsByBand(table, [1, 2, 2], block, denoise, within([-1, 1]));
  expect(await readBounds([path])).toEqual({ numbers: 4, bounds: expected });
  expect(expected[0]!.squares).toHaveLength(2);
});
