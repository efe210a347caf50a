import { basename, dirname, join } from 'node:path';
import { imageFault } from '../../errors.js';
import { ByteStream } from './byte-stream.js';
import type { ImageSource, SourceImage } from './image-source.js';

/** How idx files of bytes start that have three axes, and one. */
const MAGIC = { images: 0x0803, labels: 0x0801 };
const LABELS = 'file of labels, as train-labels-idx1-ubyte.gz beside train-images-idx3-ubyte.gz';
const SIDE = 28;
const PADDED = 32;
/** More than EMNIST has, by far. */
const MOST = 2 ** 24;

export const isIdx = (head: Buffer) => head.length >= 4 && head.readUInt32BE() === MAGIC.images;

/**
 * MNIST's digits, and what has its form: `…-images-idx3-ubyte` and `…-labels-idx1-ubyte` beside it, packed by gzip or not. A
 * black rim makes them 32 × 32, as the official tool does.
 *
 * @throws MetricsError E_IMAGES where the labels aren't there or aren't as many, or images have another size
 */
export async function openIdx(path: string): Promise<ImageSource> {
  const beside = join(dirname(path), basename(path).replace('images', 'labels').replace('idx3', 'idx1'));
  if (beside === path)
    throw imageFault(
      `${path}: its labels are looked for by its name, and it is not as MNIST's, train-images-idx3-ubyte.gz: rename it`,
      { file: path },
    );
  const labels = await readLabels(beside);
  return {
    count: labels.length,
    async *images(): AsyncGenerator<SourceImage, void> {
      const stream = new ByteStream(path, 'file of images');
      try {
        const [, n, height, width] = words(await stream.take(16));
        if (height !== SIDE || width !== SIDE)
          throw stream.fail(`has images of ${width}×${height}, and MNIST's are ${SIDE}×${SIDE}`);
        if (n !== labels.length)
          throw stream.fail(`has ${n} images, and ${beside} has ${labels.length} labels`);
        for (const [i, label] of labels.entries()) {
          const pixels = await stream.take(SIDE * SIDE);
          if (pixels.length < SIDE * SIDE) throw stream.fail(`is cut off in image ${i} of ${n}`);
          yield { name: `${path}: image ${i}`, image: padded(pixels), label };
        }
        if ((await stream.take(1)).length > 0) throw stream.fail(`goes on after its ${n} images`);
      } finally {
        stream.close();
      }
    },
  };
}

async function readLabels(path: string): Promise<Uint8Array> {
  const stream = new ByteStream(path, LABELS);
  try {
    const [magic, n = 0] = words(await stream.take(8));
    if (magic !== MAGIC.labels || n > MOST)
      throw stream.fail(`is no idx1 file of at most ${MOST} labels, as train-labels-idx1-ubyte.gz`);
    const labels = await stream.take(n + 1);
    if (labels.length !== n)
      throw stream.fail(
        `says that it has ${n} labels, and has ${labels.length > n ? 'more' : labels.length}`,
      );
    return labels;
  } finally {
    stream.close();
  }
}

const words = (head: Buffer) =>
  Array.from({ length: Math.floor(head.length / 4) }, (_, i) => head.readUInt32BE(4 * i));

function padded(pixels: Buffer) {
  const rim = (PADDED - SIDE) / 2;
  const data = new Uint8Array(PADDED * PADDED);
  for (let row = 0; row < SIDE; row++)
    data.set(pixels.subarray(row * SIDE, (row + 1) * SIDE), (row + rim) * PADDED + rim);
  return { data, channels: 1, height: PADDED, width: PADDED };
}
