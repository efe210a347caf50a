import sharp, { type Sharp } from 'sharp';
import { imageFault, MetricsError } from '../errors.js';
import { kindOf } from '../files.js';
import { checkImages, type Image } from './images.js';

/**
 * An image as PNG: 8 bits, grey or RGB. The same pixels give the same bytes under the same version of `sharp`.
 *
 * `packed`: false: as EDM's data sets have them, longer and faster to read. Default true.
 *
 * @throws MetricsError E_IMAGES where it has neither 1 nor 3 channels, or sizes and data do not fit.
 */
export async function encodePng(
  image: Image,
  { packed = true }: { readonly packed?: boolean } = {},
): Promise<Uint8Array> {
  return encoding(image, 'PNG')
    .png({ compressionLevel: packed ? 9 : 0, adaptiveFiltering: false, palette: false })
    .toBuffer();
}

/**
 * An image as WebP without loss, always RGB, at about half the size. The same pixels give the same bytes under the same version
 * of `sharp`.
 *
 * @throws MetricsError E_IMAGES where it has neither 1 nor 3 channels, or sizes and data do not fit.
 */
export const encodeWebp = async (image: Image): Promise<Uint8Array> =>
  encoding(image, 'WebP').webp({ lossless: true, effort: 4 }).toBuffer();

function encoding(image: Image, format: string): Sharp {
  checkImages(image);
  const { data, channels, height, width } = image;
  if (channels !== 1 && channels !== 3)
    throw imageFault(`a ${format} is written from 1 channel (grey) or 3 (RGB), not ${channels}`, {
      channels,
    });
  const pixels = new Uint8Array(data.length);
  for (let channel = 0; channel < channels; channel++)
    for (let at = 0; at < height * width; at++)
      pixels[at * channels + channel] = data[channel * height * width + at]!;
  return sharp(pixels, { raw: { width, height, channels } }).toColourspace(channels === 1 ? 'b-w' : 'srgb');
}

/** 4096 × 4096: no image is unpacked to more, whatever its file claims. */
const MAX_PIXELS = 2 ** 24;
/** What a file may hold beside its pixels: colour profiles, previews and words. */
const BESIDE = 2 ** 23;

/** Bytes that a file of an image of so many may have: no compression makes it twice as long. */
export const longestFile = (imageBytes: number): number => 2 * imageBytes + BESIDE;

/** The longest file of any image, one of 4096 × 4096 in colour. */
export const LONGEST_FILE = longestFile(3 * MAX_PIXELS);

/** How the files of images that are read start; others that the library knows are programs, such as SVG. */
const formats = [
  /^\x89PNG\r\n/,
  /^\xff\xd8\xff/,
  /^GIF8/,
  /^RIFF....WEBP/s,
  /^(II[*+]\0|MM\0[*+])/,
  /^....ftyp(avi|mif1)/s,
];

/**
 * Decodes an image file (PNG, JPEG, WebP, GIF, TIFF or AVIF, whatever its name; of an animation the first image) to bytes as
 * stored: colour profiles and orientation marks are not applied, as in the official code. `name`: how errors call it.
 *
 * @throws MetricsError E_IMAGES where it can't be decoded, has an alpha channel or more than 8 bits, or the file is far
 *   longer than its image.
 */
export async function decodeImage(bytes: Uint8Array, name: string): Promise<Image> {
  const fail = (why: string, evidence: Record<string, unknown> = {}, cause?: unknown) =>
    imageFault(`${name}: ${why}`, { file: name, ...evidence }, { cause });
  const start = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, 16)).toString('latin1');
  if (!formats.some((format) => format.test(start)))
    throw fail(
      `can't be decoded: it is ${kindOf(bytes) ?? 'damaged or no image'}, and PNG, JPEG, WebP, GIF, TIFF and AVIF are read`,
    );
  try {
    const image = sharp(bytes, { ignoreIcc: true, limitInputPixels: MAX_PIXELS });
    const { channels: stored, depth, hasAlpha, width, height } = await image.metadata();
    if (hasAlpha) throw fail('has an alpha channel; flatten it onto a background', { channels: stored });
    if (depth !== 'uchar')
      throw fail(`has samples of type ${depth}; convert it to 8 bits a channel`, { depth });
    if (stored !== 1 && stored !== 3)
      throw fail(`has ${stored} channels; convert it to grey or RGB`, { channels: stored });
    const most = longestFile(width * height * stored);
    if (bytes.length > most)
      throw fail(
        `has ${bytes.length} bytes, and an image of ${width}×${height} has at most ${most}: what follows it is something else`,
        { length: bytes.length, most },
      );
    const { data: pixels, info } = await image
      .toColourspace(stored === 1 ? 'b-w' : 'srgb')
      .raw()
      .toBuffer({ resolveWithObject: true });
    const { channels } = info;
    const data = planes(pixels, channels);
    return { data, channels, height: info.height, width: info.width };
  } catch (cause) {
    if (cause instanceof MetricsError) throw cause;
    const why = cause instanceof Error ? cause.message.split('\n')[0] : String(cause);
    throw fail(`can't be decoded (${why}); it is damaged, cut off, above 4096 × 4096 or no image`, {}, cause);
  }
}

/** Rows of pixels as a plane for each channel. */
function planes(pixels: Uint8Array, channels: number): Uint8Array {
  const { buffer, byteOffset, length } = pixels;
  if (channels === 1) return new Uint8Array(buffer, byteOffset, length);
  const data = new Uint8Array(length);
  const area = length / channels;
  for (let channel = 0; channel < channels; channel++)
    for (let at = 0; at < area; at++) data[channel * area + at] = pixels[at * channels + channel]!;
  return data;
}
