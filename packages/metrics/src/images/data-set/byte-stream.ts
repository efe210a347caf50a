import { closeSync, createReadStream, openSync, readSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { imageFault } from '../../errors.js';
import { statsOf } from '../../files.js';

/** A file's bytes from its start, piece by piece, unpacked where it is a gzip. What was not asked for is not held. */
export class ByteStream {
  private readonly stream: Readable;
  private readonly chunks: AsyncIterator<Buffer>;
  private rest: Buffer = Buffer.alloc(0);

  /**
   * `needed`: what is looked for, in words.
   *
   * @throws MetricsError E_IMAGES where there is no file, or it can't be read
   */
  constructor(
    private readonly path: string,
    needed: string,
  ) {
    if (statsOf(path, 'E_IMAGES', needed).isDirectory()) throw this.fail(`is a folder, no ${needed}`);
    const isPacked = this.isGzip();
    const file = createReadStream(path);
    if (isPacked) {
      const unpacked = createGunzip();
      file.on('error', (error) => unpacked.destroy(error));
      unpacked.on('close', () => file.destroy());
      this.stream = file.pipe(unpacked);
    } else this.stream = file;
    this.chunks = this.stream[Symbol.asyncIterator]();
  }

  /**
   * The next bytes, so many; fewer where it ends.
   *
   * @throws MetricsError E_IMAGES where it can't be read or unpacked
   */
  async take(length: number): Promise<Buffer> {
    const parts: Buffer[] = [];
    for (let missing = length; missing > 0; ) {
      const part = await this.next(missing);
      if (part === undefined) break;
      parts.push(part);
      missing -= part.length;
    }
    return Buffer.concat(parts);
  }

  /** Passes over bytes; says whether there were so many. @throws as `take` */
  async skip(length: number): Promise<boolean> {
    for (let missing = length; missing > 0; ) {
      const part = await this.next(missing);
      if (part === undefined) return false;
      missing -= part.length;
    }
    return true;
  }

  close(): void {
    this.stream.destroy();
  }

  fail(why: string, cause?: unknown) {
    return imageFault(`${this.path}: ${why}`, { file: this.path }, { cause });
  }

  /** Some of the next bytes, at most so many; undefined at the end. */
  private async next(most: number): Promise<Buffer | undefined> {
    while (this.rest.length === 0) {
      const { value, done } = await this.chunks.next().catch((cause: Error) => {
        throw this.fail(`can't be read (${cause.message}); it is damaged or cut off`, cause);
      });
      if (done) return undefined;
      this.rest = value;
    }
    const part = this.rest.subarray(0, most);
    this.rest = this.rest.subarray(part.length);
    return part;
  }

  private isGzip(): boolean {
    const head = Buffer.alloc(2);
    try {
      const file = openSync(this.path, 'r');
      try {
        return readSync(file, head, 0, 2, 0) === 2 && head.readUInt16BE() === 0x1f8b;
      } finally {
        closeSync(file);
      }
    } catch (cause) {
      throw this.fail(`can't be read (${(cause as Error).message})`, cause);
    }
  }
}
