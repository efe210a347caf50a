import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type FeatureNetwork, toUnrounded } from '@fewstep/models';
import type { Vector, View } from '@fewstep/solvers';

/** Variances over a teacher's samples, summed over the values of one: of its pixels, and of what a network sees in it. */
export interface FeatureScale {
  readonly pixels: number;
  readonly features: number;
}

export async function writeScale(dir: string, scale: FeatureScale): Promise<string> {
  await writeFile(join(dir, 'scale.json'), `${JSON.stringify(scale)}\n`);
  return 'scale.json';
}

export const readScale = async (path: string): Promise<FeatureScale> =>
  JSON.parse(await readFile(path, 'utf8')) as FeatureScale;

/** What a network sees in pixels [n × size] from −1 to 1, not rounded to bytes: differences go through it. */
export const featuresOf = (
  network: FeatureNetwork,
  [channels, height, width]: readonly [number, number, number],
  pixels: Vector,
  n: number,
): Promise<Float32Array> => network.features({ data: toUnrounded(pixels), n, channels, height, width });

/**
 * The pixels of samples, as `pixels` sees them, and beside them in each sample its features: in units of pixels, so that of
 * features the same part of the variance is off where their squares are `weight` times those of pixels.
 */
export function featureView(
  network: FeatureNetwork,
  shape: readonly [number, number, number],
  pixels: View,
  { weight, scale }: { readonly weight: number; readonly scale: FeatureScale },
): View {
  const unit = Math.sqrt((weight * scale.pixels) / scale.features);
  const { dim } = network;
  return async (samples, n) => {
    const own = await pixels(samples, n);
    const features = await featuresOf(network, shape, own, n);
    const size = own.length / n;
    const seen = new Float64Array(n * (size + dim));
    for (let i = 0; i < n; i++) {
      seen.set(own.subarray(i * size, (i + 1) * size), i * (size + dim));
      for (let j = 0; j < dim; j++) seen[i * (size + dim) + size + j] = unit * features[i * dim + j]!;
    }
    return seen;
  };
}
