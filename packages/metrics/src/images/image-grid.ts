import { imageFault } from '../errors.js';
import { checkImages, type Image, type ImageBatch } from './images.js';

/**
 * Images side by side, as the official grid: row by row, no gaps, unused cells black, always RGB (one channel is
 * repeated). For the official bytes the batch comes from `toGridUint8` of @fewstep/models.
 *
 * `columns`: images in a row; the official floor(√n) by default.
 *
 * @throws MetricsError E_IMAGES where there is neither 1 nor 3 channels, or sizes and data do not fit.
 */
export function imageGrid(
  images: ImageBatch,
  { columns = Math.floor(Math.sqrt(images.n)) }: { readonly columns?: number } = {},
): Image {
  checkImages(images);
  const { data, n, channels, height, width } = images;
  if ((channels !== 1 && channels !== 3) || !(Number.isInteger(columns) && columns > 0))
    throw imageFault(
      `a grid has at least 1 column, and images of 1 channel (grey) or 3 (RGB), not ${columns} and ${channels}`,
      { columns, channels },
    );
  const gridHeight = Math.ceil(n / columns) * height;
  const gridWidth = columns * width;
  const grid = new Uint8Array(3 * gridHeight * gridWidth);
  for (let image = 0; image < n; image++) {
    const top = Math.floor(image / columns) * height;
    const left = (image % columns) * width;
    for (let channel = 0; channel < 3; channel++) {
      const from = (image * channels + (channels === 1 ? 0 : channel)) * height * width;
      for (let y = 0; y < height; y++) {
        const row = data.subarray(from + y * width, from + (y + 1) * width);
        grid.set(row, (channel * gridHeight + top + y) * gridWidth + left);
      }
    }
  }
  return { data: grid, channels: 3, height: gridHeight, width: gridWidth };
}
