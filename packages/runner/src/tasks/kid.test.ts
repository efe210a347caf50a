import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { kid, kidOverSubsets } from '@fewstep/metrics';
import { torchCpu } from '@fewstep/solvers';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { writeFeatures } from './features-file.js';
import { run } from './kid.js';

const dim = 3;
let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'fewstep-kid-'));
});
afterAll(() => rm(dir, { recursive: true }));

const features = (n: number, seed: number) => Float32Array.from(torchCpu(seed).randn(n * dim));

async function shards(data: Float32Array, cuts: readonly number[]): Promise<string[]> {
  const bounds = [0, ...cuts, data.length / dim];
  return Promise.all(
    bounds.slice(1).map(async (end, i) => {
      const shard = await mkdtemp(join(dir, 'shard-'));
      const part = data.slice(bounds[i]! * dim, end * dim);
      return join(shard, (await writeFeatures(shard, part, dim)).files.features);
    }),
  );
}
const params = { subsets: 2, size: 20, seed: 5 };
async function scored(features: string[], reference: string[]): Promise<{ kid: number; kid_se: number }> {
  const given = { params, hints: {}, digests: {}, device: null, dir, progress: () => {} };
  await run({ ...given, inputs: { features, reference } });
  return JSON.parse(await readFile(join(dir, 'value.json'), 'utf8'));
}

it('goes over all pairs up to as many as subsets have, and above over subsets, however sets are cut', async () => {
  const y = features(20, 2);
  const reference = await shards(y, []);
  // 2 subsets of 20 are 2400 products: 36² + 20² + 36·20 = 2416, and with 35 images 2325.
  const few = features(35, 1);
  const all = await kid({ dim, data: few }, { dim, data: y });
  const ofFew = await scored(await shards(few, [10]), reference);
  expect(ofFew.kid).toBeCloseTo(all.kid, 12);
  expect(ofFew.kid_se).toBeCloseTo(all.standardError, 12);

  const many = features(36, 1);
  const { randint } = torchCpu(5);
  const draw = (below: number) => randint(below, 1)[0]!;
  const mean = await kidOverSubsets({ dim, data: many }, { dim, data: y }, { subsets: 2, size: 20, draw });
  const ofMany = await scored(await shards(many, [7, 30]), reference);
  expect(ofMany.kid).toBeCloseTo(mean.kid, 12);
  expect(ofMany.kid_se).toBeCloseTo(mean.standardError, 12);
  expect(await scored(await shards(many, []), reference)).toEqual(ofMany);
});

it('takes subsets of what the smaller set has', async () => {
  const [many, few] = [await shards(features(80, 1), []), await shards(features(3, 2), [])];
  const found = await scored(many, few);
  expect(Number.isFinite(found.kid) && found.kid_se > 0).toBe(true);
  await expect(scored(many, await shards(features(1, 2), []))).rejects.toMatchObject({
    code: 'E_FEATURES',
    evidence: { counts: [80, 1] },
  });
});
