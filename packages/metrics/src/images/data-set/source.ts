import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { imageFault } from '../../errors.js';
import { kindOfFile, statsOf } from '../../files.js';
import { ByteStream } from './byte-stream.js';
import { batchesIn, openBatchFiles, openBatchTar, type ReadBatch } from './cifar10.js';
import { openImageFiles } from './image-files.js';
import type { ImageSource } from './image-source.js';
import { isIdx, openIdx } from './mnist.js';
import { BLOCK, isTarHeader } from './tar.js';

/** What a source may need from outside. */
export interface SourceOptions {
  /** What reads a batch of CIFAR-10 for Python. Default: such are refused. */
  readonly readBatch?: ReadBatch;
}

const SOURCE = 'file or folder of images';

/**
 * What a set is made of, told by its content:
 *
 * - a folder or zip of images, as `readImages` reads them, but of any sizes. Labels are those of its `dataset.json`; of a
 *   folder without one they are the numbers of the folders in it, in the order of their names, where there are several.
 * - CIFAR-10: `cifar-10-binary.tar.gz`, `cifar-10-python.tar.gz`, or the folder that was in one of them, of which the five
 *   training batches are taken; or a single batch, as `test_batch.bin`.
 * - MNIST: `train-images-idx3-ubyte.gz`, packed or not, and its labels beside it. A black rim makes its images 32 × 32.
 *
 * Nothing is extracted, and what packed files may unpack to is bounded.
 *
 * @throws MetricsError E_IMAGES where it is none of these
 */
export async function openSource(path: string, { readBatch }: SourceOptions = {}): Promise<ImageSource> {
  if (statsOf(path, 'E_IMAGES', SOURCE).isDirectory()) {
    if (existsSync(join(path, 'data.mdb')))
      throw imageFault(
        `${path}: is an LMDB, as LSUN's, which isn't read: export its images to a folder (LSUN's data.py export), and take that`,
        { file: path },
      );
    const batches = batchesIn(path);
    return batches ? openBatchFiles(batches, readBatch) : openImageFiles(path, true);
  }
  if (/\.bin$/i.test(path)) return openBatchFiles([path], readBatch);
  const stream = new ByteStream(path, SOURCE);
  const start = await stream.take(BLOCK).finally(() => stream.close());
  if (isIdx(start)) return openIdx(path);
  if (isTarHeader(start)) return openBatchTar(path, readBatch);
  if (start.toString('latin1', 0, 2) === 'PK') return openImageFiles(path, false);
  throw imageFault(
    `${path}: is ${kindOfFile(path) ?? 'nothing that is known'}, and a set is made of a folder or zip of images, of CIFAR-10's .tar.gz or .bin, or of MNIST's idx3-ubyte.gz`,
    { file: path },
  );
}
