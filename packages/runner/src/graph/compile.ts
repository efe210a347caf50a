import {
  canonicalJson,
  digestOfText,
  each,
  type GraphBuilder,
  graphBuilder,
  type Node,
  output,
  outputs,
  type Range,
  type RangeRef,
  type Ref,
  type Shards,
  type Task,
} from '@fewstep/taskgraph';
import { byFile } from '../experiment/datasets.js';
import {
  type DatasetConfig,
  type Experiment,
  type GuidanceConfig,
  isSearched,
  type Point,
  type SamplerConfig,
} from '../experiment/experiment.js';
import { guidances } from '../experiment/guidances.js';
import { blocksOfSeeds, countOfSeeds, firstSeeds, seedsText } from '../experiment/seeds.js';
import { fileOf } from '../files-of.js';
import type { GuidanceSettings } from '../predictor/predictor-settings.js';
import { ownScore, type Score, scoreNamed } from '../scores/scores.js';
import type { Guidable } from '../tasks/guide.js';
import * as kinds from '../tasks/kinds.js';
import { blocksOf, titleOfBlock } from '../tasks/prompt-blocks.js';
import type { SolveParams } from '../tasks/solving.js';
import { clipParams, promptEmbeddings } from './clip.js';
import { type PlannedFit, planFit } from './fit.js';
import { featuresBy, referenceOf } from './reference.js';
import { planTargets } from './targets.js';

/** The training of a predictor, by itself or on top of a table. */
type PlannedTraining = typeof kinds.predictor | typeof kinds.tablePredictor;

/** What a point of the grid comes down to. */
export interface PlannedPoint {
  readonly point: Point;
  /** The search of its schedule, where it has one. */
  readonly schedule?: Task<typeof kinds.gits>;
  /** Where one is trained. */
  readonly predictor?: Task<PlannedTraining>;
  /** Where a table is fitted. */
  readonly fit?: PlannedFit;
  /** Of all its seeds. */
  readonly samples: Samples;
  /** The same in the blocks that are scored, each by itself: one of all where nothing is repeated. */
  readonly repeats: readonly { readonly seeds: Point['seeds']; readonly samples: Samples }[];
  /** By name: of each block. */
  readonly scores: Readonly<Record<string, readonly Task[]>>;
  readonly picture: Task<typeof kinds.picture>;
  /** The states that its samples go through, and those of the first in rows, where they are asked for. */
  readonly inters?: {
    readonly states: Shards<typeof kinds.inters>;
    readonly picture: Task<typeof kinds.intersPicture>;
  };
  /** The way of its first samples beside the reference's, where the spec asks for it. */
  readonly paths?: Task<typeof kinds.paths>;
}

type Samples = Shards<typeof kinds.samples>;
/** The search of a schedule, where it has one. */
type Searched = Task<typeof kinds.gits> | undefined;

/** What each point of an experiment's grid takes from its tasks. */
export interface Graph {
  readonly points: readonly PlannedPoint[];
  /** The first images of every point, a row each. */
  readonly comparison: Task;
}

/** Training and warm-up image i has seed 2³¹ + i, so that it never meets a sampling seed that people use. */
export const firstTrainingSeed = 2 ** 31;
const firstValidationSeed = 3 * 2 ** 30;
const comparisonColumns = 12;
/** Batches in a shard: small enough that little is lost to a kill, large enough that a shard costs more than its keeping. */
const shardBatches = 4;

/**
 * An experiment as the tasks that it needs, each once however many points share it.
 *
 * `inters`: of how many images the states that they go through are shown; by default nothing is kept of these.
 */
export function compile(experiment: Experiment, { inters = 0 }: { readonly inters?: number } = {}): Graph {
  const graph = graphBuilder();
  const points = experiment.points.map((point) => planPoint(graph, point, inters));
  const comparison = graph.task(kinds.comparison, {
    title: 'comparison',
    params: { columns: comparisonColumns },
    inputs: { rows: points.map(({ picture }) => output(picture, 'row')) },
  });
  return { points, comparison };
}

/** What a run of an experiment obtains. */
export function rootsOf({ points, comparison }: Graph): readonly Node[] {
  return [...points.flatMap(rootsOfPoint), comparison];
}

/** What a run obtains for one point. */
export const rootsOfPoint = ({
  scores,
  picture,
  paths,
  schedule,
  predictor,
  fit,
}: PlannedPoint): readonly Node[] =>
  [schedule, predictor, fit?.sampler, ...Object.values(scores).flat(), picture, paths].filter(
    (task) => task !== undefined,
  );

function planPoint(graph: GraphBuilder, point: Point, shown: number): PlannedPoint {
  const { sampler, train, evaluate, grid } = point;
  const model = planModel(graph, point);
  const isSteered = point.onTable !== undefined || point.predictor !== undefined;
  const given = point.table && {
    sampler: isSteered ? undefined : fileOf(point.table.file, 'model'),
    nfe: point.table.sampler.table.sigmas.length,
  };
  const schedule = given ? undefined : planSchedule(graph, point, model);
  const predictor = train
    ? planPredictor(graph, point, model, schedule)
    : planTablePredictor(graph, point, model);
  const fit = planTable(graph, point, model, schedule);
  const steering = predictor
    ? output<PlannedTraining>(predictor, 'predictor')
    : fileOf(point.predictor, 'model');
  const table = given ?? (fit && { sampler: output(fit.sampler, 'sampler'), nfe: fit.nfe });
  const steps = { schedule: table ? undefined : schedule, predictor: steering, table };
  const samples = planSamples(graph, point, sampler, model, steps);
  const repeats = blocksOfSeeds(point.seeds, point.repeats).map((seeds) => {
    const block = { ...point, seeds };
    return { block, seeds, samples: planSamples(graph, block, sampler, model, steps) };
  });
  const scores: Record<string, Task[]> = {};
  for (const one of evaluate) {
    const score = typeof one === 'string' ? scoreNamed(one) : ownScore(one);
    if (!score) throw new Error(`${one} is no score`);
    scores[score.name] = repeats.map(({ block, samples }) => planScore(graph, block, score, samples, model));
  }
  const { columns, rows } = grid;
  const pictured = Math.max(columns * rows, comparisonColumns);
  const size = countOfSeeds(point.seeds) / point.repeats;
  const picture = graph.task(kinds.picture, {
    title: `picture of ${point.label}`,
    params: { columns, rows, compared: comparisonColumns },
    inputs: {
      images: repeats
        .slice(0, Math.ceil(pictured / size))
        .map(({ samples }, i) => outputs(samples, 'images', pictured - i * size)),
    },
  });
  return {
    point,
    ...(schedule && { schedule }),
    ...(predictor && { predictor }),
    ...(fit && { fit }),
    samples,
    repeats,
    scores,
    picture,
    ...(shown > 0 && { inters: planInters(graph, point, model, { ...steps, rows: shown }) }),
    ...(point.paths > 0 && { paths: planPaths(graph, point, model, steps) }),
  };
}

/** What solves evaluate: the network, and what it is told. */
interface Model {
  readonly denoiser: Task<typeof kinds.denoiser>;
  /** Prompts that are encoded for the images that they are of; none where it is told nothing. */
  readonly conditions: readonly RangeRef[];
}

export function planModel(graph: GraphBuilder, { dataset, guidance }: Point): Model {
  const { checkpoint, tokenizer, network, onnx, textEncoder, decoder } = dataset;
  const as = onnx ? 'onnx' : 'model';
  const denoiser = graph.task(kinds.denoiser, {
    title: `denoiser from ${checkpoint}`,
    params: {
      ...(network && { network }),
      ...(onnx && { onnx }),
      ...(decoder && { scaleFactor: decoder.scaleFactor }),
      ...(guidance && {
        guidance: guides('graph', guidance) ? settingsOf(guidance) : { type: guidance.type },
      }),
    },
    inputs: {
      checkpoint: fileOf(checkpoint, as),
      ...byFile((name) => fileOf(dataset[name], 'model')),
      text_encoder: fileOf(textEncoder, 'onnx'),
      decoder: fileOf(decoder?.file, 'onnx'),
    },
  });
  if (!guidance?.prompts) return { denoiser, conditions: [] };
  return { denoiser, conditions: [planConditions(graph, guidance.prompts, denoiser, tokenizer)] };
}

/** Prompts in blocks, so that of a long list those alone are encoded that some image is of. */
function planConditions(
  graph: GraphBuilder,
  prompts: readonly string[],
  denoiser: Model['denoiser'],
  tokenizer: string | undefined,
): RangeRef {
  const [info, textEncoder] = [output(denoiser, 'info'), output(denoiser, 'text_encoder')];
  const vocabulary = fileOf(tokenizer, 'model');
  const inputs = { info, text_encoder: textEncoder, tokenizer: vocabulary };
  return {
    identity: digestOfText(canonicalJson(prompts as string[])),
    on: [info, textEncoder, ...(vocabulary ? [vocabulary] : [])],
    of: (range) =>
      blocksOf(prompts, [range]).map((params) => {
        const title = `encoded ${titleOfBlock(params)}`;
        return output(graph.task(kinds.conditions, { title, params, inputs }), 'conditions');
      }),
  };
}

/** Whether the graph, or every evaluation, takes part in guidance at its rate. */
const guides = (part: 'graph' | 'evaluation', { type }: GuidanceConfig): boolean =>
  guidances[type].rate?.in === part;

/** Guidance that every evaluation takes part in. */
export const guidable = (guidance: GuidanceConfig | undefined): Guidable =>
  guidance && guides('evaluation', guidance) ? { guidance: settingsOf(guidance) } : {};

const settingsOf = ({ prompts: _, ...settings }: GuidanceConfig): GuidanceSettings => settings;

/** The search of the noise levels. What Euler steps cost is shared by all searches in one grid. */
function planSchedule(
  graph: GraphBuilder,
  { dataset, guidance, sampler: { schedule, numSteps, afs }, batch, label }: Point,
  model: Model,
): Searched {
  if (!isSearched(schedule)) return undefined;
  const costs = graph.shards(kinds.stepCosts, {
    title: 'costs of euler steps',
    params: {
      schedule: { type: 'polynomial', rho: schedule.rho },
      numSteps: schedule.num_steps_tea,
      ...rangeOf(dataset),
      method: { solver: 'ipndm', max_order: 4 },
      ...guidable(guidance),
    },
    inputs: modelInputs(model),
    ranges: [[firstTrainingSeed, firstTrainingSeed + schedule.num_warmup - 1]],
    ...inBatches(batch),
    workPerItem: schedule.num_steps_tea - 1,
  });
  return graph.task(kinds.gits, {
    title: `schedule of ${label}`,
    params: { metric: schedule.metric, coeff: schedule.coeff, numSteps, afs },
    inputs: { costs: [outputs(costs, 'costs')] },
  });
}

/** Training seed t has the images from 2³¹ + t · 2²⁰; those that validate are the same for all. */
function planTable(
  graph: GraphBuilder,
  point: Point,
  model: Model,
  schedule: Searched,
): PlannedFit | undefined {
  const { dataset, guidance, sampler, fit } = point;
  if (!fit) return undefined;
  const first = firstTrainingSeed + fit.seed * 2 ** 20;
  const solved = (by: SamplerConfig, searched: Searched) => ({
    params: {
      ...timesOf(dataset, by),
      method: by.method,
      afs: by.afs,
      denoiseToZero: by.denoiseToZero,
    },
    inputs: chosenInputs(searched, by),
  });
  return planFit(graph, point, {
    fit,
    network: modelInputs(model),
    start: solved(sampler, schedule),
    teacher: solved(fit.teacher, undefined),
    guided: guidable(guidance),
    guidance: guidance && settingsOf(guidance),
    seeds: [first, first + fit.images - 1],
    validation: [firstValidationSeed, firstValidationSeed + fit.validation - 1],
  });
}

function planPredictor(
  graph: GraphBuilder,
  point: Point,
  model: Model,
  schedule: Searched,
): Task<typeof kinds.predictor> {
  const { dataset, guidance, sampler, train, batch } = point;
  if (!train) throw new Error(`${point.label} trains no predictor`);
  const times = timesOf(dataset, sampler);
  const intervals = sampler.numSteps - 1;
  const seeds: Range = [firstTrainingSeed, firstTrainingSeed + train.images - 1];
  const trajectoriesOf = (range: Range) =>
    graph.shards(kinds.teacher, {
      title: `teacher ${train.teacher.method.solver}`,
      params: { ...times, method: train.teacher.method, M: train.M, ...guidable(guidance) },
      inputs: { ...modelInputs(model), ...chosenInputs(schedule, { ...sampler, ...train.teacher }) },
      ranges: [range],
      ...inBatches(batch),
      workPerItem: (train.M + 1) * intervals * train.teacher.evaluations,
    });
  const validation: Range | undefined =
    train.validation > 0 ? [firstValidationSeed, firstValidationSeed + train.validation - 1] : undefined;
  const conditions = [seeds, ...(validation ? [validation] : [])].flatMap((range) =>
    model.conditions.flatMap((prompts) => prompts.of(range)),
  );
  return graph.task(kinds.predictor, {
    title: `predictor of ${point.label}`,
    params: {
      ...times,
      method: sampler.method,
      afs: sampler.afs,
      teacher: train.teacher.method,
      M: train.M,
      ...(dataset.name !== undefined && { dataset: dataset.name }),
      ...(guidance && { guidance: settingsOf(guidance) }),
      batch: train.batch,
      lr: train.lr,
      ...(train.lossWeight !== 'official' && { lossWeight: train.lossWeight }),
      seed: train.seed,
      seeds,
      ...(validation && { validation }),
    },
    inputs: {
      ...modelInputs(model),
      conditions,
      ...chosenInputs(schedule, sampler),
      trajectories: [outputs(trajectoriesOf(seeds), 'trajectories')],
      validation: validation ? [outputs(trajectoriesOf(validation), 'trajectories')] : [],
    },
    work: train.images * intervals * (train.lossWeight === 'official' ? 3 : 2 * intervals),
  });
}

/** Its images are those of training seed 0 of a table, so that what its teacher makes of them is made once. */
function planTablePredictor(
  graph: GraphBuilder,
  point: Point,
  model: Model,
): Task<typeof kinds.tablePredictor> | undefined {
  const { dataset, guidance, onTable, table, batch } = point;
  if (!onTable || !table) return undefined;
  const { scaleTime, teacher, images, lr, seed } = onTable;
  const nfe = table.sampler.table.sigmas.length;
  const of = {
    ...timesOf(dataset, teacher),
    method: teacher.method,
    afs: teacher.afs,
    denoiseToZero: teacher.denoiseToZero,
  };
  const network = modelInputs(model);
  const seeds: Range = [firstTrainingSeed, firstTrainingSeed + images - 1];
  const validation: Range | undefined =
    onTable.validation > 0 ? [firstValidationSeed, firstValidationSeed + onTable.validation - 1] : undefined;
  const targetsOf = (range: Range) =>
    planTargets(graph, teacher, {
      params: { ...of, ...guidable(guidance) },
      inputs: { ...network, ...chosenInputs(undefined, teacher) },
      ranges: [range],
      batch,
    });
  const conditions = [seeds, ...(validation ? [validation] : [])].flatMap((range) =>
    model.conditions.flatMap((prompts) => prompts.of(range)),
  );
  return graph.task(kinds.tablePredictor, {
    title: `predictor of ${point.label}`,
    params: {
      ...rangeOf(dataset),
      ...guidable(guidance),
      ...{ scaleTime, teacher: of },
      ...(dataset.name !== undefined && { dataset: dataset.name }),
      ...{ batch: onTable.batch, lr, seed, seeds },
      ...(validation && { validation }),
    },
    inputs: {
      ...network,
      conditions,
      sampler: fileOf(table.file, 'model'),
      targets: [outputs(targetsOf(seeds), 'targets')],
      validation: validation ? [outputs(targetsOf(validation), 'targets')] : [],
    },
    // its trajectories, those for each difference, and what validates each iteration
    work: images * (nfe + (nfe * (nfe - 1)) / 2) + onTable.validation * nfe * (1 + images / onTable.batch),
  });
}

/** What steers samples, beside what their sampler says; a table, in place of all of it. */
interface Steps {
  readonly schedule: Searched;
  readonly predictor: Ref | undefined;
  /** Without its file where the predictor has it. */
  readonly table?: { readonly sampler: Ref | undefined; readonly nfe: number } | undefined;
}

function planSamples(
  graph: GraphBuilder,
  point: Point,
  sampler: SamplerConfig,
  model: Model,
  steps?: Steps,
): Samples {
  const { inputs, ...solved } = solvedBy(point, sampler, model, steps);
  return graph.shards(kinds.samples, {
    title: `samples of ${point.label}`,
    ...solved,
    inputs: { ...inputs, decoder: output(model.denoiser, 'decoder') },
  });
}

function planInters(
  graph: GraphBuilder,
  point: Point,
  model: Model,
  { rows, ...steps }: Steps & { readonly rows: number },
): NonNullable<PlannedPoint['inters']> {
  const states = graph.shards(kinds.inters, {
    title: `states of ${point.label}`,
    ...solvedBy(point, point.sampler, model, steps),
  });
  const picture = graph.task(kinds.intersPicture, {
    title: `picture of the states of ${point.label}`,
    params: { rows },
    inputs: {
      inters: [outputs(states, 'inters', rows)],
      info: output(model.denoiser, 'info'),
      decoder: output(model.denoiser, 'decoder'),
    },
  });
  return { states, picture };
}

/** The states of the first seeds beside those of the reference, whose answers are kept once for every sampler. */
function planPaths(graph: GraphBuilder, point: Point, model: Model, steps: Steps): Task<typeof kinds.paths> {
  const seeds = firstSeeds(point.seeds, point.paths);
  const first = { ...point, seeds };
  const student = graph.shards(kinds.inters, {
    title: `states of ${point.label}`,
    ...solvedBy(first, point.sampler, model, steps),
  });
  const { params, ...solved } = solvedBy(first, point.reference, model);
  const teacher = graph.shards(kinds.inters, {
    title: 'states of the reference',
    params: { ...params, answers: true },
    ...solved,
  });
  return graph.task(kinds.paths, {
    title: `paths of ${point.label}`,
    params: { seeds },
    inputs: { student: [outputs(student, 'inters')], teacher: [outputs(teacher, 'inters')] },
  });
}

/** What samples are solved by, of which seeds. */
function solvedBy(
  { dataset, guidance, seeds, batch, rng, classes }: Point,
  sampler: SamplerConfig,
  model: Model,
  { schedule, predictor, table }: Partial<Steps> = {},
) {
  return {
    params: {
      ...(table
        ? rangeOf(dataset)
        : {
            ...timesOf(dataset, sampler),
            method: sampler.method,
            afs: sampler.afs,
            denoiseToZero: sampler.denoiseToZero,
            ...(sampler.bottleneck && { bottleneck: sampler.bottleneck }),
          }),
      ...(rng !== 'torch-cpu' && { rng }),
      ...(classes !== 'random' && { classes }),
      ...guidable(guidance),
    },
    inputs: {
      ...modelInputs(model),
      ...chosenInputs(schedule, table ? {} : sampler),
      predictor,
      sampler: table?.sampler,
    },
    ranges: seeds,
    ...inBatches(batch),
    workPerItem: table?.nfe ?? (sampler.numSteps - 1) * sampler.evaluations,
  };
}

function planScore(graph: GraphBuilder, point: Point, score: Score, samples: Samples, model: Model): Task {
  const { dataset, batch, repeats, seeds } = point;
  const label = repeats === 1 ? point.label : `${point.label}, seeds ${seedsText(seeds)}`;
  const real = () => {
    const { featureNetwork: file, featureResize: resize, referenceData: data } = dataset;
    if (file !== undefined && data !== undefined) return { network: { file, resize }, data };
    throw new Error(`${score.name} of ${label} needs a feature network and reference data`);
  };
  return score.plan({
    graph,
    title: `${score.name} of ${label}`,
    images: outputs(samples, 'images'),
    features: () => {
      const { network, params } = featuresBy(real().network);
      const features = graph.shards(kinds.features, {
        title: `features of ${samples.title}`,
        params,
        inputs: { network, images: [each(samples, 'images')] },
        ranges: samples.ranges,
        ...inBatches(batch),
        workPerItem: 1,
      });
      return outputs(features, 'features');
    },
    real: (mayBe) => referenceOf(graph, real().data, real().network, { mayBe, batch }),
    solved: () =>
      outputs(planSamples(graph, { ...point, label: 'the reference' }, point.reference, model), 'images'),
    clip: () => planClip(graph, point, score, samples),
  });
}

/** What a CLIP sees in samples, and reads in their prompts. */
function planClip(
  graph: GraphBuilder,
  { dataset: { clip }, guidance, label, seeds, batch }: Point,
  { name }: Score,
  samples: Samples,
) {
  if (!clip || !guidance?.prompts) throw new Error(`${name} of ${label} needs a CLIP and prompts`);
  const seen = graph.shards(kinds.clipEmbeddings, {
    title: `embeddings of ${samples.title}`,
    params: clipParams(clip),
    inputs: { network: fileOf(clip.file, 'model'), images: [each(samples, 'images')] },
    ranges: samples.ranges,
    ...inBatches(batch),
    workPerItem: 1,
  });
  return {
    params: { seeds },
    inputs: {
      features: [outputs(seen, 'embeddings')],
      prompts: promptEmbeddings(graph, clip, guidance.prompts, seeds),
    },
  };
}

/** Shards of seeds, by what is evaluated together. */
const inBatches = (batch: number) =>
  ({ size: batch * shardBatches, item: 'seed', hints: { batch } }) as const;

export const timesOf = (
  dataset: DatasetConfig,
  { schedule, numSteps }: SamplerConfig,
): Omit<SolveParams, 'method'> => ({
  ...(!isSearched(schedule) && { schedule }),
  numSteps,
  ...rangeOf(dataset),
});

/** Left out where the checkpoint says it. */
export function rangeOf({ sigmaMin, sigmaMax }: DatasetConfig): Pick<SolveParams, 'sigmaMin' | 'sigmaMax'> {
  return { ...(sigmaMin !== undefined && { sigmaMin }), ...(sigmaMax !== undefined && { sigmaMax }) };
}

/** What is chosen by files: noise levels that a search found, and the user's own that declare method and spacing. */
export const chosenInputs = (
  searched: Searched,
  { methodModule, scheduleModule }: Pick<SamplerConfig, 'methodModule' | 'scheduleModule'>,
) => ({
  schedule: searched && output(searched, 'schedule'),
  method: fileOf(methodModule, 'module'),
  spacing: fileOf(scheduleModule, 'module'),
});

export function modelInputs({ denoiser, conditions }: Model) {
  return {
    graph: output(denoiser, 'graph'),
    info: output(denoiser, 'info'),
    weights: output(denoiser, 'weights'),
    conditions,
  };
}
