import { prdc } from '@fewstep/metrics';
import { writeValue } from './artifacts.js';
import { readFeatures } from './features-file.js';
import type { TaskContext, TaskResult } from './task-module.js';

export interface PrdcParams {
  readonly k: number;
}

/** Precision, recall, density and coverage, with balls that reach to the k-th nearest neighbour. */
export async function run({ params, inputs, dir }: TaskContext<PrdcParams>): Promise<TaskResult> {
  const real = await readFeatures(inputs.reference!);
  const fake = await readFeatures(inputs.features!);
  const { precision, recall, density, coverage } = prdc(real, fake, params.k);
  return writeValue(dir, { precision, recall, density, coverage });
}
