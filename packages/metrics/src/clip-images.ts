import { cropped, roundedEven } from './crop.js';
import type { ImageBatch } from './images/images.js';
import { resize } from './resize.js';

/**
 * Images as a CLIP is shown them, `size` × `size`: the shorter side becomes `size` by Pillow's bicubic filter, the longer
 * size·long/short without its fraction, and of that the middle is taken, from (length − size)/2 on, a half rounded to even.
 *
 * - Images that have this size stay as they are. Grey ones stay grey.
 * - Source: `Resize` and `CenterCrop` of torchvision on images of Pillow, which OpenCLIP and OpenAI apply before their
 *   networks.
 *
 * @throws MetricsError E_IMAGES as `resize`, as where the longer side would pass 4096
 */
export function clipImages({ n, ...images }: ImageBatch, size: number): ImageBatch {
  const { channels, height, width } = images;
  const short = Math.min(height, width);
  const lengthOf = (side: number) => Math.trunc((size * side) / short);
  // an image's channels are planes, and so are those of several
  const resized = resize({ ...images, channels: n * channels }, lengthOf(width), lengthOf(height), 'bicubic');
  const before = (length: number) => roundedEven((length - size) / 2);
  const middle = cropped(resized, before(resized.width), before(resized.height), size, size);
  return { ...middle, n, channels };
}
