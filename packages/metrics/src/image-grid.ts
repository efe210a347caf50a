import { checkImages, type Image, type ImageBatch } from './images.js';

/**
 * Images side by side, as the official grid: row by row, floor(√n) in a row, no gaps, unused cells black, always RGB
 * (one channel is repeated). For the official bytes the batch comes from `toGridUint8`.
 *
 * @throws MetricsError E_IMAGES where sizes and data do not fit.
 */
export function imageGrid(images: ImageBatch): Image {
  checkImages(images);
  const { data, n, channels, height, width } = images;
  const perRow = Math.floor(Math.sqrt(n));
  const gridHeight = Math.ceil(n / perRow) * height;
  const gridWidth = perRow * width;
  const grid = new Uint8Array(3 * gridHeight * gridWidth);
  for (let image = 0; image < n; image++) {
    const top = Math.floor(image / perRow) * height;
    const left = (image % perRow) * width;
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
