import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createNodes } from '@fewstep/nx';
import {
  compile,
  experimentExecutor,
  filesOf,
  installedVersions,
  type Point,
  readExperiment,
  report,
  rootsOf,
} from '@fewstep/runner';
import { execute, isShards, needed, openStore, plan } from '@fewstep/taskgraph';
import { afterAll, describe, expect, it } from 'vitest';
import { root } from './command-line.js';
import {
  admTold,
  consistency,
  consistencyTold,
  latentDiffusion,
  latentDiffusionTold,
  save,
  stableDiffusionTold,
  writeTokenizer,
} from './public-files/tiny-models.js';

const folder = join(root, 'experiments');
const files = readdirSync(folder).filter((name) => /(?<!^published)\.yaml$/.test(name));
const dir = mkdtempSync(join(tmpdir(), 'fewstep-experiments-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const versions = installedVersions();
const storeIn = (name: string) => openStore(join(dir, name), { filesOf });
/** Of a folder without weights. */
const read = (name: string, set: readonly string[] = []) =>
  readExperiment(join(folder, name), { cwd: dir, models: join(dir, 'models'), set });

/** Evaluations of a sample, by what the official scripts call it. */
const nfeOf = ({ sampler: { evaluations, numSteps, afs, denoiseToZero } }: Point) =>
  evaluations * (numSteps - 1) - Number(afs) + Number(denoiseToZero);

it.each(files)('experiments/%s is valid, and planned without weights', async (name) => {
  const experiment = await read(name);
  expect(`${experiment.name}.yaml`).toBe(name);
  const planned = await plan(rootsOf(compile(experiment)), { store: await storeIn('planned'), versions });
  expect(planned.length).toBeGreaterThan(experiment.points.length);
  expect(planned.filter(({ found }) => found)).toEqual([]);
  // of what is computed each is told by a title of its own
  const titles = planned.map(({ title }) => title);
  expect(titles.filter((title, i) => titles.indexOf(title) < i)).toEqual([]);
});

it('are projects of Nx, each with what it names as input', async () => {
  const paths = files.map((name) => `experiments/${name}`);
  const found = await createNodes[1](paths, {}, { workspaceRoot: root, nxJsonConfiguration: {} });
  const projects = found.flatMap(([, { projects = {} }]) => Object.values(projects));
  expect(projects.map(({ name }) => `${name}.yaml`)).toEqual(files);
  const inputs = JSON.stringify(projects.find(({ name }) => name === 'digits')?.targets?.run?.inputs);
  expect(inputs).toContain('"{workspaceRoot}/packages/digits/**/*"');
  expect(inputs).toContain('"{workspaceRoot}/experiments/samplers/digits-table-nfe5-seed0.json"');
});

/** What launch.sh (9067ff0) and, where it is silent, train.py (79dc13a) say in amed-solver-main of zju-pi/diff-sampler. */
const trained = { num_steps: 4, afs: true, scale_dir: 0.01, scale_time: 0, lr: 5e-3, total_kimg: 10 };
const amed = { ...trained, sampler_stu: { solver: 'amed' }, sampler_tea: { solver: 'heun' }, M: 1 };
const uniform = { schedule_type: 'time_uniform', schedule_rho: 1 };
const polynomial = { schedule_type: 'polynomial', schedule_rho: 7 };
const onItself = (solver: object) => ({ ...trained, sampler_stu: solver, sampler_tea: solver, M: 2 });
const ipndm = { ...onItself({ solver: 'ipndm', max_order: 4 }), ...polynomial };
const dpmpp = (max_order: number) => ({
  ...onItself({ solver: 'dpmpp', max_order, predict_x0: false, lower_order_final: true }),
  schedule_type: 'discrete',
  schedule_rho: 1,
});
const fifty = { seeds: [[0, 49_999]], sampleBatch: 128 };
/** The five datasets of launch.sh, each with its runs; a solver's own flags stand beside its name. */
const official: Readonly<Record<string, readonly object[]>> = {
  cifar10: [
    { ...amed, ...uniform, ...fifty, batch: 128 },
    { ...ipndm, ...fifty, batch: 128, scale_time: 0.2 },
  ],
  ffhq: [
    { ...amed, ...uniform, ...fifty, batch: 64 },
    { ...ipndm, ...fifty, batch: 64 },
  ],
  imagenet64: [
    { ...amed, ...uniform, ...fifty, batch: 64 },
    { ...ipndm, ...fifty, batch: 64 },
  ],
  lsun_bedroom_ldm: [{ ...dpmpp(3), ...fifty, batch: 64, guidance_type: 'uncond' }],
  ms_coco: [
    {
      ...dpmpp(2),
      ...{ seeds: [[0, 29_999]], sampleBatch: 8, batch: 32, total_kimg: 5 },
      ...{ scale_dir: 0, scale_time: 0.2, guidance_type: 'cfg', guidance_rate: 7.5 },
    },
  ],
};

/** A trained point by the official flags. */
function flagsOf({ sampler, train, guidance, seeds, batch }: Point): object {
  if (!train) throw new Error('nothing is trained');
  const { scale_dir, scale_time, ...sampler_stu } = sampler.method;
  const { type: schedule_type, rho: schedule_rho } = sampler.schedule;
  // as many whole batches as it takes
  expect(train.images % train.batch).toBe(0);
  return {
    ...{ sampler_stu, sampler_tea: train.teacher.method, M: train.M, num_steps: sampler.numSteps },
    ...{ afs: sampler.afs, scale_dir, scale_time, schedule_type, schedule_rho },
    ...{ batch: train.batch, total_kimg: Math.floor(train.images / 1000), lr: train.lr },
    ...(guidance && { guidance_type: guidance.type }),
    ...(guidance?.rate !== undefined && { guidance_rate: guidance.rate }),
    ...{ seeds, sampleBatch: batch },
  };
}

const eight = [...Object.keys(official), 'afhqv2', 'lsun_bedroom', 'imagenet256'];

describe.each(eight)('experiments/%s-amed.yaml', (name) => {
  const file = `${name}-amed.yaml`;

  it('draws five evaluations with every sampler, and says what a run takes', async () => {
    const experiment = await read(file);
    const { points } = experiment;
    expect(points.map(nfeOf)).toEqual(points.map(() => 5));
    const ofModel = needed(rootsOf(compile(experiment))).filter(({ kind }) => kind.name !== 'features');
    const work = ofModel.reduce((sum, node) => {
      if (!isShards(node)) return sum + node.work;
      return sum + node.ranges.reduce((all, [first, last]) => all + last - first + 1, 0) * node.workPerItem;
    }, 0);
    const text = readFileSync(join(folder, file), 'utf8');
    const words = text.replaceAll('\n# ', ' ');
    expect(words).toContain(`takes about ${(work / 1e6).toFixed(1)} million evaluations of single images`);
    expect(points.map(({ evaluate }) => evaluate)).toEqual(points.map(() => ['fid']));
    const shards = Math.ceil(
      Math.max(...points.map(({ train }) => (train ? train.images : 0))) / (4 * points[0]!.batch),
    );
    const planned = await plan(rootsOf(compile(experiment)), { store: await storeIn('planned'), versions });
    const counts = planned.flatMap(({ kind, count }) => (kind.name === 'teacher' ? count : []));
    expect(counts).toEqual(points.flatMap(({ train }) => (train ? shards : [])));
  });

  it.skipIf(!official[name])('trains and samples as launch.sh does', async () => {
    const { points } = await read(file);
    expect(points.filter(({ train }) => train).map(flagsOf)).toEqual(official[name]);
  });
});

it('have the figures of the paper beside them, those of its abstract among them', async () => {
  const atFive = async (name: string) =>
    (await read(`${name}-amed.yaml`)).points.map(({ published }) => published?.fid[5]);
  expect(await atFive('cifar10')).toEqual([7.59, 6.61, 13.59, 24.97]);
  expect(await atFive('ffhq')).toEqual([undefined, 12.49, 17.17, 22.51]);
  expect(await atFive('imagenet64')).toEqual([10.74, 13.83, 18.99, 25.49]);
  expect(await atFive('lsun_bedroom')).toEqual([13.2, 25.68, 80.6, undefined]);
  const { points } = await read('ms_coco-amed.yaml');
  expect(points.map(({ published }) => published?.fid[12])).toEqual([14.84, 15.99]);
});

/** A tiny network of the same family, with random weights, for each: its keys under dataset, and what else it needs. */
async function tinyDatasets(): Promise<Readonly<Record<string, readonly string[]>>> {
  const fixture = (name: string) => join(root, 'packages/models/fixtures', name);
  const at = (name: string) => join(dir, name);
  save(at('cm.safetensors'), await consistency());
  save(at('ldm.safetensors'), await latentDiffusion());
  writeTokenizer(at('tokenizer'));
  writeFileSync(at('captions.csv'), 'id,text\n1,a cat\n2,a dog\n');
  const dataset = (keys: object) => `dataset=${JSON.stringify(keys)}`;
  const edm = [dataset({ checkpoint: fixture('edm-ncsnpp-uncond.p2.pkl') })];
  const { attention_order, num_head_channels } = admTold;
  const classifier = {
    classifier_num_head_channels: num_head_channels,
    classifier_attention_order: attention_order,
  };
  return {
    cifar10: edm,
    ffhq: edm,
    afhqv2: edm,
    imagenet64: [dataset({ checkpoint: fixture('edm-adm-cond.pkl') })],
    lsun_bedroom: [dataset({ checkpoint: at('cm.safetensors'), network: consistencyTold })],
    imagenet256: [
      dataset({
        checkpoint: fixture('adm-diffusion.pt'),
        classifier: fixture('adm-classifier.pt'),
        network: { ...admTold, ...classifier },
      }),
    ],
    lsun_bedroom_ldm: [dataset({ checkpoint: at('ldm.safetensors'), network: latentDiffusionTold })],
    ms_coco: [
      dataset({
        checkpoint: fixture('sd-tiny.ckpt'),
        tokenizer: at('tokenizer'),
        network: stableDiffusionTold,
      }),
      `guidance.prompts=${at('captions.csv')}`,
    ],
  };
}

it('train two batches and sample eight images on tiny networks of the same families', async () => {
  const small = ['evaluate=null', 'train.total_kimg=0.004', 'train.batch=2', 'sample.seeds=0-7'];
  const datasets = await tinyDatasets();
  const [store, executor] = [await storeIn('tiny'), experimentExecutor()];
  try {
    for (const name of eight) {
      const graph = compile(await read(`${name}-amed.yaml`, [...small, ...datasets[name]!]));
      const execution = await execute(rootsOf(graph), { store, executor, versions });
      expect([...execution.failures.values()].map(({ message }) => message)).toEqual([]);
      const { points } = await report(graph, { name, execution, store, place: async (source) => source });
      const counts = { nfe: 5, forwards: name === 'ms_coco' ? 10 : undefined, images: 8 };
      for (const [i, { nfe, forwards, artifacts }] of points.entries()) {
        const { point, samples } = graph.points[i]!;
        const shards = execution.shards.get(samples)!.map((task) => execution.records.get(task)!);
        const images = shards.reduce((sum, { meta }) => sum + Number(meta.images), 0);
        expect({ name, nfe, forwards, images }).toEqual({ name, ...counts });
        if (point.train) expect(point.train).toMatchObject({ images: 4, batch: 2 });
        expect(artifacts.predictor !== undefined).toBe(point.train !== false);
      }
    }
  } finally {
    await executor.close();
  }
});
