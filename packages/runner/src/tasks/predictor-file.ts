import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readSafetensors, readSafetensorsMetadata, writeSafetensors } from '@fewstep/models';
import type { Predictor } from '@fewstep/solvers';

/** A predictor as one safetensors file: weights under their official names, scales as metadata. */
export async function writePredictor(
  dir: string,
  { scaleDir, scaleTime, weights }: Predictor,
): Promise<string> {
  const tensors = Object.fromEntries(
    Object.entries(weights).map(([name, { shape, data }]) => [name, { dtype: 'F32' as const, shape, data }]),
  );
  const metadata = { scale_dir: String(scaleDir), scale_time: String(scaleTime) };
  await writeFile(join(dir, 'predictor.safetensors'), writeSafetensors(tensors, metadata));
  return 'predictor.safetensors';
}

export async function readPredictor(path: string): Promise<Predictor> {
  const bytes = await readFile(path);
  const { scale_dir, scale_time } = readSafetensorsMetadata(bytes);
  const weights: Record<string, Predictor['weights'][string]> = {};
  for (const [name, { dtype, shape, data }] of Object.entries(readSafetensors(bytes))) {
    if (dtype === 'F32') weights[name] = { shape, data };
  }
  return { scaleDir: Number(scale_dir), scaleTime: Number(scale_time), weights };
}
