import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { imageFault } from '../../errors.js';
import { ByteStream } from './byte-stream.js';
import type { ImageSource, SourceImage } from './image-source.js';
import { readTar } from './tar.js';

/** Images of CIFAR-10, `data` [n × 3 × 32 × 32], and as many labels, 0…9. */
export interface CifarBatch {
  readonly data: Uint8Array;
  readonly labels: ArrayLike<number>;
}

/** What reads a batch of CIFAR-10 for Python: the bytes of a pickle, and how errors call it. */
export type ReadBatch = (pickle: Uint8Array, name: string) => CifarBatch;

/** A file that holds a batch. */
interface BatchFile {
  readonly name: string;
  read(): Promise<Uint8Array>;
}

const PIXELS = 3 * 32 * 32;
/** A class and an image. */
const RECORD = 1 + PIXELS;
/** Batches have 10,000 images, and their names where they are pickles. */
const LONGEST_BATCH = 2 ** 26;
/** All of it takes 170 MB, the files' names and the test's images among it. */
const LONGEST_TAR = 2 ** 28;

/** The five batches of the training set as one of the archives has them, the binary one before Python's. */
const trainingSets = ['.bin', ''].map((ending) => [1, 2, 3, 4, 5].map((i) => `data_batch_${i}${ending}`));

/** The batches in a folder that was unpacked of an archive; undefined where there is none. */
export const batchesIn = (folder: string): readonly string[] | undefined =>
  trainingSets.find(([first]) => existsSync(join(folder, first!)))?.map((name) => join(folder, name));

/** The images of batches that are files, in their order. */
export const openBatchFiles = (paths: readonly string[], readBatch: ReadBatch | undefined): ImageSource =>
  openBatches(
    paths.map((path) => ({
      name: path,
      async read() {
        const stream = new ByteStream(path, 'batch of CIFAR-10');
        try {
          const bytes = await stream.take(LONGEST_BATCH + 1);
          if (bytes.length > LONGEST_BATCH)
            throw stream.fail(`has more than ${LONGEST_BATCH} bytes, and a batch has not`);
          return bytes;
        } finally {
          stream.close();
        }
      },
    })),
    readBatch,
  );

/**
 * The images of a tar, packed or not, of batches in any order. They are held, 154 MB.
 *
 * @throws MetricsError E_IMAGES where it hasn't all of them
 */
export async function openBatchTar(path: string, readBatch: ReadBatch | undefined): Promise<ImageSource> {
  const stream = new ByteStream(path, 'tar of CIFAR-10');
  try {
    const files = await readTar(stream, {
      wanted: (name) => trainingSets.flat().includes(name),
      longest: LONGEST_BATCH,
      total: LONGEST_TAR,
    });
    const names = trainingSets.find(([first]) => files.has(first!)) ?? trainingSets[0]!;
    const missing = names.find((name) => !files.has(name));
    if (missing !== undefined)
      throw stream.fail(
        `has no ${missing}: it is no CIFAR-10, whose training set is five batches; unpack any other tar, and take the folder`,
      );
    return openBatches(
      names.map((name) => ({ name: `${path}: ${name}`, read: async () => files.get(name)! })),
      readBatch,
    );
  } finally {
    stream.close();
  }
}

function openBatches(files: readonly BatchFile[], readBatch: ReadBatch | undefined): ImageSource {
  return {
    async *images(): AsyncGenerator<SourceImage, void> {
      for (const { name, read } of files) {
        const { data, labels } = parseBatch(await read(), name, readBatch);
        for (let i = 0; i < labels.length; i++) {
          const label = labels[i]!;
          const one = `${name}: image ${i}`;
          if (!(Number.isInteger(label) && label >= 0 && label <= 9))
            throw imageFault(
              `${one} is of class ${label}, and CIFAR-10 has 0 to 9: it is damaged, or something else`,
              {
                file: name,
                image: i,
                label,
              },
            );
          const image = data.subarray(i * PIXELS, (i + 1) * PIXELS);
          yield { name: one, image: { data: image, channels: 3, height: 32, width: 32 }, label };
        }
      }
    },
  };
}

function parseBatch(bytes: Uint8Array, name: string, readBatch: ReadBatch | undefined): CifarBatch {
  if (!/\.bin$/i.test(basename(name))) {
    if (!readBatch)
      throw imageFault(`${name}: is a pickle, which isn't read here: take cifar-10-binary.tar.gz`, {
        file: name,
      });
    const batch = readBatch(bytes, name);
    if (batch.data.length !== PIXELS * batch.labels.length)
      throw imageFault(
        `${name}: has ${batch.data.length} bytes of images and ${batch.labels.length} labels, and an image has ${PIXELS} bytes`,
        { file: name, bytes: batch.data.length, labels: batch.labels.length },
      );
    return batch;
  }
  const n = bytes.length / RECORD;
  if (!(Number.isInteger(n) && n > 0))
    throw imageFault(
      `${name}: has ${bytes.length} bytes, and a batch of CIFAR-10 has ${RECORD} for each image: it is cut off, or something else`,
      { file: name, bytes: bytes.length },
    );
  const data = new Uint8Array(n * PIXELS);
  const labels = new Uint8Array(n);
  for (let i = 0; i < n; i++) {
    labels[i] = bytes[i * RECORD]!;
    data.set(bytes.subarray(i * RECORD + 1, (i + 1) * RECORD), i * PIXELS);
  }
  return { data, labels };
}
