import { copyFile, link, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type DenoiserInfo, type EngineOptions, type LoadedDenoiser, openDenoiser } from '@fewstep/models';
import { keepLast } from './keep-last.js';
import { type ModelInfo, readInfo } from './model-info.js';
import type { TaskContext } from './task-module.js';

interface Loaded {
  readonly info: ModelInfo;
  readonly denoiser: LoadedDenoiser;
}

const keep = keepLast<LoadedDenoiser>();

/** The denoiser of a task's inputs, on its device, which is one for all tasks of a process. */
export async function loadDenoiser({
  inputs,
  dir,
  device,
}: Pick<TaskContext, 'inputs' | 'dir' | 'device'>): Promise<Loaded> {
  const info = await readInfo(inputs);
  const graph = inputs.graph![0]!;
  const weights = inputs.weights?.[0];
  const denoiser = await keep(`${graph} ${weights}`, () =>
    weights === undefined
      ? openDenoiser(graph, info, { device })
      : openBeside(graph, weights, info, dir, { device }),
  );
  return { info, denoiser };
}

/** Opens a graph whose weights must lie beside it under the name that it calls them. */
async function openBeside(
  graph: string,
  weights: string,
  info: DenoiserInfo,
  dir: string,
  options: EngineOptions,
) {
  const folder = await mkdtemp(join(dir, 'model-'));
  const place = (from: string, name: string) => {
    const to = join(folder, name);
    return link(from, to).catch(() => copyFile(from, to));
  };
  await place(graph, 'denoiser.onnx');
  await place(weights, 'weights.bin');
  try {
    return await openDenoiser(join(folder, 'denoiser.onnx'), info, options);
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Shape of what is denoised, one image or latent. */
export function shapeOf({ channels, resolution }: DenoiserInfo): readonly [number, number, number] {
  return [channels, resolution, resolution];
}
