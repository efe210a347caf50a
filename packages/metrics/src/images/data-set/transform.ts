import { cropped, roundedEven } from '../../crop.js';
import { imageFault } from '../../errors.js';
import { type ResizeFilter, resize } from '../../resize.js';
import type { Image } from '../images.js';

/** How the images of a set are made alike, as by EDM's `dataset_tool.py`. */
export interface Transform {
  /** Of each image, or of the strip of a wide one; pixels. */
  readonly width: number;
  readonly height: number;
  /** How it gets that size. Default `lanczos`, as there. */
  readonly filter?: ResizeFilter;
  /** Default: the whole image. */
  readonly crop?: Crop;
}

/**
 * What is cut out of an image; both give RGB.
 *
 * - `center-crop`: the square in the middle, resized.
 * - `center-crop-wide`: a strip of the whole width in the middle, resized, in the middle of a black square of that width.
 *   What is smaller than the result is left out.
 */
export type Crop = 'center-crop' | 'center-crop-wide';

/**
 * What makes each image of a set what it is there; undefined for one that is left out.
 *
 * @throws MetricsError E_IMAGES for a wide crop to what is higher than wide
 */
export function transformer(transform: Transform | undefined): (image: Image) => Image | undefined {
  if (transform === undefined) return (image) => image;
  const { width, height, filter = 'lanczos', crop } = transform;
  if (crop === undefined) return (image) => resize(image, width, height, filter);
  if (crop === 'center-crop')
    return (image) => {
      const side = Math.min(image.height, image.width);
      return resize(coloured(middle(image, side, side)), width, height, filter);
    };
  if (height > width)
    throw imageFault(
      `center-crop-wide makes strips that are at most as high as wide, not ${width}×${height}`,
      {
        width,
        height,
      },
    );
  return (image) => {
    const kept = roundedEven((width * image.height) / image.width);
    if (image.width < width || kept < height) return undefined;
    return onSquare(resize(coloured(middle(image, image.width, kept)), width, height, filter));
  };
}

/** Its middle; where that is between two pixels, the upper and the left one. */
const middle = (image: Image, width: number, height: number): Image =>
  cropped(
    image,
    Math.floor((image.width - width) / 2),
    Math.floor((image.height - height) / 2),
    width,
    height,
  );

/** A grey image with its channel three times. */
function coloured(image: Image): Image {
  if (image.channels === 3) return image;
  const { data } = image;
  const colours = new Uint8Array(3 * data.length);
  for (const channel of [0, 1, 2]) colours.set(data, channel * data.length);
  return { ...image, data: colours, channels: 3 };
}

/** A strip with black above and below it. */
function onSquare({ data, channels, height, width }: Image): Image {
  const top = Math.floor((width - height) / 2);
  const square = new Uint8Array(channels * width * width);
  for (let channel = 0; channel < channels; channel++) {
    const plane = data.subarray(channel * height * width, (channel + 1) * height * width);
    square.set(plane, (channel * width + top) * width);
  }
  return { data: square, channels, height: width, width };
}
