import { encodePng, imagePath } from '@fewstep/metrics';

import { readImages } from '../tasks/artifacts.js';
import type { Results } from './output.js';

/** Writes a shard's images as PNG files named by seed; returns how many. */
export async function writeShard(
  shard: string,
  firstSeed: number,
  results: Results,
  subdirs: boolean,
): Promise<number> {
  const { data, n, channels, height, width } = await readImages([shard]);
  const size = channels * height * width;
  for (let i = 0; i < n; i++) {
    const image = { data: data.subarray(i * size, (i + 1) * size), channels, height, width };
    await results.write(await encodePng(image), ...imagePath(firstSeed + i, { subdirs }).split('/'));
  }
  return n;
}
