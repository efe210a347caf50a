import { createHash } from 'node:crypto';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { writeStatistics } from '@fewstep/metrics/npz';
import { exportDenoiser, openDenoiser, readCheckpoint } from '@fewstep/models';
import { sigmas } from '@fewstep/schedules';
import {
  type Block,
  draw,
  fit,
  generators,
  methods,
  rngs,
  roundsOf,
  solve,
  withContrast,
  within,
} from '@fewstep/solvers';
import { afterAll, beforeAll, expect, it } from 'vitest';
// what makes graphs, as it is built
import { encodeOnnx } from '../../packages/models/dist/onnx/onnx-model.js';
import { experimentJson } from './command-json.js';
import { fewstep, root, start } from './command-line.js';
import { computingProcess } from './faults/processes.js';
import { workspace } from './small-experiment.js';

const checkpoint = join(root, 'packages/models/fixtures/edm-adm-cond.pkl');
const spec = `name: fitted
dataset: { checkpoint: ${checkpoint} }
schedule: { type: polynomial, rho: 7 }
student: { solver: table, start: ipndm, max_order: 2, num_steps: 3 }
teacher: { num_steps: 2 }
train: { images: 16, validation: 16, seed: 3 }
sample: { seeds: 0-3, batch: 5, grid: 2x2 }
`;

const folders: string[] = [];
const folder = async () => {
  const dir = await workspace(spec);
  folders.push(dir);
  return dir;
};
afterAll(() => Promise.all(folders.map((dir) => rm(dir, { recursive: true, force: true }))));

const run = async (dir: string) => {
  const { code, stdout, stderr } = await fewstep(['run', 'spec.yaml', '--json'], { cwd: dir });
  expect(code, stderr).toBe(0);
  return experimentJson(stdout);
};
const samplerIn = (dir: string) => readFile(join(dir, 'results/fitted/table/sampler.json'), 'utf8');

let dir: string;
let undisturbed: string;
beforeAll(async () => {
  dir = await folder();
});

it('plans, fits and samples a table, as fitting it in memory gives it, to the last bit', async () => {
  const { stdout } = await fewstep(['plan', 'spec.yaml'], { cwd: dir });
  const { points, tasks } = await run(dir);
  const [{ nfe, train_calls, artifacts }] = points;
  expect(nfe).toBe(2);
  undisturbed = await samplerIn(dir);
  const { table, train } = JSON.parse(undisturbed);
  const log = (await readFile(join(dir, artifacts.log), 'utf8')).trim().split('\n');

  const { graph, info } = exportDenoiser(await readCheckpoint(checkpoint));
  const network = await openDenoiser(graph, info);
  const shape = [info.channels, info.resolution, info.resolution] as const;
  const range = { sigmaMin: info.sigmaMin, sigmaMax: info.sigmaMax };
  const levels = (numSteps: number) => sigmas({ type: 'polynomial', rho: 7 }, { numSteps, ...range });
  const view = withContrast(within([-1, 1]), shape, 4);
  let calls = 0;
  const blockOf = async (first: number): Promise<Block & { readonly labels: readonly number[] }> => {
    const drawn = Array.from({ length: 16 }, (_, i) =>
      draw(first + i, shape, info.labelDim, rngs['torch-cpu']),
    );
    const noise = Float64Array.from(drawn.flatMap(({ latent }) => [...latent]));
    const labels = drawn.map(({ label }) => label!);
    const { x, nfe } = await solve({
      solver: methods.heun.make({}, range),
      x: noise.map((value) => value * range.sigmaMax),
      n: 16,
      sigmas: levels(2),
      denoiseToZero: true,
      denoise: (request) => network.evaluate({ ...request, labels }),
    });
    calls += 16 * nfe;
    return { noise, goal: await view(Float64Array.from(Float32Array.from(x)), 16), n: 16, labels };
  };
  const family = generators.table.make(
    { bands: 4, by_band: 'last' },
    { solver: methods.ipndm.make({ max_order: 2 }, range), sigmas: levels(3), shape },
  );
  const block = await blockOf(2 ** 31 + 3 * 2 ** 20);
  const found = await fit({
    family,
    rounds: roundsOf(1).map(({ keep }) => ({ blocks: [block], keep })),
    validation: [await blockOf(3 * 2 ** 30)],
    view,
    async denoise({ owners, ...request }, { labels }) {
      calls += owners.length;
      return network.evaluate({ ...request, labels: owners.map((i) => labels[i]!) });
    },
  });
  await network.close();
  expect(table).toEqual(found.table);
  expect(train).toMatchObject({ calls, seeds: '2150629376-2150629391', teacher_calls: 2 * 16 * 3 });
  expect(train.rmse).toEqual([found.state.log[0]!.rmse, found.state.best!.rmse]);
  expect(train.rmse[1]).toBeLessThan(0.7 * train.rmse[0]);
  expect(train_calls).toBe(calls);
  expect(log.map((line) => JSON.parse(line))).toEqual(
    found.state.log.map((one, i) => ({ round: i + 1, ...one })),
  );
  // samples beside; what tables ask alike is planned as if it weren't
  const planned = Number(stdout.match(/about ([\d,]+) evaluations/)![1]!.replace(',', ''));
  expect(planned).toBe(calls + 4 * 2);
  expect(stdout).toContain(`fitted: 1 point, ${tasks.computed} tasks: 0 in the store`);
  // a round is told apart from another
  expect(stdout).toContain('  fit-equations      equations of table, round 5, seeds 2150629376-2150629391\n');
});

it('brings its samples to the teacher’s energy where it is told to, for one sampling of what validates', async () => {
  const args = ['run', 'spec.yaml', '--json', '--set', 'train.match_energy=true'];
  const { code, stdout, stderr } = await fewstep(args, { cwd: dir });
  expect(code, stderr).toBe(0);
  const { points, tasks } = experimentJson(stdout);
  const { table, train } = JSON.parse(await readFile(join(dir, points[0].artifacts.sampler), 'utf8'));
  const { table: before, train: plain } = JSON.parse(undisturbed);
  expect(train).toEqual({ ...plain, match_energy: true, calls: plain.calls + 16 * 2 });
  expect(table.rows.slice(0, -1)).toEqual(before.rows.slice(0, -1));
  const gains: number[] = table.rows.at(-1).map((entry: number, i: number) => entry / before.rows.at(-1)[i]);
  expect(gains).toEqual(gains.map((_, i) => expect.closeTo(gains[i % 4]!, 9)));
  expect(gains.some((gain) => Math.abs(gain - 1) > 1e-3)).toBe(true);
  expect(gains.every((gain) => gain > 0.5 && gain < 2)).toBe(true);
  // the fit itself is found
  expect(tasks).toMatchObject({ computed: 5 });
});

it('goes on for as many rounds more as it is told to, from where it had come to', async () => {
  const args = ['run', 'spec.yaml', '--json', '--set', 'train.final_rounds=2'];
  const { code, stdout, stderr } = await fewstep(args, { cwd: dir });
  expect(code, stderr).toBe(0);
  const { points, tasks } = experimentJson(stdout);
  const { train } = JSON.parse(await readFile(join(dir, points[0].artifacts.sampler), 'utf8'));
  const { train: plain } = JSON.parse(undisturbed);
  const log = (await readFile(join(dir, points[0].artifacts.log), 'utf8')).trim().split('\n');
  expect(log).toHaveLength(plain.rounds + 1);
  expect(train.rounds).toBe(plain.rounds + 1);
  expect(JSON.parse(log.at(-1)!).rmse).toBe(plain.rmse[1]);
  expect(train.rmse[1]).toBeLessThan(plain.rmse[1]);
  // all rounds here are of the same one block
  expect(train.calls - plain.calls).toBe(JSON.parse(log[1]!).calls - JSON.parse(log[0]!).calls);
  // a round and what is made of its end: the sampler, samples, their comparison and the picture
  expect(tasks).toMatchObject({ computed: 9 });
});

it('is trained once, whatever is sampled', async () => {
  expect((await run(dir)).tasks).toMatchObject({ computed: 0 });
  const args = ['plan', 'spec.yaml', '--json', '--set', 'sample={seeds: 4-7, batch: 2, grid: 2x2}'];
  const { tasks } = experimentJson((await fewstep(args, { cwd: dir })).stdout);
  const missing = tasks.flatMap(({ kind, found }: { kind: string; found: boolean }) => (found ? [] : kind));
  expect(missing.sort()).toEqual(['comparison', 'picture', 'samples']);
});

it('goes on to the same bits wherever it is killed, and as often', async () => {
  const killed = await folder();
  const kept = async () => {
    const records = await readdir(join(killed, '.fewstep/records'), { recursive: true }).catch(() => []);
    return records.filter((name) => name.endsWith('.json')).length;
  };
  // in the first round and near the end, anywhere in a task
  for (const least of [6, 18]) {
    const { child, finished } = start(['run', 'spec.yaml'], { cwd: killed });
    const computing = await computingProcess(child);
    while ((await kept()) < least && child.exitCode === null) await sleep(1);
    await sleep(50 * Math.random());
    for (const pid of [computing, child.pid!]) process.kill(pid, 'SIGKILL');
    await finished;
  }
  const before = await kept();
  const { tasks } = await run(killed);
  expect(tasks.local).toBe(before);
  expect(tasks.computed).toBeGreaterThan(1);
  expect(await samplerIn(killed)).toBe(undisturbed);
});

/** Files of two small networks: one denoises [n, 1, 4, 4], the other sees the squares of grey levels. */
async function networksIn(own: string): Promise<void> {
  const value = (name: string, ...shape: number[]) =>
    ({ name, type: 'float32', shape: ['n', ...shape] }) as const;
  const node = (op: string, inputs: readonly string[], output: string) => ({
    ...{ op, inputs, attributes: {} },
    outputs: [output],
  });
  const files = {
    denoiser: {
      inputs: [value('x', 1, 4, 4), value('sigma')],
      outputs: [value('denoised', 1, 4, 4)],
      nodes: [node('Tanh', ['x'], 'denoised')],
    },
    features: {
      inputs: [value('images', 1, 4, 4)],
      outputs: [value('features', 16)],
      nodes: [node('Mul', ['images', 'images'], 'squares'), node('Flatten', ['squares'], 'features')],
    },
  };
  for (const [name, graph] of Object.entries(files))
    await writeFile(join(own, `${name}.onnx`), encodeOnnx({ opset: 17, initializers: [], ...graph }).graph);
}

it('is fitted to features of the network that scores it, and says so wherever it is scored', async () => {
  const own = await workspace(`name: seen
dataset:
  checkpoint: denoiser.onnx
  onnx: { parametrization: denoiser }
  sigma_min: 0.1
  sigma_max: 10
  feature_network: features.onnx
  reference_data: ref.npz
schedule: { type: polynomial, rho: 7 }
student: { solver: table, num_steps: 2, bands: 1 }
teacher: { num_steps: 2 }
train: { images: 16, validation: 16, loss: features, feature_weight: 0.5 }
sample: { seeds: 0-3, batch: 4, grid: 2x2 }
evaluate: [fid]
`);
  folders.push(own);
  await networksIn(own);
  const sigma = Float64Array.from({ length: 256 }, (_, i) => Number(i % 17 === 0));
  await writeFile(join(own, 'ref.npz'), await writeStatistics({ mu: new Float64Array(16), sigma }));
  const { points } = await run(own);
  expect(points[0]).toMatchObject({ nfe: 1, leaks: [{ of: 'features', images: 4 }] });
  const { train } = JSON.parse(await readFile(join(own, points[0].artifacts.sampler), 'utf8'));
  const bytes = await readFile(join(own, 'features.onnx'));
  expect(train).toMatchObject({
    loss: 'features',
    features: {
      network: 'features.onnx',
      sha256: createHash('sha256').update(bytes).digest('hex'),
      weight: 0.5,
    },
    uses_metric_features: true,
  });
  const log = (await readFile(join(own, points[0].artifacts.log), 'utf8')).trim().split('\n');
  const { rmse, validation } = JSON.parse(log[0]!);
  expect(rmse).toBe(train.rmse[0]);
  expect(validation).toBeGreaterThan(rmse);

  const shown = await fewstep(['samplers', 'show', 'seen'], { cwd: own });
  expect(shown.stdout).toMatch(
    /loss features.*\n +features +features\.onnx \(SHA-256 [0-9a-f]{64}\), weight 0\.5/,
  );
  const given = (await readFile(join(own, 'spec.yaml'), 'utf8'))
    .replace(/^(schedule|student|teacher|train|name):.*\n/gm, '')
    .concat('name: given\nsampler: results/seen/table/sampler.json\n');
  await writeFile(join(own, 'spec.yaml'), given);
  const { stdout } = await fewstep(['run', 'spec.yaml'], { cwd: own });
  expect(stdout).toMatch(
    /LEAK: scored on features of the network that the sampler was fitted to.*4 of 4 images/,
  );
});
