import { kid } from '@fewstep/metrics';
import { writeValue } from './artifacts.js';
import { readFeatures } from './features-file.js';
import type { TaskContext, TaskResult } from './task-module.js';

/** Kernel inception distance over all samples and all real images. */
export async function run({ inputs, dir }: TaskContext): Promise<TaskResult> {
  return writeValue(dir, {
    kid: kid(await readFeatures(inputs.features!), await readFeatures(inputs.reference!)),
  });
}
