import { imageFault } from '../errors.js';

/** One image of bytes: `data` [channels × height × width]. */
export interface Image {
  readonly data: Uint8Array;
  readonly channels: number;
  readonly height: number;
  readonly width: number;
}

/** Images of one size: `data` [n × channels × height × width] (NCHW), bytes. */
export interface ImageBatch extends Image {
  readonly n: number;
}

/** Size in pixels, and colour, in words: `32×32 grey`. */
export const describeImage = ({ channels, height, width }: Omit<Image, 'data'>): string =>
  `${width}×${height} ${channels === 1 ? 'grey' : 'RGB'}`;

/** That `data` is as long as the sizes say. `n` is 1 for a single image. */
export function checkImages({ data, n = 1, channels, height, width }: Image & { readonly n?: number }): void {
  const sizes = [n, channels, height, width];
  const length = n * channels * height * width;
  if (sizes.every((size) => Number.isInteger(size) && size > 0) && data.length === length) return;
  throw imageFault(`images [${sizes.join(', ')}] are ${length} bytes, and there are ${data.length}`, {
    shape: sizes,
    length: data.length,
  });
}
