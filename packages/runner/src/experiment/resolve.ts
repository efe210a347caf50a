import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { datasetFacts, datasetFolder, type Surroundings } from './datasets.js';
import type {
  DatasetConfig,
  DpmppConfig,
  GitsConfig,
  GivenSchedule,
  GuidanceConfig,
  NetworkConfig,
  Point,
  SamplerConfig,
  SolverConfig,
  TrainConfig,
} from './experiment.js';
import { onnxConfigOf, onnxOf, type SpecOnnx } from './onnx.js';
import type { Spec, SpecGivenSchedule, SpecSchedule } from './schema.js';
import { parseSeeds } from './seeds.js';

/** Whether a predictor is trained. */
export const trains = ({ predictor, train }: Spec): boolean => predictor === undefined && train !== false;

/** Whether the student is steered by a predictor, a new one or one that is trained already. */
export const isSteered = ({ predictor, train }: Spec): boolean => predictor !== undefined || train !== false;

/** A valid combination with every default filled in and every path absolute. `prompts`: of the file that it names. */
export function resolvePoint(
  spec: Spec,
  surroundings: Surroundings,
  prompts: readonly string[] = [],
): Omit<Point, 'label' | 'settings'> {
  const {
    seeds = '0-63',
    batch = 64,
    grid = '8x8',
    rng = 'torch-cpu',
    classes = 'random',
  } = spec.sample ?? {};
  const [columns, rows] = grid.split('x').map(Number) as [number, number];
  return {
    dataset: datasetOf(spec, surroundings),
    ...(spec.guidance && { guidance: guidanceOf(spec.guidance, prompts) }),
    sampler: {
      method: methodOf(spec.student.solver, spec.student, isSteered(spec)),
      schedule: scheduleOf(spec.schedule),
      numSteps: spec.student.num_steps,
      afs: spec.student.afs ?? false,
      denoiseToZero: spec.student.denoise_to_zero ?? false,
    },
    train: trains(spec) ? trainOf(spec) : false,
    ...(spec.predictor !== undefined && { predictor: resolve(surroundings.specFolder, spec.predictor) }),
    reference: referenceOf(spec.reference),
    evaluate: spec.evaluate ?? [],
    seeds: parseSeeds(seeds),
    batch,
    rng,
    classes: typeof classes === 'number' ? [classes] : classes,
    grid: { columns, rows },
  };
}

function datasetOf({ dataset, guidance }: Spec, surroundings: Surroundings): DatasetConfig {
  const { checkpoint, sigmaMin, sigmaMax, classifier, referenceData, featureNetwork } = datasetFacts(dataset);
  const { tokenizer, network, first_stage } = typeof dataset === 'string' ? {} : dataset;
  const onnx = onnxOf(dataset);
  const folder = typeof dataset === 'string' ? datasetFolder(dataset, surroundings) : surroundings.specFolder;
  const absolute = (path: string) =>
    typeof dataset === 'string' ? join(folder, path) : resolve(folder, path);
  return {
    checkpoint: absolute(checkpoint),
    ...(sigmaMin !== undefined && { sigmaMin }),
    ...(sigmaMax !== undefined && { sigmaMax }),
    ...(guidance?.type === 'cg' && classifier !== undefined && { classifier: absolute(classifier) }),
    ...(first_stage !== undefined && !onnx && { firstStage: absolute(first_stage) }),
    ...(guidance?.type === 'cfg' && tokenizerOf(absolute(checkpoint), tokenizer && absolute(tokenizer))),
    ...(onnx ? onnxPartsOf(onnx, absolute) : network && { network: network as NetworkConfig }),
    ...(referenceData !== undefined && { referenceData: absolute(referenceData) }),
    ...(featureNetwork !== undefined && { featureNetwork: absolute(featureNetwork) }),
  };
}

function onnxPartsOf(onnx: SpecOnnx, absolute: (path: string) => string): Partial<DatasetConfig> {
  const { text_encoder, decoder, scale_factor } = onnx;
  return {
    onnx: onnxConfigOf(onnx),
    ...(text_encoder !== undefined && { textEncoder: absolute(text_encoder) }),
    ...(decoder !== undefined && { decoder: { file: absolute(decoder), scaleFactor: scale_factor! } }),
  };
}

/** A folder in diffusers' layout has its own. */
function tokenizerOf(checkpoint: string, given?: string): Pick<DatasetConfig, 'tokenizer'> {
  const own = join(checkpoint, 'tokenizer');
  const tokenizer = given ?? (existsSync(own) ? own : undefined);
  return tokenizer === undefined ? {} : { tokenizer };
}

/** Default rates: of AMED-Solver's experiments on ImageNet-256 and Stable Diffusion (arXiv:2312.00094). */
function guidanceOf(
  { type, rate, prompt }: NonNullable<Spec['guidance']>,
  prompts: readonly string[],
): GuidanceConfig {
  switch (type) {
    case 'uncond':
      return { type };
    case 'cg':
      return { type, rate: rate ?? 4 };
    case 'cfg':
      return {
        type,
        rate: rate ?? 7.5,
        prompts: typeof prompt === 'string' ? [prompt] : (prompt ?? prompts),
      };
  }
}

function scheduleOf(schedule: SpecSchedule): GivenSchedule | GitsConfig {
  if (schedule.type !== 'gits') return givenScheduleOf({ ...schedule, type: schedule.type });
  const { metric = 'l1', coeff = 1, num_warmup = 256, num_steps_tea = 61, rho = 7 } = schedule;
  return { type: 'gits', metric, coeff, numWarmup: num_warmup, numStepsTea: num_steps_tea, rho };
}

function givenScheduleOf({ type, rho, sigmas }: SpecGivenSchedule): GivenSchedule {
  switch (type) {
    case 'polynomial':
      return { type, rho: rho ?? 7 };
    case 'time_uniform':
    case 'discrete':
      return { type, rho: rho ?? 1 };
    case 'logsnr':
      return { type };
    case 'explicit':
      return { type, sigmas: sigmas! };
  }
}

interface MethodOptions {
  readonly max_order?: number | undefined;
  readonly predict_x0?: boolean | undefined;
  readonly lower_order_final?: boolean | undefined;
  readonly deis_mode?: 'tab' | 'rhoab' | undefined;
  readonly variant?: 'bh1' | 'bh2' | undefined;
  readonly r?: number | undefined;
}

/** `steered`: a predictor places the middle points, so that dpm has no r of its own. */
function methodOf(solver: Spec['student']['solver'], options: MethodOptions, steered = false): SolverConfig {
  switch (solver) {
    case 'amed':
    case 'euler':
    case 'heun':
      return { solver };
    case 'dpm':
      return steered ? { solver } : { solver, r: options.r ?? 0.5 };
    case 'ipndm':
    case 'ipndm_v':
      return { solver, max_order: options.max_order ?? 4 };
    case 'deis':
      return { solver, max_order: options.max_order ?? 4, deis_mode: options.deis_mode ?? 'tab' };
    case 'dpmpp':
      return { solver, ...dpmppOf(options) };
    case 'unipc':
      return { solver, ...dpmppOf(options), variant: options.variant ?? 'bh2' };
  }
}

function dpmppOf(options: MethodOptions): DpmppConfig {
  return {
    max_order: options.max_order ?? 3,
    predict_x0: options.predict_x0 ?? true,
    lower_order_final: options.lower_order_final ?? true,
  };
}

/** The teacher's method: the one given, else heun for amed and for the others their own. */
export function teacherName({ teacher, student }: Spec): Exclude<Spec['student']['solver'], 'amed'> {
  return teacher?.solver ?? (student.solver === 'amed' ? 'heun' : student.solver);
}

function trainOf(spec: Spec): TrainConfig {
  const { total_kimg = 10, batch = 128, lr = 0.005, seed = 0, loss_weight = 'official' } = spec.train || {};
  const solver = teacherName(spec);
  const options =
    solver === spec.student.solver ? { ...spec.student, ...spec.teacher } : (spec.teacher ?? {});
  return {
    teacher: methodOf(solver, options),
    M: spec.teacher?.M ?? 1,
    scaleDir: spec.student.scale_dir ?? 0.01,
    scaleTime: spec.student.scale_time ?? 0,
    images: Math.ceil(Math.round(total_kimg * 1000) / batch) * batch || batch,
    batch,
    lr,
    lossWeight: loss_weight,
    seed,
  };
}

/** Default: heun with 35 evaluations, as EDM's own sampler takes; the same for every student whatever its schedule. */
function referenceOf(reference: Spec['reference']): SamplerConfig<GivenSchedule> {
  const {
    solver,
    num_steps,
    afs = false,
    denoise_to_zero = false,
    schedule = { type: 'polynomial' },
  } = reference ?? heun35;
  return {
    method: methodOf(solver, reference ?? {}),
    schedule: givenScheduleOf(schedule),
    numSteps: num_steps,
    afs,
    denoiseToZero: denoise_to_zero,
  };
}

const heun35: NonNullable<Spec['reference']> = { solver: 'heun', num_steps: 18, denoise_to_zero: true };
