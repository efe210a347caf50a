import { readFile } from 'node:fs/promises';
import { frechetDistance, readStatistics, statistics } from '@fewstep/metrics';
import { writeValue } from './artifacts.js';
import { readMoments } from './features-file.js';
import type { TaskContext, TaskResult } from './task-module.js';

/** Fréchet distance between the features of samples and of real images, the latter as moments or as a .npz. */
export async function run({ inputs, dir }: TaskContext): Promise<TaskResult> {
  const [published] = inputs.statistics ?? [];
  const reference = published
    ? await readStatistics(await readFile(published), published)
    : statistics(await readMoments(inputs.reference!));
  return writeValue(dir, { fid: frechetDistance(statistics(await readMoments(inputs.moments!)), reference) });
}
