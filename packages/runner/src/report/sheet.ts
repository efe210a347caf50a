import { open } from 'node:fs/promises';
import type { PicturesData } from '@fewstep/report';
import sharp from 'sharp';
import type { Images } from '../tasks/artifacts.js';

/** A file of images, and which of their seeds it has. */
export interface ImageFile {
  readonly path: string;
  readonly seeds: readonly number[];
}

/** Images of a sheet, and the side of a thumbnail in pixels: more can't be seen at the size that they are shown in. */
const [mostImages, mostSide] = [64, 64] as const;
/** Of one point, where there is room: bytes of a page. */
export const mostOfSheet = 40e3;
const columns = 8;
/** First the best that there is room for. */
const attempts = [
  { quality: 85, images: mostImages, side: mostSide },
  { quality: 60, images: mostImages, side: mostSide },
  { quality: 45, images: mostImages, side: 40 },
  { quality: 45, images: 24, side: 40 },
  { quality: 30, images: 8, side: 32 },
] as const;

/**
 * The first images of files, in their order, as one sheet of thumbnails in WebP.
 *
 * @param most bytes that the sheet may have as a data URL; what is larger at the least is as it is
 */
export async function sheetOf(files: readonly ImageFile[], most: number): Promise<PicturesData | undefined> {
  const images = await firstImages(files, mostImages);
  if (!images) return undefined;
  const seeds = files.flatMap((file) => file.seeds);
  let sheet: PicturesData | undefined;
  for (const { quality, images: count, side } of attempts) {
    const n = Math.min(images.n, count);
    const scale = Math.min(1, side / Math.max(images.width, images.height));
    const [width, height] = [images.width, images.height].map((one) =>
      Math.max(1, Math.round(one * scale)),
    ) as [number, number];
    const pixels = await thumbnails({ ...images, n }, width, height);
    const raw = { width: columns * width, height: Math.ceil(n / columns) * height, channels: 3 } as const;
    const webp = await sharp(pixels, { raw }).webp({ quality, effort: 2, smartSubsample: true }).toBuffer();
    sheet = {
      seeds: seeds.slice(0, n),
      ...{ width, height, columns },
      sheet: `data:image/webp;base64,${webp.toString('base64')}`,
    };
    if (sheet.sheet.length <= most) return sheet;
  }
  return sheet;
}

/** RGB pixels of a sheet. */
async function thumbnails(images: Images, width: number, height: number): Promise<Buffer> {
  const { n, channels, data, ...from } = images;
  const size = channels * from.height * from.width;
  const line = 3 * columns * width;
  const sheet = Buffer.alloc(line * height * Math.ceil(n / columns));
  for (let i = 0; i < n; i++) {
    const rgb = interleaved(data.subarray(i * size, (i + 1) * size), channels);
    const whole = sharp(rgb, { raw: { width: from.width, height: from.height, channels: 3 } });
    const scaled =
      width === from.width ? rgb : await whole.resize(width, height, { fit: 'fill' }).raw().toBuffer();
    const at = Math.floor(i / columns) * height * line + (i % columns) * 3 * width;
    for (let y = 0; y < height; y++)
      sheet.set(scaled.subarray(y * 3 * width, (y + 1) * 3 * width), at + y * line);
  }
  return sheet;
}

/** Planes as pixels; grey ones in every channel. */
function interleaved(planes: Uint8Array, channels: number): Buffer {
  const size = planes.length / channels;
  const pixels = Buffer.alloc(3 * size);
  for (let i = 0; i < size; i++)
    for (let c = 0; c < 3; c++) pixels[3 * i + c] = planes[Math.min(c, channels - 1) * size + i]!;
  return pixels;
}

/** Longest header of a file of images in bytes, which has one tensor. */
const mostHeader = 4096;

/** Of files of images, safetensors of one uint8 tensor NCHW, only as much as is needed. */
async function firstImages(files: readonly ImageFile[], count: number): Promise<Images | undefined> {
  const parts: Buffer[] = [];
  let shape: readonly number[] = [];
  let n = 0;
  for (const { path } of files) {
    if (n >= count) break;
    const file = await open(path);
    try {
      const at = Number((await read(8, 0)).readBigUInt64LE());
      if (at > mostHeader) return undefined;
      const { images } = JSON.parse((await read(at, 8)).toString());
      if (images?.dtype !== 'U8' || !isShape(images.shape)) return undefined;
      const [there, ...size] = (shape = images.shape as number[]);
      const taken = Math.min(there!, count - n);
      parts.push(await read(taken * size.reduce((a, b) => a * b, 1), 8 + at));
      n += taken;
    } finally {
      await file.close();
    }

    async function read(length: number, position: number): Promise<Buffer> {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, position);
      if (bytesRead < length) throw new Error(`${path} is shorter than it says`);
      return buffer;
    }
  }
  const [, channels = 0, height = 0, width = 0] = shape;
  return n === 0 ? undefined : { data: Buffer.concat(parts), n, channels, height, width };
}

const mostPixels = 2 ** 26;
const isShape = (shape: unknown): boolean =>
  Array.isArray(shape) &&
  shape.length === 4 &&
  shape.every((one) => Number.isSafeInteger(one) && one > 0) &&
  (shape[1] === 1 || shape[1] === 3) &&
  shape[1] * shape[2] * shape[3] <= mostPixels;
