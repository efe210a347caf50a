import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { matched } from '@fewstep/solvers';
import { lengthOf, type Range, type Run } from '@fewstep/taskgraph';
import type { GuidanceSettings } from '../predictor/predictor-settings.js';
import {
  formatSampler,
  type SamplerFile,
  type TableTraining,
  type TeacherOfTable,
} from '../sampler/sampler-file.js';
import { readTensors, tensorOf } from './artifacts.js';
import { readEnd, readEnergies } from './fit-files.js';
import type { sampler as kind } from './kinds.js';
import { type ModelInfo, readInfo } from './model-info.js';
import { type FamilyParams, type FeatureLoss, familyOn, generatorOf } from './open-fit.js';
import { madeFor } from './sampler.js';
import { methodOn, type Solve, solveOn } from './solving.js';
import type { TargetsParams } from './targets.js';

export interface FittedSamplerParams extends FamilyParams {
  /** Told by the file: the registry's name of what it is fitted on, how that is guided, whose samples it is fitted to. */
  readonly dataset?: string;
  readonly guidance?: GuidanceSettings;
  readonly teacher: Omit<TargetsParams, 'seeds' | 'guidance'>;
  readonly contrast?: number;
  readonly seed: number;
  /** Of the images that it is fitted to, and of those that only chose the round. */
  readonly seeds: Range;
  readonly validation: Range;
  /** Of a loss on features; `name`: of their network's file. */
  readonly features?: FeatureLoss & { readonly name: string };
}

/** The table that a fit ends with, and a line of its log for each round. */
export const run: Run<typeof kind> = async ({ params, inputs, digests, dir }) => {
  const info = await readInfo(inputs);
  const solving = await solveOn(params, info, inputs);
  const state = await readEnd(inputs);
  const energies = await readEnergies(inputs.energies);
  const fitted = familyOn(params, solving, info).table(state.best!.values);
  const [nfe = 0] = tensorOf(await readTensors(inputs.targets[0]!), 'nfe', 'F32').data;
  const { seeds, validation, contrast, seed } = params;
  const [images, validated] = [lengthOf(seeds), lengthOf(validation)];
  const teacherCalls = nfe * (images + validated);
  const train: TableTraining = {
    images,
    rounds: state.log.length,
    validation: validated,
    seed,
    seeds: seeds.join('-'),
    validation_seeds: validation.join('-'),
    ...lossOf(params.features, digests.feature_network),
    ...(contrast !== undefined && { contrast }),
    ...(energies.length > 0 && { match_energy: true }),
    calls: energies.reduce((sum, one) => sum + one.calls, state.calls + teacherCalls),
    teacher_calls: teacherCalls,
    rmse: [rmseOf(state.log[0]!), rmseOf(state.best!)],
  };
  const file: SamplerFile = {
    table: energies.length > 0 ? matched(fitted, energies) : fitted,
    model: madeFor(info, solving, params.dataset),
    schedule: solving.schedule,
    student: studentOf(params, solving),
    ...(params.guidance && { guidance: params.guidance }),
    teacher: teacherOf(params.teacher, info),
    train,
  };
  await writeFile(join(dir, 'sampler.json'), formatSampler(file));
  const lines = state.log.map((one, i) => `${JSON.stringify({ round: i + 1, ...one })}\n`);
  await writeFile(join(dir, 'log.jsonl'), lines.join(''));
  return { files: { sampler: 'sampler.json', log: 'log.jsonl' }, meta: { calls: train.calls } };
};

/** Of samples alone, whatever else counted in the loss. */
const rmseOf = ({ rmse, validation }: { readonly rmse?: number; readonly validation: number }) =>
  rmse ?? validation;

function lossOf(
  features: FittedSamplerParams['features'],
  [sha256]: readonly string[] = [],
): Pick<TableTraining, 'loss' | 'features' | 'uses_metric_features'> {
  if (!features) return { loss: 'l2', uses_metric_features: false };
  const { name: network, ...told } = features;
  return { loss: 'features', features: { network, sha256: sha256!, ...told }, uses_metric_features: true };
}

/** As a spec has them. */
function studentOf(
  { generator: { generator, ...told }, afs, denoiseToZero }: FittedSamplerParams,
  { method: { solver, ...options }, numSteps, declared }: Solve,
): SamplerFile['student'] {
  const made = generatorOf(generator, { declared });
  return {
    solver: generator,
    ...(made ? !made.evaluations && { start: solver, ...options } : { steering: 'table' }),
    ...told,
    num_steps: numSteps,
    afs,
    denoise_to_zero: denoiseToZero,
  };
}

/** Whose samples are learned from, as files tell it. */
export function teacherOf(
  { method, schedule, numSteps, afs, denoiseToZero }: FittedSamplerParams['teacher'],
  info: ModelInfo,
): TeacherOfTable {
  return {
    ...methodOn(method, info),
    num_steps: numSteps,
    afs,
    denoise_to_zero: denoiseToZero,
    schedule: schedule!,
  };
}
