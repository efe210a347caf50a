import type { FeatureSet } from '@fewstep/metrics';
import type { FeatureResize } from '@fewstep/models';
import { joined, readTensors, tensorOf, writeTensors } from './artifacts.js';

/** Feature vectors, float32 [n × dim], and how images came to the size of their network, where that is chosen. */
export async function writeFeatures(
  dir: string,
  data: Float32Array,
  dim: number,
  resize?: FeatureResize,
): Promise<{ files: { features: string }; meta: { images: number; resize?: FeatureResize } }> {
  const n = data.length / dim;
  const features = { dtype: 'F32', shape: [n, dim], data } as const;
  return {
    files: { features: await writeTensors(dir, 'features.safetensors', { features }) },
    meta: { images: n, ...(resize && { resize }) },
  };
}

/** The feature vectors of several shards, one after the other, as often as they are gone through. */
export const featureSets = (paths: readonly string[]): AsyncIterable<FeatureSet> => ({
  async *[Symbol.asyncIterator]() {
    for (const path of paths) {
      const { data, shape } = tensorOf(await readTensors(path), 'features', 'F32');
      yield { data, dim: shape[1]! };
    }
  },
});

/** All of them together, in their order. */
export async function readFeatures(paths: readonly string[]): Promise<FeatureSet> {
  const parts: FeatureSet[] = [];
  for await (const part of featureSets(paths)) parts.push(part);
  const data = joined(
    parts.map((part) => part.data),
    Float32Array,
  );
  return { data, dim: parts[0]?.dim ?? 0 };
}
