import { ModelError } from './errors.js';

/** Images of bytes: `data` [n × channels × height × width] (NCHW), of 3 channels, red first, or 1, grey. */
export interface ByteImages {
  readonly data: Uint8Array;
  readonly n: number;
  readonly channels: number;
  readonly height: number;
  readonly width: number;
}

/** The same of values between bytes, 0…255: of images that a derivative is taken by. */
export interface UnroundedImages extends Omit<ByteImages, 'data'> {
  readonly data: Float32Array;
}

/**
 * What `toUint8` rounds: x · 127.5 + 127.5, clipped to 0…255. NaN stays what it is.
 *
 * `images`: any shape, about −1…1.
 */
export const toUnrounded = (images: Float64Array | Float32Array): Float32Array =>
  Float32Array.from(images, (x) => Math.min(255, Math.max(0, x * 127.5 + 127.5)));

/**
 * Bytes of single images as the official sampler writes them: x · 127.5 + 128, clipped to 0…255, fraction cut off.
 *
 * `images`: any shape, about −1…1; every operation is rounded to float32, as there.
 *
 * @throws ModelError `E_NONFINITE` where a value is NaN.
 */
export function toUint8(images: Float64Array | Float32Array): Uint8Array {
  return convert(images, (x) => Math.fround(Math.fround(x * 127.5) + 128));
}

/**
 * Bytes as the official sampler writes them into a grid: x/2 + 0.5 clipped to 0…1, times 255 plus 0.5, cut off.
 *
 * The same as `toUint8` in exact arithmetic. In float32 they differ by one now and then, and a grid made of
 * `toUint8` would not be the official one.
 *
 * @throws ModelError `E_NONFINITE` where a value is NaN.
 */
export function toGridUint8(images: Float64Array | Float32Array): Uint8Array {
  return convert(images, (x) => {
    const unit = Math.min(1, Math.max(0, Math.fround(x / 2 + 0.5)));
    return Math.fround(Math.fround(unit * 255) + 0.5);
  });
}

function convert(images: Float64Array | Float32Array, byte: (x: number) => number): Uint8Array {
  const bytes = new Uint8Array(images.length);
  for (let i = 0; i < images.length; i++) {
    const value = byte(Math.fround(images[i]!));
    if (Number.isNaN(value))
      throw new ModelError(
        'E_NONFINITE',
        `value ${i} of the images is NaN; the sampler or its network diverged`,
        { index: i },
      );
    bytes[i] = Math.trunc(Math.min(255, Math.max(0, value)));
  }
  return bytes;
}
