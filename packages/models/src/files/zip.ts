import { Readable } from 'node:stream';
import { crc32, inflateRawSync } from 'node:zlib';
import { type Entry, fromRandomAccessReaderPromise, RandomAccessReader, type ZipFile } from 'yauzl';
import { ModelError } from '../errors.js';
import { type Source, sliceOf } from './source.js';

/** A file inside a zip. Names are just names: nothing is extracted under them. */
export interface ZipEntry {
  readonly name: string;
  /** Bytes when read, as the zip states. */
  readonly size: number;
  /** Its bytes in the zip, where they are stored as they are. */
  readonly stored: Source | undefined;
  /** All of its bytes, checked against the checksum that the zip states. @throws ModelError `E_ZIP` */
  read(): Uint8Array;
  /** All of them piece by piece, never more than `size`, checked at their end. @throws ModelError `E_ZIP` */
  stream(): AsyncIterable<Uint8Array>;
}

/** Weights are noise and hardly shrink: what would grow more than that, beyond a few zeros, is made to fill a disk. */
const MAX_GROWTH = 32;
const FREE = 2 ** 24;
/** Far more than a checkpoint has storages. */
const MAX_ENTRIES = 2 ** 18;

/**
 * The files of a zip (zip64 too), in the order of its directory. None is read yet.
 *
 * @throws ModelError `E_ZIP` when it is damaged, cut short, encrypted, a bomb, or when two files share bytes.
 */
export async function openZip(source: Source): Promise<readonly ZipEntry[]> {
  try {
    const zip = await fromRandomAccessReaderPromise(new SourceReader(source), source.length, {
      lazyEntries: true,
      autoClose: false,
    });
    if (zip.entryCount > MAX_ENTRIES)
      throw new Error(`it lists ${zip.entryCount} files; ${MAX_ENTRIES} are allowed`);
    const entries: ZipEntry[] = [];
    const extents: { start: number; end: number }[] = [];
    for await (const entry of zip.eachEntry()) {
      if (entry.fileName.endsWith('/')) continue;
      const { fileDataStart: start } = await zip.readLocalFileHeaderPromise(entry, { minimal: true });
      checkEntry(entry);
      extents.push({ start: entry.relativeOffsetOfLocalHeader, end: start + entry.compressedSize });
      entries.push(entryOf(zip, entry, sliceOf(source, start, entry.compressedSize)));
    }
    checkApart(extents);
    if (new Set(entries.map(({ name }) => name)).size !== entries.length)
      throw new Error('two of its files have the same name');
    return entries;
  } catch (cause) {
    throw fault(cause);
  }
}

function entryOf(zip: ZipFile, entry: Entry, raw: Source): ZipEntry {
  const { fileName: name, uncompressedSize: size } = entry;
  const compressed = entry.isCompressed();
  const check = (sum: number) => {
    if (sum !== entry.crc32)
      throw fault(new Error(`the bytes of "${name}" do not match their checksum; fetch the file again`));
  };
  return {
    name,
    size,
    stored: compressed ? undefined : raw,
    read() {
      const bytes = compressed ? inflate(name, raw.read(0, raw.length), size) : raw.read(0, size);
      check(crc32(bytes));
      return bytes;
    },
    async *stream() {
      let sum = 0;
      try {
        for await (const bytes of await zip.openReadStreamPromise(entry)) {
          sum = crc32(bytes as Buffer, sum);
          yield bytes as Buffer;
        }
      } catch (cause) {
        throw fault(cause);
      }
      check(sum);
    },
  };
}

function inflate(name: string, bytes: Uint8Array, size: number): Uint8Array {
  try {
    const whole = inflateRawSync(bytes, { maxOutputLength: Math.max(size, 1) });
    if (whole.length !== size) throw new Error(`"${name}" has ${whole.length} bytes, not ${size}`);
    return whole;
  } catch (cause) {
    throw fault(cause);
  }
}

function checkEntry(entry: Entry): void {
  const { fileName: name, uncompressedSize: size, compressedSize } = entry;
  if (!entry.canDecodeFileData()) throw new Error(`"${name}" is encrypted, or compressed in an unusual way`);
  if (size > FREE + MAX_GROWTH * compressedSize)
    throw new Error(`"${name}" would grow from ${compressedSize} bytes to ${size}, which no checkpoint does`);
}

/** Files that share bytes let a small zip hold large contents many times over; no program writes such. */
function checkApart(extents: { start: number; end: number }[]): void {
  extents.sort((a, b) => a.start - b.start);
  for (const [i, { start }] of extents.entries())
    if (i > 0 && start < extents[i - 1]!.end) throw new Error(`two of its files share byte ${start}`);
}

const fault = (cause: unknown) =>
  cause instanceof ModelError
    ? cause
    : new ModelError(
        'E_ZIP',
        `zip: ${cause instanceof Error ? cause.message : cause}; it is cut short, damaged or no zip`,
        {},
        { cause },
      );

/** Lets the zip library read a source. */
class SourceReader extends RandomAccessReader {
  constructor(private readonly source: Source) {
    super();
  }

  override read(
    buffer: Buffer,
    offset: number,
    length: number,
    position: number,
    callback: (error: Error | null, count?: number) => void,
  ): void {
    const inside = position >= 0 && position + length <= this.source.length;
    if (inside) this.source.readInto(position, buffer.subarray(offset, offset + length));
    callback(null, inside ? length : 0);
  }

  override _readStreamForRange(start: number, end: number): Readable {
    return Readable.from(pieces(this.source, start, end), { objectMode: false });
  }

  override close(callback: (error: Error | null) => void): void {
    callback(null);
  }
}

const PIECE = 2 ** 16;

function* pieces(source: Source, start: number, end: number): Generator<Uint8Array> {
  for (let at = start; at < end; at += PIECE) yield source.read(at, Math.min(PIECE, end - at));
}
