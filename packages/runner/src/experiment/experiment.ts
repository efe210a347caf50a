import type { BetaSchedule, ClipTold, FeatureResize, OnnxDenoiserOptions } from '@fewstep/models';
import type { CheckpointFiles, CheckpointValues, GuidanceName } from '@fewstep/models/families';
import type { gitsChoices, OptionValues } from '@fewstep/schedules';
import type { FitCost, RngName } from '@fewstep/solvers';
import type { SamplerFile } from '../sampler/sampler-file.js';
import type { OwnScore } from '../scores/scores.js';
import type { Problem } from './problem.js';
import type { ModelFile } from './published-models.js';
import type { WrittenSpec } from './schema.js';

/** An experiment as the rest of the runner sees it: every default filled in, every path absolute, every problem reported before. */

/** A schedule that is known at once: its name, and every option that it has. */
export interface GivenSchedule {
  readonly type: string;
  readonly [option: string]: OptionValue;
}

/** A schedule that is searched, within a polynomial grid. */
export type GitsConfig = { readonly type: 'gits' } & OptionValues<typeof gitsChoices>;

export const isSearched = (schedule: GivenSchedule | GitsConfig): schedule is GitsConfig =>
  schedule.type === 'gits';

/** A method with exactly the options that it reads, under their YAML names. */
export interface SolverConfig {
  readonly solver: string;
  readonly [option: string]: OptionValue;
}

type OptionValue = string | number | boolean | readonly number[];

/** Files that belong to the checkpoint have their names in a spec. */
export interface DatasetConfig extends CheckpointFiles {
  /** In the registry; left out of one that the spec describes. */
  readonly name?: string;
  readonly checkpoint: string;
  /** Left out: the checkpoint's own. */
  readonly sigmaMin?: number;
  readonly sigmaMax?: number;
  /** Folder of the vocabulary; left out: CLIP's own. */
  readonly tokenizer?: string;
  /** What the weights don't show, under its YAML names. */
  readonly network?: CheckpointValues;
  /** Of a checkpoint that is ONNX. */
  readonly onnx?: OnnxConfig;
  /** Of such a checkpoint: the file that encodes prompts for it, and the one that makes pictures of its latents. */
  readonly textEncoder?: string;
  readonly decoder?: { readonly file: string; readonly scaleFactor: number };
  readonly referenceData?: string;
  readonly featureNetwork?: string;
  /** Of weights that leave it open; left out: `tensorflow`. */
  readonly featureResize?: FeatureResize;
  readonly clip?: ClipConfig;
}

/** A CLIP, and what its weights don't show, under its YAML names. */
export interface ClipConfig {
  readonly file: string;
  readonly network?: ClipTold;
}

/** What the network of an ONNX file gives, and what the file leaves open. */
export type OnnxConfig = (
  | { readonly parametrization: 'eps' | 'v' | 'x0'; readonly betas: BetaSchedule }
  | { readonly parametrization: 'edm'; readonly sigmaData: number }
  | { readonly parametrization: 'denoiser'; readonly betas?: BetaSchedule }
) &
  Omit<OnnxDenoiserOptions, 'preconditioning'>;

/** How samples are led to what they shall show. */
export interface GuidanceConfig {
  readonly type: GuidanceName;
  /** Where it has one. */
  readonly rate?: number;
  /** Of cfg: seed s gets entry s mod length. None where they are in a file of `files` that isn't there. */
  readonly prompts?: readonly string[];
}

/** A method that a spec chose. */
export interface ChosenMethod {
  readonly method: SolverConfig;
  /** Of one interval, for the plan. */
  readonly evaluations: number;
  /** Of a method in a file of the user's own. */
  readonly methodModule?: string;
}

/** A schedule that a spec chose. */
export interface ChosenSchedule<Schedule> {
  readonly schedule: Schedule;
  /** Of a schedule in a file of the user's own. */
  readonly scheduleModule?: string;
}

/** A run from sigma_max to sigma_min without its seeds. */
export interface SamplerConfig<Schedule = GivenSchedule | GitsConfig>
  extends ChosenMethod,
    ChosenSchedule<Schedule> {
  readonly numSteps: number;
  readonly afs: boolean;
  readonly denoiseToZero: boolean;
  /** What the predictor reads; left out: what the network shows. */
  readonly bottleneck?: 'zero';
}

export interface TrainConfig {
  readonly teacher: ChosenMethod;
  readonly M: number;
  /** Trajectories seen, a whole number of batches. */
  readonly images: number;
  readonly batch: number;
  readonly lr: number;
  readonly lossWeight: 'official' | 'end_to_end';
  /** Images that only tell the loss. */
  readonly validation: number;
  readonly seed: number;
}

/** A way to make a table of numbers, with exactly the options that it reads, under their YAML names. */
export interface GeneratorConfig {
  readonly generator: string;
  readonly [option: string]: OptionValue;
}

/** How a table is fitted; what it begins from is the point's sampler. */
export interface FitConfig {
  readonly generator: GeneratorConfig;
  /** Of a generator in a file of the user's own. */
  readonly generatorModule?: string;
  /** Whether it begins from the sampler's method, and not from noise levels alone. */
  readonly isStarted: boolean;
  /** For the plan. */
  readonly cost: FitCost;
  /** Whose samples it is fitted to. */
  readonly teacher: SamplerConfig<GivenSchedule>;
  /** Whole blocks, of those that it is fitted to and of those that only choose the iteration. */
  readonly images: number;
  readonly validation: number;
  /** How many rounds on all images it ends with. */
  readonly finalRounds: number;
  /** Of `withContrast`; 0: values alone. */
  readonly contrast: number;
  /** Whether the last row is brought to the teacher's energies at the end. */
  readonly matchEnergy: boolean;
  readonly seed: number;
  /** Of a loss on features: their network, and what they count beside pixels; left out: pixels or latents alone. */
  readonly features?: { readonly network: FeatureNetworkFile; readonly weight: number };
}

/** A feature network: its file, ONNX or weights, and how images come to its size where these leave it open. */
export interface FeatureNetworkFile {
  readonly file: string;
  readonly resize?: FeatureResize | undefined;
}

/** How a predictor on top of a table is trained. */
export interface OnTableConfig extends Pick<TrainConfig, 'images' | 'batch' | 'lr' | 'validation' | 'seed'> {
  /** How far the noise levels that the network is told may be scaled. */
  readonly scaleTime: number;
  readonly teacher: SamplerConfig<GivenSchedule>;
}

/** What was published of a sampler, to be set beside its scores. */
export interface PublishedFigures {
  /** What the sampler is called there. */
  readonly name: string;
  readonly source: string;
  /** Samples that they are of. */
  readonly images: number;
  /** FID by the passes of one sample through the network, those of guidance counted. */
  readonly fid: Readonly<Record<string, number>>;
}

/** One combination of the grid. */
export interface Point {
  readonly label: string;
  /** What distinguishes it from its neighbours: the grid's paths and their values. */
  readonly settings: Readonly<Record<string, unknown>>;
  readonly dataset: DatasetConfig;
  readonly guidance?: GuidanceConfig;
  readonly sampler: SamplerConfig;
  /** false: the plain solver, a predictor that is trained already, or a table. */
  readonly train: TrainConfig | false;
  /** Of a table that is fitted. */
  readonly fit?: FitConfig;
  /** Of a predictor that is trained on top of `table`. */
  readonly onTable?: OnTableConfig;
  /** The file of a trained predictor; where `table` is in that, of one on top of it. */
  readonly predictor?: string;
  /** What is sampled with in place of `sampler`, which then says what it was made of. */
  readonly table?: { readonly file: string; readonly sampler: SamplerFile };
  readonly reference: SamplerConfig<GivenSchedule>;
  /** Names of scores, and what files of the user's own declare. */
  readonly evaluate: readonly (string | OwnScore)[];
  /** Ranges of consecutive seeds [first, last], in the order asked for, no seed twice. */
  readonly seeds: readonly (readonly [number, number])[];
  /** Blocks that the seeds are cut into, each scored by itself. */
  readonly repeats: number;
  /** Seeds that its settings were chosen on; no task reads them. */
  readonly tunedOn?: readonly (readonly [number, number])[];
  readonly batch: number;
  readonly rng: RngName;
  /** Seed s gets entry s mod length; one entry: that class for all. */
  readonly classes: 'random' | readonly number[];
  readonly grid: { readonly columns: number; readonly rows: number };
  /** Of how many of the first seeds the states that they go through are held against the reference's; 0: of none. */
  readonly paths: number;
  /** Where there are such; no task reads them. */
  readonly published?: PublishedFigures;
}

/** A file that the experiment reads, and what to tell when it isn't there. */
export interface NeededFile {
  /** What it is to the experiment: its key in the spec, below `dataset` or `guidance`. */
  readonly role: string;
  readonly path: string;
  /** What the registry says of it, where it is a dataset's of the registry. */
  readonly published?: { readonly dataset: string; readonly file: ModelFile };
  readonly ifMissing: Problem;
}

/** A whole spec: what `compile` makes a graph of. */
export interface Experiment {
  readonly name: string;
  /** The spec, absolute. */
  readonly file: string;
  readonly points: readonly Point[];
  /** Of each point what the spec says, its grid, the command line and its predictor laid in; paths are as written. */
  readonly specs: readonly WrittenSpec[];
  /** Each once; whether they are there is asked by `missingFiles`. */
  readonly files: readonly NeededFile[];
  /** What the command line made other than the file says, as it was typed: `student.num_steps=5`, `only=LABEL`. */
  readonly changes: readonly string[];
  /** Keys of the file that nothing reads after those changes, and that were left out. */
  readonly dropped: readonly string[];
}
