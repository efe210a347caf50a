import { rmse } from '@fewstep/metrics';
import { readImages, writeValue } from './artifacts.js';
import type { TaskContext, TaskResult } from './task-module.js';

/** Root mean square difference of two sets of images of the same seeds, in 8-bit units. */
export async function run({ inputs, dir }: TaskContext): Promise<TaskResult> {
  const images = await readImages(inputs.images!);
  const reference = await readImages(inputs.reference!);
  return writeValue(dir, { rmse_to_teacher: rmse(images.data, reference.data) });
}
