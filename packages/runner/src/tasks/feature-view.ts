import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type FeatureNetwork, toUnrounded } from '@fewstep/models';
import { beside, type Vector, type View } from '@fewstep/solvers';

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
 * What is seen of samples, their pixels first, and beside it in each the features of these: in units of pixels, so that where
 * of both the same part of the variance is off, the squares of features are `weight` times those of pixels.
 */
export function featureView(
  network: FeatureNetwork,
  shape: readonly [number, number, number],
  seen: View,
  { weight, scale }: { readonly weight: number; readonly scale: FeatureScale },
): View {
  const unit = Math.sqrt((weight * scale.pixels) / scale.features);
  const size = shape[0] * shape[1] * shape[2];
  return async (samples, n) => {
    const own = await seen(samples, n);
    const width = own.length / n;
    const pixels = new Float64Array(n * size);
    for (let i = 0; i < n; i++) pixels.set(own.subarray(i * width, i * width + size), i * size);
    return beside(own, await featuresOf(network, shape, pixels, n), n, unit);
  };
}
