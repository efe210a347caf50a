import { statSync } from 'node:fs';
import { canonicalJson } from '../json.js';
import type { GuidanceSettings } from '../predictor/predictor-settings.js';
import type {
  DatasetConfig,
  Experiment,
  GuidanceConfig,
  Metric,
  Point,
  SamplerConfig,
} from '../spec/experiment.js';
import type { SeedRange } from '../spec/seeds.js';
import { digestOfText } from '../store/digest.js';
import type { ConditionsParams } from '../tasks/conditions.js';
import type { DenoiserParams } from '../tasks/denoiser.js';
import type { GitsParams } from '../tasks/gits.js';
import type { Guidable } from '../tasks/guide.js';
import type { SolveParams } from '../tasks/methods.js';
import type { PictureParams } from '../tasks/picture.js';
import type { PrdcParams } from '../tasks/prdc.js';
import type { PredictorParams } from '../tasks/predictor.js';
import type { ReferenceParams } from '../tasks/reference-features.js';
import type { SamplesParams } from '../tasks/samples.js';
import type { StepCostsParams } from '../tasks/step-costs.js';
import type { TeacherParams } from '../tasks/teacher.js';
import { type GraphBuilder, graphBuilder, optionalOutput, output, type World } from './builder.js';
import { featureNetwork } from './feature-network.js';
import type { Input, Task } from './task.js';

/** What a point of the grid comes down to. */
export interface PlannedPoint {
  readonly point: Point;
  /** The search of its schedule, where it has one. */
  readonly schedule?: Task;
  /** Where one is trained. */
  readonly predictor?: Task;
  /** Shards in the order of the seeds. */
  readonly samples: readonly Task[];
  readonly scores: Readonly<Partial<Record<Metric, Task>>>;
  readonly picture: Task;
}

/** The tasks of an experiment, and what each point of its grid takes from them. */
export interface Graph {
  /** Every task once, inputs before those that need them. */
  readonly tasks: readonly Task[];
  readonly points: readonly PlannedPoint[];
  /** The first images of every point, a row each. */
  readonly comparison: Task;
}

/** Training and warm-up image i has seed 2³¹ + i, so that it never meets a sampling seed that people use. */
const firstTrainingSeed = 2 ** 31;
const comparisonColumns = 12;
/** Prompts that are encoded together: 60 MB of Stable Diffusion's. */
const promptBlock = 256;
/** The k of precision, recall, density and coverage, as Naeem et al. use it (arXiv:2002.09797). */
const neighbours = 5;
const referencePartBytes = 8 * 2 ** 20;

/** An experiment as the tasks that it needs, each once however many points share it. */
export function compile(experiment: Experiment, world: World): Graph {
  const graph = graphBuilder(world);
  const points = experiment.points.map((point) => planPoint(graph, point));
  const comparison = graph.task('picture', 'comparison', {
    params: { columns: comparisonColumns, rowsPerGroup: 1 } satisfies PictureParams,
    inputs: Object.fromEntries(
      points.map(({ samples }, row) => [
        `row-${String(row).padStart(5, '0')}`,
        pictured(samples, comparisonColumns),
      ]),
    ),
  });
  return { tasks: graph.tasks(), points, comparison };
}

function planPoint(graph: GraphBuilder, point: Point): PlannedPoint {
  const { sampler, train, evaluate, grid } = point;
  const model = planModel(graph, point);
  const schedule = planSchedule(graph, point, model);
  const predictor = train ? planPredictor(graph, point, model, schedule) : undefined;
  const named = point.predictor === undefined ? undefined : { file: point.predictor };
  const steering = predictor ? output(predictor, 'predictor') : named;
  const samples = planSamples(graph, point, sampler, { model, schedule, predictor: steering });
  const scores: Partial<Record<Metric, Task>> = {};
  for (const metric of evaluate) scores[metric] = planScore(graph, point, metric, samples, model);
  const picture = graph.task('picture', `picture of ${point.label}`, {
    params: { columns: grid.columns, rowsPerGroup: grid.rows } satisfies PictureParams,
    inputs: { images: pictured(samples, grid.columns * grid.rows) },
  });
  return { point, ...(schedule && { schedule }), ...(predictor && { predictor }), samples, scores, picture };
}

/** What solves evaluate: the network, and what it is told. */
interface Model {
  readonly denoiser: Task;
  readonly conditions?: Conditions;
}

/** Prompts that are encoded for the images that they are of. */
interface Conditions {
  /** What stands for all of them; left out where every image needs them all. */
  readonly identity?: string;
  /** Those that images of these seeds need. */
  of(range: SeedRange): Input[];
}

function planModel(graph: GraphBuilder, { dataset, guidance }: Point): Model {
  const {
    checkpoint,
    classifier,
    firstStage,
    tokenizer,
    network,
    onnx,
    textEncoder,
    decoder,
    weights = [],
  } = dataset;
  const denoiser = graph.task('denoiser', `denoiser from ${checkpoint}`, {
    params: {
      ...(network && { network }),
      ...(onnx && { onnx }),
      ...(decoder && { scaleFactor: decoder.scaleFactor }),
      ...(guidance && { guidance: guidance.type === 'cg' ? guidance : { type: guidance.type } }),
    } satisfies DenoiserParams,
    inputs: {
      checkpoint: [{ file: checkpoint }],
      classifier: classifier ? [{ file: classifier }] : [],
      first_stage: firstStage ? [{ file: firstStage }] : [],
      text_encoder: textEncoder ? [{ file: textEncoder }] : [],
      decoder: decoder ? [{ file: decoder.file }] : [],
      weights: weights.map((file) => ({ file })),
    },
  });
  if (guidance?.type !== 'cfg') return { denoiser };
  return {
    denoiser,
    conditions: planConditions(graph, guidance.prompts, {
      info: [output(denoiser, 'info')],
      text_encoder: [output(denoiser, 'text_encoder')],
      tokenizer: tokenizer ? [{ file: tokenizer }] : [],
    }),
  };
}

/** Prompts in blocks, so that of a long list those alone are encoded that some image is of. */
function planConditions(
  graph: GraphBuilder,
  prompts: readonly string[],
  inputs: Readonly<Record<string, readonly Input[]>>,
): Conditions {
  const of = prompts.length;
  const encoded = (title: string, params: ConditionsParams) =>
    output(graph.task('conditions', title, { params, inputs }), 'conditions');
  if (of <= promptBlock) {
    const all = [encoded('encoded prompts', { prompts })];
    return { of: () => all };
  }
  return {
    identity: digestOfText(canonicalJson(prompts as string[])),
    of([first, last]) {
      const blocks = new Set<number>();
      for (let seed = first; seed <= last && blocks.size * promptBlock < of; seed++)
        blocks.add(Math.floor((seed % of) / promptBlock));
      return [...blocks].map((block) => {
        const from = block * promptBlock;
        const some = prompts.slice(from, from + promptBlock);
        const title = `encoded prompts ${from}-${from + some.length - 1} of ${of}`;
        return encoded(title, { prompts: some, place: { first: from, of } });
      });
    },
  };
}

/** Guidance that every evaluation takes part in; any other is in the graph. */
const guidable = (guidance: GuidanceConfig | undefined): Guidable =>
  guidance?.type === 'cfg' ? { guidance: settingsOf(guidance) } : {};

const settingsOf = (guidance: GuidanceConfig): GuidanceSettings =>
  guidance.type === 'uncond' ? guidance : { type: guidance.type, rate: guidance.rate };

/** The search of the noise levels. What Euler steps cost is shared by all searches in one grid. */
function planSchedule(
  graph: GraphBuilder,
  { dataset, guidance, sampler: { schedule, numSteps, afs }, batch, label }: Point,
  model: Model,
): Task | undefined {
  if (schedule.type !== 'gits') return undefined;
  const costs = graph.sharded('step-costs', 'costs of euler steps', {
    params: {
      schedule: { type: 'polynomial', rho: schedule.rho },
      numSteps: schedule.numStepsTea,
      ...rangeOf(dataset),
      method: { solver: 'ipndm', max_order: 4 },
      ...guidable(guidance),
    } satisfies Omit<StepCostsParams, 'seeds'>,
    ...modelParts(model),
    seeds: [[firstTrainingSeed, firstTrainingSeed + schedule.numWarmup - 1]],
    batch,
    workPerImage: schedule.numStepsTea - 1,
  });
  return graph.task('gits', `schedule of ${label}`, {
    params: { metric: schedule.metric, coeff: schedule.coeff, numSteps, afs } satisfies GitsParams,
    inputs: { costs: costs.map((shard) => output(shard, 'costs')) },
  });
}

function planPredictor(graph: GraphBuilder, point: Point, model: Model, schedule: Task | undefined): Task {
  const { dataset, guidance, sampler, train, batch } = point;
  if (!train) throw new Error(`${point.label} trains no predictor`);
  const times = timesOf(dataset, sampler);
  const intervals = sampler.numSteps - 1;
  const seeds = [firstTrainingSeed, firstTrainingSeed + train.images - 1] as const;
  const trajectories = graph.sharded('teacher', `teacher ${train.teacher.solver}`, {
    params: { ...times, method: train.teacher, M: train.M, ...guidable(guidance) } satisfies Omit<
      TeacherParams,
      'seeds'
    >,
    ...modelParts(model, scheduleInput(schedule)),
    seeds: [seeds],
    batch,
    workPerImage: (train.M + 1) * intervals * evaluationsPerInterval(train.teacher.solver),
  });
  return graph.task('predictor', `predictor of ${point.label}`, {
    params: {
      ...times,
      method: sampler.method,
      afs: sampler.afs,
      scaleDir: train.scaleDir,
      scaleTime: train.scaleTime,
      teacher: train.teacher,
      M: train.M,
      ...(guidance && { guidance: settingsOf(guidance) }),
      batch: train.batch,
      lr: train.lr,
      ...(train.lossWeight !== 'official' && { lossWeight: train.lossWeight }),
      seed: train.seed,
      seeds,
    } satisfies PredictorParams,
    inputs: {
      ...modelInputs(model),
      ...scheduleInput(schedule),
      ...(model.conditions && { conditions: model.conditions.of(seeds) }),
      trajectories: trajectories.map((shard) => output(shard, 'trajectories')),
    },
    work: train.images * intervals * (train.lossWeight === 'official' ? 3 : 2 * intervals),
  });
}

function planSamples(
  graph: GraphBuilder,
  { dataset, guidance, seeds, batch, rng, classes, label }: Point,
  sampler: SamplerConfig,
  {
    model,
    schedule,
    predictor,
  }: { model: Model; schedule?: Task | undefined; predictor?: Input | undefined },
): Task[] {
  const params = {
    ...timesOf(dataset, sampler),
    method: sampler.method,
    afs: sampler.afs,
    denoiseToZero: sampler.denoiseToZero,
    ...(rng !== 'torch-cpu' && { rng }),
    ...(classes !== 'random' && { classes }),
    ...guidable(guidance),
  } satisfies Omit<SamplesParams, 'seeds'>;
  return graph.sharded('samples', `samples of ${label}`, {
    params,
    ...modelParts(model, {
      ...scheduleInput(schedule),
      decoder: [optionalOutput(model.denoiser, 'decoder')],
      predictor: predictor ? [predictor] : [],
    }),
    seeds,
    batch,
    workPerImage: (sampler.numSteps - 1) * (predictor ? 2 : evaluationsPerInterval(sampler.method.solver)),
  });
}

function planScore(
  graph: GraphBuilder,
  point: Point,
  metric: Metric,
  samples: readonly Task[],
  model: Model,
): Task {
  const { dataset, label } = point;
  const title = `${metric} of ${label}`;
  if (metric === 'rmse_to_teacher') {
    const reference = planSamples(graph, { ...point, label: 'the reference' }, point.reference, { model });
    return graph.task('rmse', title, {
      params: {},
      inputs: {
        images: samples.map((shard) => output(shard, 'images')),
        reference: reference.map((shard) => output(shard, 'images')),
      },
    });
  }
  const network = featureNetwork(graph, dataset.featureNetwork!);
  const data = dataset.referenceData!;
  const features = samples.map((shard) =>
    graph.task('features', `features of ${shard.title}`, {
      params: {},
      inputs: { network: [network], images: [output(shard, 'images')] },
      hints: { batch: point.batch },
    }),
  );
  if (metric === 'fid') {
    return graph.task('fid', title, {
      params: {},
      inputs: {
        moments: features.map((task) => output(task, 'moments')),
        ...(data.endsWith('.npz')
          ? { statistics: [{ file: data }] }
          : {
              reference: planReference(graph, data, network, point.batch).map((task) =>
                output(task, 'moments'),
              ),
            }),
      },
    });
  }
  return graph.task(metric, title, {
    params: metric === 'prdc' ? ({ k: neighbours } satisfies PrdcParams) : {},
    inputs: {
      features: features.map((task) => output(task, 'features')),
      reference: planReference(graph, data, network, point.batch).map((task) => output(task, 'features')),
    },
  });
}

/** The real images' features, in as many parts as their size suggests. */
export function planReference(graph: GraphBuilder, data: string, network: Input, batch: number): Task[] {
  const bytes = statSync(data, { throwIfNoEntry: false })?.size ?? 0;
  const of = Math.max(1, Math.ceil(bytes / referencePartBytes));
  return Array.from({ length: of }, (_, part) =>
    graph.task('reference-features', `features of ${data}${of > 1 ? `, part ${part + 1} of ${of}` : ''}`, {
      params: { part, of } satisfies ReferenceParams,
      inputs: { network: [network], data: [{ file: data }] },
      hints: { batch },
    }),
  );
}

function timesOf(dataset: DatasetConfig, { schedule, numSteps }: SamplerConfig): Omit<SolveParams, 'method'> {
  return {
    ...(schedule.type !== 'gits' && { schedule }),
    numSteps,
    ...rangeOf(dataset),
  };
}

/** Left out where the checkpoint says it. */
function rangeOf({ sigmaMin, sigmaMax }: DatasetConfig): Pick<SolveParams, 'sigmaMin' | 'sigmaMax'> {
  return { ...(sigmaMin !== undefined && { sigmaMin }), ...(sigmaMax !== undefined && { sigmaMax }) };
}

/** The noise levels that a search found; none where they are parameters. */
function scheduleInput(schedule: Task | undefined): Record<string, readonly Input[]> {
  return schedule ? { schedule: [output(schedule, 'schedule')] } : {};
}

function modelInputs({ denoiser }: Model): Record<string, readonly Input[]> {
  return {
    graph: [output(denoiser, 'graph')],
    info: [output(denoiser, 'info')],
    weights: [optionalOutput(denoiser, 'weights')],
  };
}

/** What tasks in shards read of a model: its graph, and the prompts that each shard needs. */
function modelParts(model: Model, more: Record<string, readonly Input[]> = {}) {
  const inputs = { ...modelInputs(model), ...more };
  const { conditions } = model;
  if (!conditions) return { inputs };
  const { identity } = conditions;
  if (identity === undefined) return { inputs: { ...inputs, conditions: conditions.of([0, 0]) } };
  const perShard = { identity, inputs: (range: SeedRange) => ({ conditions: conditions.of(range) }) };
  return { inputs, perShard };
}

function evaluationsPerInterval(solver: string): number {
  return solver === 'heun' || solver === 'dpm' ? 2 : 1;
}

/** The images of as many shards as the first `cells` images need. */
function pictured(shards: readonly Task[], cells: number): Input[] {
  let count = 0;
  const needed = shards.filter(({ shard }) => {
    const wanted = count < cells;
    count += shard!.range[1] - shard!.range[0] + 1;
    return wanted;
  });
  return needed.map((shard) => output(shard, 'images'));
}
