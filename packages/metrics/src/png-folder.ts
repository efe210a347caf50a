import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { imageFault } from './errors.js';
import { checkImages, type ImageBatch } from './images.js';
import { encodePng } from './png.js';

/** How `imagePath` and `writePngFolder` lay out a folder. */
export interface ImagePathOptions {
  /** A folder for every thousand seeds. Default true. */
  readonly subdirs?: boolean;
}

/** Where the official sampler puts the image of a seed: `000000/000017.png`, or `000017.png` without subfolders. */
export function imagePath(seed: number, { subdirs = true }: ImagePathOptions = {}): string {
  if (!(Number.isSafeInteger(seed) && seed >= 0))
    throw imageFault(`a seed is a whole number from 0, not ${seed}`, { seed });
  const digits = (value: number) => String(value).padStart(6, '0');
  return `${subdirs ? `${digits(seed - (seed % 1000))}/` : ''}${digits(seed)}.png`;
}

/**
 * Writes image i of the batch as PNG at `imagePath(seeds[i])` below `folder`; folders are made as needed.
 *
 * @throws MetricsError E_IMAGES where seeds and images do not fit; the file system's own errors as they are.
 */
export async function writePngFolder(
  folder: string,
  images: ImageBatch,
  seeds: readonly number[],
  options: ImagePathOptions = {},
): Promise<void> {
  checkImages(images);
  const { data, n, channels, height, width } = images;
  if (seeds.length !== n)
    throw imageFault(`${n} images need ${n} seeds for their names, and there are ${seeds.length}`, {
      images: n,
      seeds: seeds.length,
    });
  const size = channels * height * width;
  const paths = seeds.map((seed) => join(folder, imagePath(seed, options)));
  for (const parent of new Set(paths.map(dirname))) await mkdir(parent, { recursive: true });
  for (const [i, path] of paths.entries())
    await writeFile(
      path,
      await encodePng({ data: data.subarray(i * size, (i + 1) * size), channels, height, width }),
    );
}
