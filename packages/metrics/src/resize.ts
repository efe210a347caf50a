import { imageFault } from './errors.js';
import { checkImages, type Image } from './images/images.js';

/** How far from its centre a filter reaches, and how much it gives there, in pixels of the coarser of the two images. */
interface Filter {
  readonly support: number;
  weight(distance: number): number;
}

/** sin(πx)/(πx). */
const sinc = (x: number) => (x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x));

/** A pixel on the edge of a box is the right one's. */
const box = (x: number) => (x > -0.5 && x <= 0.5 ? 1 : 0);
const bilinear = (x: number) => Math.max(0, 1 - Math.abs(x));
/** Keys' cubic convolution with a = −½. */
function bicubic(distance: number): number {
  const x = Math.abs(distance);
  if (x < 1) return (1.5 * x - 2.5) * x * x + 1;
  return x < 2 ? ((-0.5 * x + 2.5) * x - 4) * x + 2 : 0;
}
const lanczos = (x: number) => (Math.abs(x) < 3 ? sinc(x) * sinc(x / 3) : 0);

/** Filters by their names in Pillow. */
const filters = {
  box: { support: 0.5, weight: box },
  bilinear: { support: 1, weight: bilinear },
  bicubic: { support: 2, weight: bicubic },
  lanczos: { support: 3, weight: lanczos },
} as const satisfies Readonly<Record<string, Filter>>;

/** By what an image is resized. `box` is an image's area where it shrinks by a whole factor. */
export type ResizeFilter = keyof typeof filters;

/** Fractional bits of a weight: beside those of a byte and the sign, two are left for weights whose sum passes 1. */
const PRECISION = 32 - 8 - 2;

/**
 * Resizes an image as Pillow's `Image.resize` does, to the byte: by convolution, rows first and then columns, with filters
 * that widen where the image shrinks, weights of 22 fractional bits, and bytes between the two. A side that stays as long
 * as it is stays as it is.
 *
 * - `image`: bytes in planes. `width`, `height`: of the result, in pixels, at most 4096.
 * - `filter`: `box`, `bilinear`, `bicubic` (a = −½) or `lanczos` (3 lobes).
 * - Cost: for each pixel of the result twice the filter's reach, and the factor by which it shrinks as often.
 *
 * @throws MetricsError E_IMAGES where a size is none, or sizes and data do not fit.
 */
export function resize(image: Image, width: number, height: number, filter: ResizeFilter): Image {
  checkImages(image);
  if (![width, height].every((size) => Number.isInteger(size) && size >= 1 && size <= MAX_SIDE))
    throw imageFault(
      `an image is resized to whole numbers of pixels from 1 to ${MAX_SIDE}, not ${width}×${height}`,
      {
        width,
        height,
      },
    );
  const wide = width === image.width ? image : stretchRows(image, windows(image.width, width, filter));
  return height === image.height ? wide : stretchColumns(wide, windows(image.height, height, filter));
}

/** The longest side of any image that is read or made. */
const MAX_SIDE = 4096;

/** For each pixel of a side of the result those of the image that it sees: the first, how many, and their weights. */
interface Windows {
  readonly size: number;
  readonly starts: Int32Array;
  readonly counts: Int32Array;
  /** [size × reach], in units of 2^-22; zeros behind the count. */
  readonly weights: Int32Array;
  readonly reach: number;
}

function windows(from: number, to: number, name: ResizeFilter): Windows {
  const { support, weight }: Filter = filters[name];
  const scale = from / to;
  const coarse = Math.max(1, scale);
  const radius = support * coarse;
  const reach = 2 * Math.ceil(radius) + 1;
  const starts = new Int32Array(to);
  const counts = new Int32Array(to);
  const weights = new Int32Array(to * reach);
  for (let at = 0; at < to; at++) {
    const centre = (at + 0.5) * scale;
    const start = Math.max(0, Math.trunc(centre - radius + 0.5));
    const end = Math.min(from, Math.trunc(centre + radius + 0.5));
    const exact = Array.from({ length: end - start }, (_, i) =>
      weight((start + i - centre + 0.5) * (1 / coarse)),
    );
    const sum = exact.reduce((total, one) => total + one, 0);
    for (const [i, one] of exact.entries()) weights[at * reach + i] = rounded((one / sum) * 2 ** PRECISION);
    starts[at] = start;
    counts[at] = exact.length;
  }
  return { size: to, starts, counts, weights, reach };
}

/** To the nearest whole number, halves away from 0. */
const rounded = (x: number) => Math.trunc(x + (x < 0 ? -0.5 : 0.5));

/** A sum of bytes times weights in units of a byte; which of them it is, an array that clamps decides. */
const whole = (sum: number) => (sum + 2 ** (PRECISION - 1)) >> PRECISION;

function stretchRows(image: Image, { size, starts, counts, weights, reach }: Windows): Image {
  const { data, channels, height, width } = image;
  const result = new Uint8ClampedArray(channels * height * size);
  for (let row = 0; row < channels * height; row++)
    for (let at = 0; at < size; at++) {
      const from = row * width + starts[at]!;
      let sum = 0;
      for (let i = 0; i < counts[at]!; i++) sum += data[from + i]! * weights[at * reach + i]!;
      result[row * size + at] = whole(sum);
    }
  return { data: new Uint8Array(result.buffer), channels, height, width: size };
}

function stretchColumns(image: Image, { size, starts, counts, weights, reach }: Windows): Image {
  const { data, channels, height, width } = image;
  const result = new Uint8ClampedArray(channels * size * width);
  const sums = new Int32Array(width);
  for (let channel = 0; channel < channels; channel++)
    for (let at = 0; at < size; at++) {
      sums.fill(0);
      for (let i = 0; i < counts[at]!; i++) {
        const weight = weights[at * reach + i]!;
        const from = (channel * height + starts[at]! + i) * width;
        for (let x = 0; x < width; x++) sums[x]! += data[from + x]! * weight;
      }
      const to = (channel * size + at) * width;
      for (let x = 0; x < width; x++) result[to + x] = whole(sums[x]!);
    }
  return { data: new Uint8Array(result.buffer), channels, height: size, width };
}
