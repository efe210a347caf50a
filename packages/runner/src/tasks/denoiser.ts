import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { exportDenoiser, readEdmCheckpoint } from '@fewstep/models';
import type { TaskContext, TaskResult } from './task-module.js';

/** A checkpoint as an ONNX graph with preconditioning inside, and what it takes and gives. */
export async function run({ inputs, dir }: TaskContext): Promise<TaskResult> {
  const { graph, info } = exportDenoiser(await readEdmCheckpoint(inputs.checkpoint![0]!));
  await writeFile(join(dir, 'denoiser.onnx'), graph);
  await writeFile(join(dir, 'info.json'), JSON.stringify(info));
  return { files: { graph: 'denoiser.onnx', info: 'info.json' }, meta: {} };
}
