import type { GivenSchedule, GuidanceConfig, SolverConfig } from '../experiment/experiment.js';
import type { TeacherOfTable } from '../sampler/sampler-file.js';
import type { PredictorParams } from '../tasks/predictor.js';

/** Guidance without its prompts. */
export interface GuidanceSettings {
  readonly type: GuidanceConfig['type'];
  /** Of cg and cfg. */
  readonly rate?: number;
}

/** What sampling must know of a predictor: sections of a spec, with every option that is read. */
export interface SamplingSettings {
  readonly schedule: GivenSchedule;
  readonly guidance?: GuidanceSettings;
  readonly student: SolverConfig & { readonly num_steps: number; readonly afs: boolean };
}

/** How a predictor was trained: the sections of a spec that trains it. */
export interface TrainingSettings extends SamplingSettings {
  readonly teacher: SolverConfig & { readonly M: number };
  readonly dataset: {
    /** In the registry, where it has it from there. */
    readonly name?: string;
    readonly sigma_min: number;
    readonly sigma_max: number;
  };
  readonly train: {
    readonly total_kimg: number;
    readonly batch: number;
    readonly lr: number;
    readonly loss_weight: 'official' | 'end_to_end';
    readonly seed: number;
  };
}

/** How a predictor on top of a table was trained. */
export interface TablePredictorSettings extends Pick<TrainingSettings, 'dataset'> {
  /** The text of the table's file. */
  readonly sampler: string;
  readonly student: { readonly steering: 'predictor'; readonly scale_time: number };
  readonly teacher: TeacherOfTable;
  readonly train: Omit<TrainingSettings['train'], 'loss_weight'> & {
    /** Which iteration was best on what validates, and is kept; 0: none was, so that it is the table. */
    readonly iteration: number;
  };
}

/** What a spec may leave to the model or to a search. */
interface Solved {
  readonly schedule: GivenSchedule;
  readonly sigmaMin: number;
  readonly sigmaMax: number;
}

/** What the file of a predictor says of the task that trained it. */
export function trainingSettings({
  sigmaMin,
  sigmaMax,
  method,
  schedule,
  numSteps,
  afs,
  teacher,
  M,
  dataset: name,
  guidance,
  batch,
  lr,
  lossWeight = 'official',
  seed,
  seeds,
}: PredictorParams & Solved): TrainingSettings {
  return {
    schedule,
    ...(guidance && { guidance }),
    student: { ...method, num_steps: numSteps, afs },
    teacher: { ...teacher, M },
    dataset: { ...(name !== undefined && { name }), sigma_min: sigmaMin, sigma_max: sigmaMax },
    train: { total_kimg: (seeds[1] - seeds[0] + 1) / 1000, batch, lr, loss_weight: lossWeight, seed },
  };
}
