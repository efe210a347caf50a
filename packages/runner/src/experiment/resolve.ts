import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type CheckpointValues, type FileName, withPublished } from '@fewstep/models/families';
import { gitsChoices, withDefaults } from '@fewstep/schedules';
import type { SamplerFile } from '../sampler/sampler-file.js';
import { byFile, type Surroundings } from './datasets.js';
import {
  type Declarations,
  type DeclaredGenerator,
  type DeclaredMethod,
  type DeclaredSchedule,
  type DeclaredStudent,
  named,
} from './declared.js';
import type {
  ChosenMethod,
  ChosenSchedule,
  DatasetConfig,
  FitConfig,
  GitsConfig,
  GivenSchedule,
  GuidanceConfig,
  OnTableConfig,
  Point,
  SamplerConfig,
  TrainConfig,
} from './experiment.js';
import { featureLossOf } from './feature-loss.js';
import { guidances, isRead } from './guidances.js';
import { onnxConfigOf, onnxOf, type SpecOnnx } from './onnx.js';
import {
  defaultStart,
  fitBlock,
  fitChoices,
  heun35,
  onTableChoices,
  onTableScaleTime,
  type Spec,
  type SpecGivenSchedule,
  type SpecSchedule,
  sampleKeys,
  trainChoices,
} from './schema.js';
import { rangesOfSeeds } from './seeds.js';

/** Whether a predictor is trained on top of the table that a file has. */
export const steersTable = ({ predictor, sampler, student, train }: Spec): boolean =>
  predictor === undefined && sampler !== undefined && student?.steering === 'predictor' && train !== false;

/** Whether a predictor or a table is trained. */
export const trains = (spec: Spec): boolean =>
  steersTable(spec) || (spec.predictor === undefined && spec.sampler === undefined && spec.train !== false);

/** What makes a table that is fitted: whose options it has, and what it takes an interval where that is its own. */
type Fitted = Pick<DeclaredGenerator, 'name' | 'options' | 'module' | 'evaluations'>;

/** What makes the table that is fitted, where one is: a generator, or a student that a table steers. */
export function generatorOf(
  spec: Spec,
  { generators, students }: Pick<Declarations, 'generators' | 'students'>,
): Fitted | undefined {
  if (!trains(spec) || steersTable(spec)) return undefined;
  const { solver, steering } = spec.student;
  const student = steering === 'table' ? named(students, solver) : undefined;
  if (!student) return named(generators, solver);
  return { ...student, evaluations: () => student.evaluations };
}

/** Whether the student is steered by a predictor, a new one or one that is trained already. */
export const isSteered = (spec: Spec, declarations: Pick<Declarations, 'generators' | 'students'>): boolean =>
  spec.predictor !== undefined || (trains(spec) && !generatorOf(spec, declarations));

/** What a table begins from, and what that is told. A table is linear, so nothing is thresholded. */
export const startIn = ({ student }: Spec): { readonly name: string; readonly told: object } => ({
  name: student.start ?? defaultStart,
  told: { ...student, thresholding: 'none' },
});

/** What is drawn where a spec says nothing. */
export const sampleDefaults = withDefaults(sampleKeys as never, {}) as Required<
  Omit<NonNullable<Spec['sample']>, 'tuned_on'>
>;

/** What is fitted, but for what it costs. */
export type Fit = Omit<FitConfig, 'cost'>;

/** A point before it is labelled and its cost is known. */
export type Resolved = Omit<Point, 'label' | 'settings' | 'fit'> & { readonly fit?: Fit };

/** What the files that a combination names hold. */
interface Held {
  readonly prompts?: readonly string[] | undefined;
  readonly table?: Point['table'] | undefined;
}

/** A valid combination with every default filled in and every path absolute. */
export function resolvePoint(
  spec: Spec,
  surroundings: Surroundings,
  declarations: Declarations,
  { prompts = [], table }: Held = {},
): Resolved {
  const { scores } = declarations;
  const generator = generatorOf(spec, declarations);
  const dataset = datasetOf(spec, surroundings);
  const { seeds, repeats, tuned_on, batch, grid, paths, rng, classes } = {
    ...sampleDefaults,
    tuned_on: undefined,
    ...spec.sample,
  };
  const [columns, rows] = grid.split('x').map(Number) as [number, number];
  return {
    dataset,
    ...(spec.guidance && { guidance: guidanceOf(spec.guidance, prompts) }),
    sampler: table ? madeOf(table.sampler) : samplerOf(spec, declarations),
    train: trains(spec) && !generator && !steersTable(spec) ? trainOf(spec, declarations) : false,
    ...(table && steersTable(spec) && { onTable: onTableOf(spec, table.sampler, declarations) }),
    ...(generator && {
      fit: fitOf(generator, spec, declarations, featureLossOf(spec, dataset, surroundings)),
    }),
    ...(spec.predictor !== undefined && { predictor: resolve(surroundings.specFolder, spec.predictor) }),
    ...(table && { table }),
    reference: ownSampler(spec.reference ?? heun35, declarations),
    evaluate: (spec.evaluate ?? []).map((name) => named(scores, name)?.own ?? name),
    seeds: rangesOfSeeds(seeds),
    repeats,
    ...(tuned_on !== undefined && { tunedOn: rangesOfSeeds(tuned_on) }),
    batch,
    rng,
    classes: typeof classes === 'number' ? [classes] : classes,
    grid: { columns, rows },
    paths,
  };
}

function samplerOf(spec: Spec, declarations: Declarations): SamplerConfig {
  const { plain, students, given } = declarations;
  const { student, schedule } = spec;
  const generator = generatorOf(spec, declarations);
  const steered = isSteered(spec, declarations);
  return {
    ...(generator
      ? startOf(generator, spec, declarations)
      : methodOf(steered ? students : plain, student.solver, student)),
    ...scheduleOf(given, schedule),
    numSteps: student.num_steps,
    afs: student.afs ?? false,
    denoiseToZero: student.denoise_to_zero ?? false,
    ...(student.bottleneck === 'zero' && steered && { bottleneck: 'zero' as const }),
  };
}

/** What a table says that it was made of, whether or not a spec could say it. */
function madeOf({ student, schedule, table }: SamplerFile): SamplerConfig {
  const { num_steps: numSteps, afs = false, denoise_to_zero: denoiseToZero = false, ...method } = student;
  const evaluations = table.sigmas.length / (numSteps - 1);
  return { method, evaluations, schedule, numSteps, afs, denoiseToZero };
}

function datasetOf({ dataset, guidance }: Spec, surroundings: Surroundings): DatasetConfig {
  const { name, checkpoint, sigma_min, sigma_max, tokenizer, network, reference_data, feature_network } =
    dataset;
  const { clip, clip_network } = dataset;
  const onnx = onnxOf(dataset);
  const absolute = (path: string) => resolve(surroundings.specFolder, path);
  const told = networkOf(network ?? {}, guidance?.type);
  const asked = (name: FileName) =>
    !onnx && dataset[name] !== undefined && isRead(`dataset.${name}`, guidance?.type);
  return {
    ...(name !== undefined && { name }),
    checkpoint: absolute(checkpoint),
    ...(sigma_min !== undefined && { sigmaMin: sigma_min }),
    ...(sigma_max !== undefined && { sigmaMax: sigma_max }),
    ...byFile((name) => (asked(name) ? absolute(dataset[name]!) : undefined)),
    ...(isRead('dataset.tokenizer', guidance?.type) &&
      tokenizerOf(absolute(checkpoint), tokenizer && absolute(tokenizer))),
    ...(onnx
      ? onnxPartsOf(onnx, absolute)
      : networkPart(
          withPublished(told, {
            checkpoint,
            classifier: asked('classifier') ? dataset.classifier : undefined,
          }),
        )),
    ...(reference_data !== undefined && { referenceData: absolute(reference_data) }),
    ...(feature_network !== undefined && { featureNetwork: absolute(feature_network) }),
    ...(dataset.feature_resize !== undefined && { featureResize: dataset.feature_resize }),
    ...(clip !== undefined && {
      clip: { file: absolute(clip), ...(clip_network && { network: clip_network }) },
    }),
  };
}

/** What a spec tells of a network, without what nothing reads under its guidance. */
export const networkOf = (
  network: CheckpointValues,
  guidance: GuidanceConfig['type'] | undefined,
): CheckpointValues =>
  Object.fromEntries(Object.entries(network).filter(([name]) => isRead(`dataset.network.${name}`, guidance)));

const networkPart = (network: CheckpointValues): Pick<DatasetConfig, 'network'> =>
  Object.keys(network).length > 0 ? { network } : {};

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

function guidanceOf(
  { type, rate, prompt }: NonNullable<Spec['guidance']>,
  prompts: readonly string[],
): GuidanceConfig {
  const declared = guidances[type];
  return {
    type,
    ...(declared.rate && { rate: rate ?? declared.rate.default }),
    ...(isRead('guidance.prompt', type) && {
      prompts: typeof prompt === 'string' ? [prompt] : (prompt ?? prompts),
    }),
  };
}

function scheduleOf(
  given: readonly DeclaredSchedule[],
  schedule: SpecSchedule,
): ChosenSchedule<GivenSchedule | GitsConfig> {
  if (schedule.type !== 'gits') return givenScheduleOf(given, schedule);
  return { schedule: { type: 'gits', ...withDefaults(gitsChoices, schedule) } };
}

function givenScheduleOf(
  given: readonly DeclaredSchedule[],
  { type, ...told }: SpecGivenSchedule,
): ChosenSchedule<GivenSchedule> {
  const declared = named(given, type);
  if (!declared) throw new Error(`${type} is no schedule`);
  const { options, module } = declared;
  return {
    schedule: { type: module?.name ?? type, ...withDefaults(options, told) },
    ...(module && { scheduleModule: module.file }),
  };
}

/** A method with every option that it has. */
function methodOf(
  declared: readonly (DeclaredMethod | DeclaredStudent)[],
  solver: string,
  told: object,
): ChosenMethod {
  const one = named(declared, solver);
  if (!one) throw new Error(`${solver} is no method`);
  const { options, module } = one;
  return {
    method: { solver: module?.name ?? solver, ...withDefaults(options, { ...told }) },
    evaluations: one.evaluations,
    ...(module && { methodModule: module.file }),
  };
}

/** The teacher's method: the one given, else the student's declared one, or its own. */
export function teacherName(spec: Spec, declarations: Declarations): string {
  const { teacher, student } = spec;
  const byDefault = generatorOf(spec, declarations)
    ? heun35.solver
    : (named(declarations.students, student.solver)?.teacher ?? student.solver);
  return teacher?.solver ?? byDefault;
}

/** What the teacher is told: of the student's own method also what the student is. */
export function teacherOptions(spec: Spec, declarations: Declarations): object {
  const { student, teacher = {} } = spec;
  return teacherName(spec, declarations) === student.solver ? { ...student, ...teacher } : teacher;
}

function trainOf(spec: Spec, declarations: Declarations): TrainConfig {
  const { total_kimg, batch, lr, seed, loss_weight, validation } = withDefaults(
    trainChoices,
    spec.train || {},
  );
  return {
    teacher: methodOf(
      declarations.plain,
      teacherName(spec, declarations),
      teacherOptions(spec, declarations),
    ),
    M: spec.teacher?.M ?? 1,
    images: imagesOf(total_kimg, batch),
    batch,
    lr,
    lossWeight: loss_weight,
    validation,
    seed,
  };
}

/** A whole number of batches. */
const imagesOf = (totalKimg: number, batch: number) =>
  Math.ceil(Math.round(totalKimg * 1000) / batch) * batch || batch;

/** What a predictor on top of a table is told; its teacher is the table's unless a spec names another. */
function onTableOf(spec: Spec, { teacher: own }: SamplerFile, declarations: Declarations): OnTableConfig {
  const { total_kimg, batch, lr, seed, validation } = withDefaults(onTableChoices, spec.train || {});
  const { M: _, ...teacher } = spec.teacher ?? {};
  return {
    scaleTime: (spec.student as { readonly scale_time?: number }).scale_time ?? onTableScaleTime,
    teacher: ownSampler(
      (spec.teacher || !own ? { ...heun35, ...teacher } : own) as NonNullable<Spec['reference']>,
      declarations,
    ),
    images: imagesOf(total_kimg, batch),
    ...{ batch, lr, validation, seed },
  };
}

/** What a table begins from; where its generator reads noise levels alone, what an interval takes is the generator's. */
function startOf(generator: Fitted, spec: Spec, { plain, students }: Declarations): ChosenMethod {
  const { name, told } = startIn(spec);
  if (spec.student.steering === 'table') return methodOf(students, spec.student.solver, told);
  const start = methodOf(plain, name, told);
  const evaluations = generator.evaluations?.(withDefaults(generator.options, { ...spec.student }));
  return { ...start, ...(evaluations !== undefined && { evaluations }) };
}

function fitOf(
  generator: Fitted,
  spec: Spec,
  declarations: Declarations,
  features: FitConfig['features'],
): Fit {
  const { module } = generator;
  const {
    images,
    final_rounds: finalRounds,
    validation,
    contrast,
    match_energy: matchEnergy,
    seed,
  } = withDefaults(fitChoices, spec.train || {});
  const inBlocks = (count: number) => Math.ceil(count / fitBlock) * fitBlock;
  const { M: _, ...teacher } = spec.teacher ?? {};
  return {
    generator: {
      generator: module?.name ?? generator.name,
      ...withDefaults(generator.options, { ...startIn(spec).told }),
    },
    ...(module && spec.student.steering !== 'table' && { generatorModule: module.file }),
    isStarted: !generator.evaluations,
    teacher: ownSampler({ ...heun35, ...teacher }, declarations),
    images: inBlocks(images),
    validation: inBlocks(validation),
    ...{ finalRounds, contrast, matchEnergy, seed },
    ...(features && { features }),
  };
}

/** A sampler with noise levels of its own, the same for every student whatever its schedule. */
function ownSampler(
  told: NonNullable<Spec['reference']>,
  { plain, given }: Declarations,
): SamplerConfig<GivenSchedule> {
  const { solver, num_steps, afs = false, denoise_to_zero = false, schedule = { type: 'polynomial' } } = told;
  return {
    ...methodOf(plain, solver, told),
    ...givenScheduleOf(given, schedule),
    numSteps: num_steps,
    afs,
    denoiseToZero: denoise_to_zero,
  };
}
