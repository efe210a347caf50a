import { RunnerError } from '../errors.js';
import type { GivenSchedule, GuidanceConfig, SolverConfig } from '../experiment/experiment.js';
import { judge } from '../experiment/judge.js';
import type { Place } from '../experiment/problem.js';
import { keys } from '../experiment/schema.js';
import { type Dict, entryAt, treeOf } from '../experiment/tree.js';
import { options } from '../experiment/unread.js';
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
  readonly student: SolverConfig & {
    readonly num_steps: number;
    readonly afs: boolean;
    readonly scale_dir: number;
    readonly scale_time: number;
  };
}

/** How a predictor was trained: the sections of a spec that trains it. */
export interface TrainingSettings extends SamplingSettings {
  readonly teacher: SolverConfig & { readonly M: number };
  readonly dataset: { readonly sigma_min: number; readonly sigma_max: number };
  readonly train: {
    readonly total_kimg: number;
    readonly batch: number;
    readonly lr: number;
    readonly loss_weight: 'official' | 'end_to_end';
    readonly seed: number;
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
  scaleDir,
  scaleTime,
  teacher,
  M,
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
    student: { ...method, num_steps: numSteps, afs, scale_dir: scaleDir, scale_time: scaleTime },
    teacher: { ...teacher, M },
    dataset: { sigma_min: sigmaMin, sigma_max: sigmaMax },
    train: { total_kimg: (seeds[1] - seeds[0] + 1) / 1000, batch, lr, loss_weight: lossWeight, seed },
  };
}

const nowhere: Place = { file: '', line: 0, column: 0, layer: 0 };

/** The keys that a predictor is trained with, and that its samples depend on. */
const sampling = [...keys.keys()].filter((path) => /^(schedule|student)\.|^guidance\.rate$/.test(path));

/**
 * Judges settings from a file as if they were a spec; what sampling must know may not be left to a default.
 *
 * @throws RunnerError E_PREDICTOR that lists every problem
 */
export function checkSettings<S extends SamplingSettings>(sections: Readonly<Record<string, object>>): S {
  const problems: string[] = [];
  const { guidance } = sections as Partial<SamplingSettings>;
  const dataset = {
    checkpoint: 'any',
    ...(guidance?.type === 'cg' && { classifier: 'any' }),
    ...sections.dataset,
  };
  const led = guidance && { guidance: { ...(guidance.type === 'cfg' && { prompt: 'any' }), ...guidance } };
  const tree = treeOf({ name: 'any', predictor: 'any', ...sections, ...led, dataset }, nowhere) as Dict;
  const { spec } = judge(tree, (_, path, sentence) => problems.push(`${path}: ${sentence}`));
  if (problems.length === 0 && spec.schedule.type === 'gits')
    problems.push(
      'schedule.type: gits is a search; a predictor is trained on the noise levels that one found.',
    );
  if (problems.length === 0)
    for (const path of sampling) {
      const option = options.find((one) => one.path === path);
      const isRead = path !== 'student.denoise_to_zero' && (option?.read(spec) ?? true);
      const isWritten = entryAt(tree, path.split('.')) !== undefined;
      if (isRead !== isWritten) problems.push(`${path}: ${isRead ? 'missing' : 'nothing reads it'}.`);
    }
  if (problems.length > 0)
    throw new RunnerError('E_PREDICTOR', problems.join(' '), { evidence: { problems } });
  return sections as unknown as S;
}
