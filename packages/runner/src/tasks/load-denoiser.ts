import { copyFile, link, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type DenoiserInfo,
  type Device,
  type EngineOptions,
  type LoadedDenoiser,
  openDenoiser,
} from '@fewstep/models';
import type { Json } from '@fewstep/taskgraph';
import { lastOpened } from './last-opened.js';
import { type ModelInfo, readInfo } from './model-info.js';

/** What a task of a model has to work with. */
export interface Model {
  readonly inputs: { readonly graph: string; readonly info: string; readonly weights: string | undefined };
  readonly dir: string;
  /** What evaluates networks. */
  readonly device: Json;
}

interface Loaded {
  readonly info: ModelInfo;
  readonly denoiser: LoadedDenoiser;
}

const keep = lastOpened<LoadedDenoiser>();

/** The denoiser of a task's inputs, on its device, which is one for all tasks of a process. */
export async function loadDenoiser({ inputs, dir, device }: Model): Promise<Loaded> {
  const info = await readInfo(inputs);
  const { graph, weights } = inputs;
  const options = { device: device as Device };
  const denoiser = await keep(`${graph} ${weights}`, () =>
    weights === undefined
      ? openDenoiser(graph, info, options)
      : openBeside(graph, weights, info, dir, options),
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
