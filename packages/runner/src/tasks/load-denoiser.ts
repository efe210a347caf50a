import { readFile } from 'node:fs/promises';
import { type DenoiserInfo, type LoadedDenoiser, openDenoiser } from '@fewstep/models';

interface Loaded {
  readonly path: string;
  readonly info: DenoiserInfo;
  readonly denoiser: LoadedDenoiser;
}

let last: Loaded | undefined;

/** The denoiser of a task's inputs. A session is dear to build, so the last one stays for the next task. */
export async function loadDenoiser(inputs: Readonly<Record<string, readonly string[]>>): Promise<Loaded> {
  const path = inputs.graph![0]!;
  if (last?.path === path) return last;
  await last?.denoiser.close();
  const info = JSON.parse(await readFile(inputs.info![0]!, 'utf8')) as DenoiserInfo;
  last = { path, info, denoiser: await openDenoiser(path, info) };
  return last;
}

/** Shape of one image. */
export function shapeOf({ channels, resolution }: DenoiserInfo): readonly [number, number, number] {
  return [channels, resolution, resolution];
}
