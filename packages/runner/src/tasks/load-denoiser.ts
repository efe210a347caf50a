import { copyFile, link, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type DenoiserInfo, type LoadedDenoiser, openDenoiser } from '@fewstep/models';
import { keepLast } from './keep-last.js';
import { type ModelInfo, readInfo } from './model-info.js';

interface Loaded {
  readonly info: ModelInfo;
  readonly denoiser: LoadedDenoiser;
}

const keep = keepLast<LoadedDenoiser>();

/** The denoiser of a task's inputs. `dir`: the task's folder. */
export async function loadDenoiser(
  inputs: Readonly<Record<string, readonly string[]>>,
  dir: string,
): Promise<Loaded> {
  const info = await readInfo(inputs);
  const graph = inputs.graph![0]!;
  const weights = inputs.weights?.[0];
  const denoiser = await keep(`${graph} ${weights}`, () =>
    weights === undefined ? openDenoiser(graph, info) : openBeside(graph, weights, info, dir),
  );
  return { info, denoiser };
}

/** Opens a graph whose weights must lie beside it under the name that it calls them. */
async function openBeside(graph: string, weights: string, info: DenoiserInfo, dir: string) {
  const folder = await mkdtemp(join(dir, 'model-'));
  const place = (from: string, name: string) => {
    const to = join(folder, name);
    return link(from, to).catch(() => copyFile(from, to));
  };
  await place(graph, 'denoiser.onnx');
  await place(weights, 'weights.bin');
  try {
    return await openDenoiser(join(folder, 'denoiser.onnx'), info);
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Shape of what is denoised, one image or latent. */
export function shapeOf({ channels, resolution }: DenoiserInfo): readonly [number, number, number] {
  return [channels, resolution, resolution];
}
