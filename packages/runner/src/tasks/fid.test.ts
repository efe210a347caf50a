import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  errorOfInfluences,
  frechetDistance,
  frechetError,
  frechetInfluences,
  frechetJackknife,
  statistics,
} from '@fewstep/metrics';
import { writeStatistics } from '@fewstep/metrics/npz';
import { torchCpu } from '@fewstep/solvers';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readTensors, tensorOf } from './artifacts.js';
import { writeFeatures } from './features-file.js';
import { run } from './fid.js';

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'fewstep-fid-'));
});
afterAll(() => rm(dir, { recursive: true }));

const features = (n: number, dim: number, seed: number, scale = 1) => ({
  dim,
  data: Float32Array.from(torchCpu(seed).randn(n * dim), (value) => scale * value),
});
type Features = ReturnType<typeof features>;

async function shards({ data, dim }: Features, cuts: readonly number[] = []): Promise<string[]> {
  const bounds = [0, ...cuts, data.length / dim];
  return Promise.all(
    bounds.slice(1).map(async (end, i) => {
      const shard = await mkdtemp(join(dir, 'shard-'));
      const part = data.slice(bounds[i]! * dim, end * dim);
      return join(shard, (await writeFeatures(shard, part, dim)).files.features);
    }),
  );
}
async function scored(features: string[], real: { reference: string[]; statistics: string | undefined }) {
  const given = { params: {}, hints: {}, digests: {}, device: null, dir, progress: () => {} };
  await run({ ...given, inputs: { features, ...real } });
  return JSON.parse(await readFile(join(dir, 'value.json'), 'utf8'));
}

it('has the error, and of enough images what infinitely many would have, however sets are cut', async () => {
  const [few, enough, real] = [features(9, 5, 1, 1.5), features(10, 5, 1, 1.5), features(30, 5, 2)];
  const reference = { reference: await shards(real, [11]), statistics: undefined };
  const statisticsOfReal = await statistics([real]);
  for (const set of [few, enough]) {
    const own = await statistics([set]);
    const found = await scored(await shards(set, [3, 8]), reference);
    expect(await scored(await shards(set), reference)).toEqual(found);
    expect(found.fid).toBeCloseTo(await frechetDistance(own, statisticsOfReal), 12);
    const error = await frechetError([set], own, statisticsOfReal);
    expect(found.fid_se).toBeCloseTo(error, 9);
    expect(error).toBeGreaterThan(0.1);
    const kept = tensorOf(await readTensors(join(dir, 'influences.safetensors')), 'influences', 'F64').data;
    expect(errorOfInfluences(kept)).toBe(found.fid_se);
    const influences = await frechetInfluences([set], own, statisticsOfReal);
    for (const [i, value] of kept.entries()) expect(value).toBeCloseTo(influences[i]!, 9);
    const { limit } = await frechetJackknife([set], own, statisticsOfReal, { groups: 4 });
    if (set === few) expect(Object.keys(found)).toEqual(['fid', 'fid_se']);
    else expect(found).toEqual({ ...found, fid_inf: expect.closeTo(limit, 9), fid_inf_se: found.fid_se });
  }
});

it('is of so many images as papers have without what infinitely many would have', async () => {
  const path = join(dir, 'ref.npz');
  await writeFile(path, await writeStatistics({ mu: Float64Array.of(0.5), sigma: Float64Array.of(4) }));
  const all = features(50_000, 1, 3);
  const real = { reference: [], statistics: path };
  const found = await scored(await shards(all, [20_000]), real);
  expect(Object.keys(found)).toEqual(['fid', 'fid_se']);
  // |Δμ|² + (σ − σ_r)², whose derivatives are 2 Δμ = −1 and 1 − σ_r/σ = −1 times variances of 1 and 2
  expect(found.fid).toBeCloseTo(0.25 + 1, 1);
  expect(found.fid_se).toBeCloseTo(Math.sqrt(3 / 50_000), 4);
  const less = await scored(await shards({ dim: 1, data: all.data.subarray(1) }), real);
  expect(less.fid_inf).toBeLessThan(less.fid);
  expect(less.fid - less.fid_inf).toBeLessThan(less.fid_se);
  // of one feature, seven images are no four groups of two
  expect(Object.keys(await scored(await shards(features(7, 1, 3)), real))).toEqual(['fid', 'fid_se']);
});

it('holds where real images are all the same, and refuses statistics of other features', async () => {
  const point = { dim: 2, data: new Float32Array(8).fill(3) };
  const found = await scored(await shards(features(9, 2, 4)), {
    reference: await shards(point),
    statistics: undefined,
  });
  expect(found.fid_se).toBeGreaterThan(0);
  const path = join(dir, 'other.npz');
  await writeFile(path, await writeStatistics({ mu: Float64Array.of(0), sigma: Float64Array.of(1) }));
  await expect(
    scored(await shards(features(9, 2, 4)), { reference: [], statistics: path }),
  ).rejects.toMatchObject({ code: 'E_STATISTICS', evidence: { expected: 2, found: [1] } });
});
