import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { frechetDistance, rmse, type Statistics, statistics } from '@fewstep/metrics';
import { readImages } from '@fewstep/metrics/images';
import { type FeatureNetwork, openFeatureNetwork } from '@fewstep/metrics/onnx';
import {
  type DenoiserInfo,
  exportDenoiser,
  type LoadedDenoiser,
  openDenoiser,
  readEdmCheckpoint,
  readOfficialPredictor,
  readSafetensors,
  toUint8,
} from '@fewstep/models';
import { compile, experimentExecutor, installedVersions, parseExperiment } from '@fewstep/runner';
import { draw, heun, parseSeeds, placement, predict, type Solver, solve } from '@fewstep/solvers';
import { execute, openStore } from '@fewstep/taskgraph';
import { officialSigmas, solverOf, studentOf } from './configuration.js';
import type { Golden } from './golden.js';
import { type Outcome, outcome, type Topic } from './topic.js';
import { compare } from './trajectory.js';

// biome-ignore lint/suspicious/noExplicitAny: an index is data whose form its topic alone knows
type Case = any;

/** Bounds of the golden README: latents are PyTorch's vectorised floats, images a network's float32 noise. */
const latentsTolerance = 1e-5;
const imagesTolerance = 2e-3;
const scoreTolerance = 0.01;
const equalPixels = 0.999;
const batch = 64;

/**
 * Predictors of the official training and plain solvers on a real denoiser: images of seeds, and their scores.
 *
 * The checkpoint, the feature network and the real images that the index names are looked for in its folder, in `digits/`
 * beside the folder of golden figures, and in `experiments/digits/` of this repository.
 */
export const officialPredictors: Topic = async (golden) => {
  const bench = await openBench(golden);
  const outcomes: Outcome[] = [];
  try {
    for (const one of golden.index.cases as Case[]) {
      const id = one.file.replace(/\.pkl$/, '');
      const config = { ...one.settings, ...bench.range };
      const steer = async () => {
        const { settings, weights } = await readOfficialPredictor(join(golden.folder, one.file));
        return studentOf(one.student, config).steered(predict({ outputs: placement(settings), weights }));
      };
      outcomes.push(
        await outcome(`${id}/settings`, () => checkSettings(golden, one)),
        ...(await checkSampler(golden, bench, id, one, { config, open: steer })),
        await outcome(`${id}/spec`, () => checkSpec(golden, bench, one)),
      );
    }
    for (const one of (golden.index.plain ?? []) as Case[]) {
      const config = { ...one.settings, ...bench.range };
      const open = async () => solverOf(one.solver, config);
      const id = one.samples.replace(/\.safetensors$/, '');
      outcomes.push(...(await checkSampler(golden, bench, id, one, { config, open })));
    }
  } finally {
    await bench.close();
  }
  return outcomes;
};

interface Sampler {
  readonly config: Case;
  readonly open: () => Promise<Solver>;
}

/** The denoiser with what its samples are compared with. */
interface Bench {
  readonly checkpoint: string;
  readonly info: DenoiserInfo;
  readonly denoiser: LoadedDenoiser;
  readonly network: FeatureNetwork;
  readonly range: { readonly sigma_min: number; readonly sigma_max: number };
  /** Of the real images. */
  reference(): Promise<Statistics>;
  /** 8-bit images of Heun's method with 35 evaluations. */
  heun35(seeds: string): Promise<Uint8Array>;
  close(): Promise<void>;
}

async function openBench(golden: Golden): Promise<Bench> {
  const { checkpoint: checkpointName, feature_network, reference: referenceText } = golden.index;
  const checkpoint = locate(golden, checkpointName);
  const networkFile = locate(golden, feature_network);
  const [referenceName] = (referenceText as string).split(' ');
  const referenceFile = locate(golden, referenceName!);
  const { graph, info } = exportDenoiser(await readEdmCheckpoint(checkpoint));
  const denoiser = await openDenoiser(graph, info);
  const network = await openFeatureNetwork(networkFile);
  const range = { sigma_min: info.sigmaMin, sigma_max: info.sigmaMax };
  let real: Promise<Statistics> | undefined;
  const exact = new Map<string, Promise<Uint8Array>>();
  const bench: Bench = {
    checkpoint,
    info,
    denoiser,
    network,
    range,
    reference: () => (real ??= referenceStatistics(network, referenceFile)),
    heun35(seeds) {
      const config = {
        ...range,
        schedule_type: 'polynomial',
        schedule_rho: 7,
        num_steps: 18,
        denoise_to_zero: true,
      };
      const found = exact.get(seeds) ?? bytesOf(bench, heun as Solver, config, seeds);
      exact.set(seeds, found);
      return found;
    },
    async close() {
      await denoiser.close();
      await network.close();
    },
  };
  return bench;
}

function locate(golden: Golden, name: string): string {
  const folders = [
    golden.folder,
    join(golden.folder, '../../digits'),
    fileURLToPath(new URL('../../../experiments/digits', import.meta.url)),
  ];
  const found = folders.map((folder) => join(folder, name)).find((path) => existsSync(path));
  if (found === undefined)
    throw new Error(`the index names ${name}, which is not in ${folders.join(', nor in ')}`);
  return found;
}

async function referenceStatistics(network: FeatureNetwork, file: string): Promise<Statistics> {
  const sets = [];
  for await (const images of readImages(file, { batch }))
    sets.push({ dim: network.dim, data: await network.features(images) });
  return statistics(sets);
}

interface Drawn {
  readonly latents: Float64Array;
  readonly labels: readonly (number | undefined)[];
  readonly images: Float64Array;
}

/** What the sampler draws for some seeds, batch by batch. */
async function* sample(
  { info, denoiser }: Bench,
  solver: Solver,
  config: Case,
  seeds: string,
): AsyncGenerator<Drawn> {
  const shape = [info.channels, info.resolution, info.resolution];
  const sigmas = officialSigmas(config);
  const all = parseSeeds(seeds);
  for (let first = 0; first < all.length; first += batch) {
    const drawn = all.slice(first, first + batch).map((seed) => draw(seed, shape, info.labelDim));
    const latents = Float64Array.from(drawn.flatMap(({ latent }) => [...latent]));
    const labels = drawn.map(({ label }) => label);
    const { x } = await solve({
      solver,
      x: latents.map((value) => value * sigmas[0]!),
      n: drawn.length,
      sigmas,
      afs: config.afs ?? false,
      denoiseToZero: config.denoise_to_zero ?? false,
      denoise: (request) =>
        denoiser.evaluate({
          ...request,
          ...(info.labelDim > 0 && { labels: labels.map((label) => label ?? null) }),
        }),
    });
    yield { latents, labels, images: x };
  }
}

async function bytesOf(bench: Bench, solver: Solver, config: Case, seeds: string): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const { images } of sample(bench, solver, config, seeds)) parts.push(toUint8(images));
  return Buffer.concat(parts);
}

/** The reader's settings against the index's. */
async function checkSettings(golden: Golden, one: Case): Promise<string | undefined> {
  const { settings } = await readOfficialPredictor(join(golden.folder, one.file));
  const wrong = Object.entries({ sampler_stu: one.student, ...one.settings }).filter(
    ([name, value]) => settings[name as keyof typeof settings] !== value,
  );
  if (wrong.length === 0) return undefined;
  return wrong
    .map(([name, value]) => `${name} is ${settings[name as keyof typeof settings]}, not ${value}`)
    .join('; ');
}

async function checkSampler(
  golden: Golden,
  bench: Bench,
  id: string,
  one: Case,
  { config, open }: Sampler,
): Promise<Outcome[]> {
  const official = await golden.tensors(one.samples);
  const array = (name: string) => Float64Array.from(official[name]!.data, Number);
  let drawn: Drawn = { latents: new Float64Array(), labels: [], images: new Float64Array() };
  const outcomes = [
    await outcome(`${id}/latents`, async () => {
      const parts: Drawn[] = [];
      for await (const part of sample(bench, await open(), config, one.seeds)) parts.push(part);
      const join = (pick: (part: Drawn) => Float64Array) =>
        Float64Array.from(parts.flatMap((part) => [...pick(part)]));
      drawn = {
        latents: join(({ latents }) => latents),
        labels: parts.flatMap(({ labels }) => labels),
        images: join(({ images }) => images),
      };
      return compare('latents', drawn.latents, array('latents'), latentsTolerance);
    }),
    await outcome(`${id}/labels`, () => {
      const [found, wanted] = [drawn.labels.join(), array('labels').join()];
      return found === wanted ? undefined : `labels are ${found}, not ${wanted}`;
    }),
    await outcome(`${id}/images`, () => compare('images', drawn.images, array('images'), imagesTolerance)),
    await outcome(`${id}/images_uint8`, () => comparePixels(toUint8(drawn.images), array('images_uint8'))),
  ];
  if (one.fid === undefined && one.rmse_to_heun35 === undefined) return outcomes;
  const bytes = open().then((solver) => bytesOf(bench, solver, config, one.fid_seeds));
  bytes.catch(() => {}); // told by the outcomes below
  if (one.fid !== undefined)
    outcomes.push(
      await outcome(`${id}/fid`, async () => compareScore(await fid(bench, await bytes), one.fid)),
    );
  if (one.rmse_to_heun35 !== undefined)
    outcomes.push(
      await outcome(`${id}/rmse_to_heun35`, async () =>
        compareScore(rmse(await bytes, await bench.heun35(one.fid_seeds)), one.rmse_to_heun35),
      ),
    );
  return outcomes;
}

async function fid({ info, network, reference }: Bench, data: Uint8Array): Promise<number> {
  const { channels, resolution: height, resolution: width } = info;
  const n = data.length / (channels * height * width);
  const features = await network.features({ data, n, channels, height, width });
  return frechetDistance(await statistics([{ dim: network.dim, data: features }]), await reference());
}

function compareScore(found: number, wanted: number): string | undefined {
  const error = Math.abs(found - wanted) / wanted;
  return error <= scoreTolerance
    ? undefined
    : `${found} differs from ${wanted} by ${(100 * error).toFixed(2)} %, allowed ${100 * scoreTolerance} %`;
}

function comparePixels(found: Uint8Array, wanted: ArrayLike<number>): string | undefined {
  if (found.length !== wanted.length) return `${found.length} pixels, not ${wanted.length}`;
  const near = found.filter((value, i) => Math.abs(value - wanted[i]!) <= 1).length;
  return near >= equalPixels * wanted.length
    ? undefined
    : `${wanted.length - near} of ${wanted.length} pixels differ by more than 1`;
}

/** The same images by an experiment that names the predictor's file and leaves its settings to it. */
async function checkSpec(golden: Golden, { checkpoint }: Bench, one: Case): Promise<string | undefined> {
  const spec = {
    name: 'official',
    dataset: { checkpoint },
    predictor: one.file,
    sample: { seeds: one.seeds, batch },
  };
  const dir = await mkdtemp(join(tmpdir(), 'fewstep-conformance-'));
  const executor = experimentExecutor();
  try {
    const experiment = await parseExperiment(JSON.stringify(spec), join(golden.folder, 'official.yaml'));
    const [store, versions] = [await openStore(dir), installedVersions()];
    const { points } = compile(experiment);
    const samples = points.map((point) => point.samples);
    const { records, shards, failures } = await execute(samples, { store, executor, versions });
    for (const error of failures.values()) throw error;
    const parts = [];
    for (const task of samples.flatMap((one) => shards.get(one) ?? [])) {
      const path = await store.blob(records.get(task)!.outputs.images!);
      parts.push(readSafetensors(await readFile(path!)).images!.data as Uint8Array);
    }
    const official = await golden.tensors(one.samples);
    return comparePixels(Buffer.concat(parts), official.images_uint8!.data as Uint8Array);
  } finally {
    await executor.close();
    await rm(dir, { recursive: true, force: true });
  }
}
