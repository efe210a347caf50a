import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  addFeatures,
  emptyMoments,
  type Moments,
  mergeMoments,
  readMoments as parse,
  writeMoments,
} from '@fewstep/metrics';
import { joined, readTensors, tensorOf, writeTensors } from './artifacts.js';

/** Feature vectors [n × dim] with their exact moments, as two outputs: fid needs the moments alone. */
export async function writeFeatures(
  dir: string,
  features: Float32Array,
  dim: number,
): Promise<{ files: { features: string; moments: string }; meta: { images: number } }> {
  const n = features.length / dim;
  await writeFile(join(dir, 'moments.npz'), await writeMoments(addFeatures(emptyMoments(dim), features)));
  return {
    files: {
      features: await writeTensors(dir, 'features.safetensors', {
        features: { dtype: 'F32', shape: [n, dim], data: features },
      }),
      moments: 'moments.npz',
    },
    meta: { images: n },
  };
}

/** The moments of several shards together. */
export async function readMoments(paths: readonly string[]): Promise<Moments> {
  let merged: Moments | undefined;
  for (const path of paths) {
    const part = await parse(await readFile(path), path);
    merged = merged ? mergeMoments(merged, part) : part;
  }
  return merged!;
}

/** The feature vectors of several shards, in their order. */
export async function readFeatures(paths: readonly string[]): Promise<{ data: Float32Array; dim: number }> {
  const parts: Float32Array[] = [];
  let dim = 0;
  for (const path of paths) {
    const features = tensorOf(await readTensors(path), 'features', 'F32');
    dim = features.shape[1]!;
    parts.push(features.data);
  }
  return { data: joined(parts, Float32Array), dim };
}
