import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeStatistics } from '@fewstep/metrics/npz';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { experimentJson } from './command-json.js';
import { fewstep, root } from './command-line.js';
import { workspace } from './small-experiment.js';

const checkpoint = join(root, 'experiments/digits/digits-edm.pkl');
const network = join(root, 'experiments/digits/digits-features.onnx');
const spec = `name: repeats
dataset: { checkpoint: ${checkpoint}, feature_network: ${network}, reference_data: real }
schedule: { type: polynomial, rho: 7 }
student: { solver: euler, num_steps: 2 }
train: false
sample: { seeds: 0-3, batch: 2, grid: 2x2 }
evaluate: [fid]
`;

let dir: string;
beforeAll(async () => {
  dir = await workspace(spec);
  await mkdir(join(dir, 'real'));
  for (let n = 0; n < 5; n++) {
    const pixels = Uint8Array.from({ length: 1024 }, (_, i) => (i * i * (n + 3)) % 251);
    await sharp(pixels, { raw: { width: 32, height: 32, channels: 1 } })
      .toColourspace('b-w')
      .toFile(join(dir, `real/${n}.png`));
  }
});
afterAll(() => rm(dir, { recursive: true, force: true }));

async function run(...set: string[]) {
  const args = ['run', 'spec.yaml', '--json', ...set.flatMap((one) => ['--set', one])];
  const { code, stdout, stderr } = await fewstep(args, { cwd: dir });
  expect(code, stderr).toBe(0);
  return experimentJson(stdout);
}
const digestOf = async (path: string) =>
  createHash('sha256')
    .update(await readFile(path))
    .digest('hex');

it('repeats scores over blocks of seeds, beside what an earlier run had, and says by what protocol', async () => {
  const [alone] = (await run()).points;
  expect(alone.repeats).toBeUndefined();
  const { points, tasks } = await run('sample.seeds=0-11', 'sample.repeats=3', 'sample.tuned_on=3-4');
  const [point] = points;
  // of each further block samples, features and a score; the pictures have images of all
  expect(tasks).toMatchObject({ computed: 2 * 3 + 2 });
  const fids = point.repeats.map(({ metrics }: typeof alone) => metrics.fid);
  expect(point.repeats.map(({ seeds }: { seeds: string }) => seeds)).toEqual(['0-3', '4-7', '8-11']);
  expect(point.repeats[0].metrics).toEqual(alone.metrics);
  const mean = (fids[0] + fids[1] + fids[2]) / 3;
  const squares = fids.reduce((sum: number, fid: number) => sum + (fid - mean) ** 2, 0);
  expect(squares).toBeGreaterThan(0);
  expect(point.metrics.fid).toBeCloseTo(mean, 12);
  expect(point.metrics.fid_se).toBeCloseTo(Math.sqrt(squares / 6), 12);
  expect(point.metrics.fid_min).toBe(Math.min(...fids));
  expect(point).toMatchObject({ images: 4, realImages: 5, leaks: [{ of: 'tuned_on', images: 2 }] });
  expect(point.artifacts.samples).toHaveLength(3);

  expect(point.protocol).toMatchObject({
    ...{ seeds: '0-11', images: 4, repeats: 3, rng: 'torch-cpu', classes: 'random' },
    ...{ nfe: { evaluations: 1 }, afs: false, denoiseToZero: false },
    model: { file: 'digits-edm.pkl', sha256: await digestOf(checkpoint) },
    dtype: { network: 'float32', solver: 'float64' },
    devices: {
      samples: [{ device: { type: 'cpu' }, tasks: 3 }],
      features: [{ device: { type: 'cpu' }, tasks: 3 }],
    },
    scores: {
      fid: {
        features: { file: 'digits-features.onnx', sha256: await digestOf(network) },
        reference: { file: 'real', sha256: expect.stringMatching(/^[0-9a-f]{64}$/), images: 5 },
      },
    },
  });
  expect(Object.keys(point.protocol.versions).sort()).toEqual(['metrics', 'models', 'schedules', 'solvers']);
  expect(JSON.stringify(point.protocol)).not.toContain(root);
  // what the command line changed is another run, whose report has its files as they lie beside it
  const beside = join(dir, 'results/repeats+sample.repeats=3+sample.seeds=0-11+sample.tuned_on=3-4');
  const [kept] = JSON.parse(await readFile(join(beside, 'report.json'), 'utf8')).points;
  const { grid, samples } = kept.artifacts;
  expect([grid, samples[0]]).toEqual([
    'euler/grid.png',
    `../../.fewstep/${point.artifacts.samples[0].split('/.fewstep/')[1]}`,
  ]);
  expect({ ...kept, artifacts: point.artifacts }).toEqual(point);
  const table = await readFile(join(beside, 'table.md'), 'utf8');
  expect(table).toMatch(/^\| sampler \| NFE \| +fid \|.* fid_min \|\n(.*\n)+\| euler .* ± /);
  expect(table).toContain('\nOf 3 × 4 images, against 5 real images.\n');
  expect(table).toMatch(/\nLEAK: scored on seeds .*: all points \(2 of 12 images\)\.\n/);
});

it('tells statistics as such, and the sampler of a reference', async () => {
  const [dim, path] = [224, join(dir, 'ref.npz')];
  const sigma = Float64Array.from({ length: dim * dim }, (_, i) => (i % (dim + 1) === 0 ? 1 : 0));
  await writeFile(path, await writeStatistics({ mu: new Float64Array(dim), sigma }));
  const few = 'reference={ solver: euler, num_steps: 3 }';
  const [{ protocol, realImages }] = (
    await run('dataset.reference_data=ref.npz', 'evaluate=[fid, rmse_to_teacher]', few)
  ).points;
  expect(realImages).toBeUndefined();
  const { fid, rmse_to_teacher: rmse } = protocol.scores;
  expect(fid.reference).toEqual({ file: 'ref.npz', sha256: await digestOf(path), statistics: true });
  expect(rmse.reference).toMatchObject({ method: { solver: 'euler' }, numSteps: 3 });
  expect([fid.files, rmse.features, rmse.files]).toEqual([undefined, undefined, undefined]);
});

it('refuses to score a single image, and draws it', async () => {
  const one = ['spec.yaml', '--set', 'sample.seeds=7', '--set', 'sample.repeats=3'];
  expect(await fewstep(['run', ...one], { cwd: dir })).toMatchObject({
    ...{ code: 2, stdout: '' },
    stderr: expect.stringContaining('the seeds are 1, which makes no 3 blocks of equal size'),
  });
  const { code, stderr } = await fewstep(['sample', ...one, '--outdir', 'drawn'], { cwd: dir });
  expect(code, stderr).toBe(0);
  expect(await readdir(join(dir, 'drawn'))).toContain('000007.png');
});
