import type { FileName } from '@fewstep/models/families';
import { fileNames } from '@fewstep/models/families';
import { file, kind, many, one, optional, params } from '@fewstep/taskgraph';
import { scoreKinds } from '../scores/scores.js';
import type { BoundsParams } from './bounds.js';
import type { BoundsByBandParams } from './bounds-by-band.js';
import type { DenoiserParams } from './denoiser.js';
import type { FitProposalsParams } from './fit-proposals.js';
import type { FittedSamplerParams } from './fitted-sampler.js';
import type { GitsParams } from './gits.js';
import type { GivenFeaturesParams } from './given-features.js';
import type { IntersParams } from './inters.js';
import type { IntersPictureParams } from './inters-picture.js';
import type { ClipParams } from './open-clip.js';
import type { FeatureParams } from './open-features.js';
import type { BlockParams, FamilyParams } from './open-fit.js';
import type { PathsParams } from './paths.js';
import type { ComparisonParams, PictureParams } from './picture.js';
import type { PredictorParams } from './predictor.js';
import type { PromptBlock } from './prompt-blocks.js';
import type { ReferenceParams, Which } from './reference-features.js';
import type { SamplesParams } from './samples.js';
import type { StepCostsParams } from './step-costs.js';
import type { TablePredictorParams } from './table-predictor.js';
import type { TargetsParams } from './targets.js';
import type { TeacherParams } from './teacher.js';

const sampling = ['schedules', 'solvers', 'models'] as const;
const model = { graph: one, info: one, weights: optional, conditions: many } as const;
/** A schedule that was searched, and files of the user's own that declare method and spacing. */
const chosen = { schedule: optional, method: optional, spacing: optional } as const;
/** The same of what is fitted, and the file that declares what makes its tables. */
const chosenFit = { ...chosen, generator: optional } as const;
/** Which of them are code. */
const [code, codeOfFit] = [
  ['method', 'spacing'],
  ['method', 'spacing', 'generator'],
] as const;
const checkpointFiles = Object.fromEntries(fileNames.map((name) => [name, optional])) as Record<
  FileName,
  typeof optional
>;
const none = params<Record<string, never>>();
const smallerBatch = 'A smaller sample.batch needs less.';

/** A checkpoint of any family as a graph. */
export const denoiser = kind({
  name: 'denoiser',
  revision: 4,
  packages: ['models'],
  params: params<DenoiserParams>(),
  inputs: {
    checkpoint: one,
    ...checkpointFiles,
    text_encoder: optional,
    decoder: optional,
  },
  outputs: { graph: file, info: file, weights: optional, decoder: optional, text_encoder: optional },
  run: () => import('./denoiser.js'),
});

export const conditions = kind({
  name: 'conditions',
  revision: 2,
  packages: ['models'],
  params: params<PromptBlock>(),
  inputs: { info: one, text_encoder: one, tokenizer: optional },
  outputs: { conditions: file },
  run: () => import('./conditions.js'),
});

export const stepCosts = kind({
  name: 'step-costs',
  revision: 1,
  packages: sampling,
  params: params<StepCostsParams>(),
  over: 'seeds',
  inputs: model,
  outputs: { costs: file },
  memory: smallerBatch,
  run: () => import('./step-costs.js'),
  slice: () => import('./step-costs.js'),
});

export const gits = kind({
  name: 'gits',
  revision: 1,
  packages: ['schedules'],
  params: params<GitsParams>(),
  inputs: { costs: many },
  outputs: { schedule: file },
  run: () => import('./gits.js'),
});

export const teacher = kind({
  name: 'teacher',
  revision: 2,
  packages: sampling,
  params: params<TeacherParams>(),
  over: 'seeds',
  inputs: { ...model, ...chosen },
  code,
  outputs: { trajectories: file },
  memory: smallerBatch,
  run: () => import('./teacher.js'),
  slice: () => import('./teacher.js'),
});

export const predictor = kind({
  name: 'predictor',
  revision: 8,
  packages: sampling,
  params: params<PredictorParams>(),
  inputs: { ...model, ...chosen, trajectories: many, validation: many },
  code,
  outputs: { predictor: file, stats: file },
  memory: 'A smaller train.batch needs less.',
  run: () => import('./predictor.js'),
});

/** One on top of a table. */
export const tablePredictor = kind({
  name: 'table-predictor',
  revision: 1,
  packages: sampling,
  params: params<TablePredictorParams>(),
  inputs: { ...model, sampler: one, targets: many, validation: many },
  outputs: { predictor: file, stats: file },
  memory: 'A smaller train.batch needs less.',
  run: () => import('./table-predictor.js'),
});

/** Where a teacher ends, which a table is fitted to. */
export const targets = kind({
  name: 'targets',
  revision: 1,
  packages: sampling,
  params: params<TargetsParams>(),
  over: 'seeds',
  inputs: { ...model, ...chosen },
  code,
  outputs: { targets: file },
  memory: smallerBatch,
  run: () => import('./targets.js'),
});

/** Where a fit of a table begins. */
export const fitStart = kind({
  name: 'fit-start',
  revision: 1,
  packages: sampling,
  params: params<FamilyParams>(),
  inputs: { info: one, ...chosenFit },
  code: codeOfFit,
  outputs: { standing: file },
  run: () => import('./fit-start.js'),
});

/** How much a teacher's samples vary, in pixels and in what a feature network sees of them. */
export const featureScale = kind({
  name: 'feature-scale',
  revision: 1,
  packages: sampling,
  params: params<FeatureParams>(),
  inputs: { network: one, info: one, targets: many },
  outputs: { scale: file },
  memory: smallerBatch,
  run: () => import('./feature-scale.js'),
});

const fitting = {
  ...model,
  ...chosenFit,
  targets: one,
  standing: one,
  feature_network: optional,
  feature_scale: optional,
} as const;

/** How far a table is off on a block of seeds, and which way is down. */
export const fitEquations = kind({
  name: 'fit-equations',
  revision: 2,
  packages: sampling,
  params: params<BlockParams>(),
  over: 'seeds',
  inputs: fitting,
  code: codeOfFit,
  outputs: { equations: file },
  memory: smallerBatch,
  run: () => import('./fit-equations.js'),
});

/** How far a table is off on a block, or each of the steps that it may take. */
export const fitSquares = kind({
  name: 'fit-squares',
  revision: 2,
  packages: sampling,
  params: params<BlockParams>(),
  over: 'seeds',
  inputs: fitting,
  code: codeOfFit,
  outputs: { squares: file },
  memory: smallerBatch,
  run: () => import('./fit-squares.js'),
});

/** How much there is in each band of frequency of the samples that it ends with, and of the teacher's. */
export const fitEnergies = kind({
  name: 'fit-energies',
  revision: 1,
  packages: sampling,
  params: params<BlockParams>(),
  over: 'seeds',
  inputs: { ...model, ...chosenFit, targets: one, standing: one, validation: many },
  code: codeOfFit,
  outputs: { energies: file },
  memory: smallerBatch,
  run: () => import('./fit-energies.js'),
});

/** The steps that an iteration tries. */
export const fitProposals = kind({
  name: 'fit-proposals',
  revision: 2,
  packages: ['solvers'],
  params: params<FitProposalsParams>(),
  inputs: { standing: one, equations: many, validation: many },
  outputs: { standing: file },
  run: () => import('./fit-proposals.js'),
});

/** The step that it takes. */
export const fitStep = kind({
  name: 'fit-step',
  revision: 2,
  packages: ['solvers'],
  params: none,
  inputs: { standing: one, trials: many },
  outputs: { standing: file },
  run: () => import('./fit-step.js'),
});

/** The table that a fit ends with. */
export const sampler = kind({
  name: 'sampler',
  revision: 1,
  packages: sampling,
  params: params<FittedSamplerParams>(),
  inputs: {
    info: one,
    ...chosenFit,
    standing: one,
    validation: many,
    energies: many,
    targets: many,
    feature_network: optional,
  },
  code: codeOfFit,
  outputs: { sampler: file, log: file },
  run: () => import('./fitted-sampler.js'),
});

/** What samples would gain that each had numbers of a table of their own. */
export const bounds = kind({
  name: 'bounds',
  revision: 3,
  packages: sampling,
  params: params<BoundsParams>(),
  over: 'seeds',
  inputs: { ...model, sampler: one, targets: one },
  outputs: { bounds: file },
  memory: smallerBatch,
  run: () => import('./bounds.js'),
});

/** What they would gain by a last row of bands, one for all. */
export const boundsByBand = kind({
  name: 'bounds-by-band',
  revision: 3,
  packages: sampling,
  params: params<BoundsByBandParams>(),
  inputs: { ...model, sampler: one, targets: many },
  outputs: { bounds: file },
  memory: 'Fewer seeds need less.',
  run: () => import('./bounds-by-band.js'),
});

export const samples = kind({
  name: 'samples',
  revision: 2,
  packages: sampling,
  params: params<SamplesParams>(),
  over: 'seeds',
  inputs: { ...model, ...chosen, decoder: optional, predictor: optional, sampler: optional },
  code,
  outputs: { images: file },
  memory: smallerBatch,
  run: () => import('./samples.js'),
  slice: () => import('./samples.js'),
});

/** The states that samples go through. */
export const inters = kind({
  name: 'inters',
  revision: 1,
  packages: sampling,
  params: params<IntersParams>(),
  over: 'seeds',
  inputs: { ...model, ...chosen, predictor: optional, sampler: optional },
  code,
  outputs: { inters: file },
  memory: smallerBatch,
  run: () => import('./inters.js'),
  slice: () => import('./inters.js'),
});

/** Those of the first samples, a row each. */
export const intersPicture = kind({
  name: 'inters-picture',
  revision: 1,
  packages: ['models', 'metrics'],
  params: params<IntersPictureParams>(),
  inputs: { inters: many, info: one, decoder: optional },
  outputs: { png: file },
  run: () => import('./inters-picture.js'),
});

/** The states of the first samples beside those of their reference. */
export const paths = kind({
  name: 'paths',
  revision: 1,
  packages: ['metrics'],
  params: params<PathsParams>(),
  inputs: { student: many, teacher: many },
  outputs: { paths: file },
  run: () => import('./paths.js'),
});

/** Published statistics in a pickle, as .npz. */
export const statistics = kind({
  name: 'statistics',
  revision: 2,
  packages: ['models', 'metrics'],
  params: none,
  inputs: { file: one },
  outputs: { statistics: file },
  run: () => import('./statistics.js'),
});

/** Features of a shard of samples: the network's file itself is an input, weights as they are published. */
export const features = kind({
  name: 'features',
  revision: 2,
  packages: ['models'],
  params: params<FeatureParams>(),
  inputs: { network: one, images: many },
  outputs: { features: file },
  memory: smallerBatch,
  run: () => import('./features.js'),
  slice: () => import('./features.js'),
});

export const referenceFeatures = kind({
  name: 'reference-features',
  revision: 2,
  packages: ['models', 'metrics'],
  params: params<ReferenceParams>(),
  inputs: { network: one, data: one },
  outputs: { features: file },
  memory: smallerBatch,
  run: () => import('./reference-features.js'),
});

/** Features that somebody else computed. */
export const givenFeatures = kind({
  name: 'given-features',
  revision: 1,
  packages: ['models', 'metrics'],
  params: params<GivenFeaturesParams>(),
  inputs: { file: one },
  outputs: { features: file },
  memory: 'Fewer vectors in a file need less.',
  run: () => import('./given-features.js'),
});

/** The Fréchet distance of published statistics, of whose images nothing is known. */
export const fidOfStatistics = kind({
  name: 'fid-of-statistics',
  revision: 1,
  packages: ['metrics'],
  params: none,
  inputs: { set: one, reference: many, statistics: optional },
  outputs: { value: file },
  run: () => import('./fid-of-statistics.js'),
});

/** What a CLIP sees in samples. */
export const clipEmbeddings = kind({
  name: 'clip-embeddings',
  revision: 1,
  packages: ['models', 'metrics'],
  params: params<ClipParams>(),
  inputs: { network: one, images: many },
  outputs: { embeddings: file },
  memory: smallerBatch,
  run: () => import('./clip-embeddings.js'),
  slice: () => import('./clip-embeddings.js'),
});

/** The same of images on disk. */
export const clipSetEmbeddings = kind({
  name: 'clip-set-embeddings',
  revision: 1,
  packages: ['models', 'metrics'],
  params: params<Which & ClipParams>(),
  inputs: { network: one, data: one },
  outputs: { embeddings: file },
  memory: 'A smaller --batch needs less.',
  run: () => import('./clip-set-embeddings.js'),
});

/** What it reads in prompts. */
export const clipPrompts = kind({
  name: 'clip-prompts',
  revision: 1,
  packages: ['models'],
  params: params<PromptBlock & ClipParams>(),
  inputs: { network: one },
  outputs: { embeddings: file },
  run: () => import('./clip-prompts.js'),
});

/** Whether a task's work is of a network that scores, not of the model that is sampled. */
export const evaluatesFeatures = ({ name }: { readonly name: string }): boolean =>
  [features, referenceFeatures, clipEmbeddings, clipSetEmbeddings].some((one) => one.name === name);

/** A point's images in rows, and the first of them for the comparison. */
export const picture = kind({
  name: 'picture',
  revision: 2,
  packages: ['metrics'],
  params: params<PictureParams>(),
  inputs: { images: many },
  outputs: { png: file, row: file },
  run: () => import('./picture.js'),
});

/** The first images of every point, a row each. */
export const comparison = kind({
  name: 'comparison',
  revision: 1,
  packages: ['metrics'],
  params: params<ComparisonParams>(),
  inputs: { rows: many },
  outputs: { png: file },
  run: () => import('./comparison.js'),
});

/** Every kind of task, for the process that computes. */
export const kinds = {
  denoiser,
  conditions,
  stepCosts,
  gits,
  teacher,
  predictor,
  tablePredictor,
  targets,
  fitStart,
  featureScale,
  fitEquations,
  fitSquares,
  fitEnergies,
  fitProposals,
  fitStep,
  sampler,
  bounds,
  boundsByBand,
  samples,
  inters,
  intersPicture,
  paths,
  statistics,
  features,
  referenceFeatures,
  givenFeatures,
  fidOfStatistics,
  clipEmbeddings,
  clipSetEmbeddings,
  clipPrompts,
  ...scoreKinds,
  picture,
  comparison,
};
