import { Readable } from 'node:stream';
import { crc32 } from 'node:zlib';
import { type Entry, fromRandomAccessReaderPromise, RandomAccessReader, type ZipFile } from 'yauzl';
import { ModelError } from './errors.js';
import { type Source, sliceOf } from './source.js';

/** A file inside a zip. Names are just names: nothing is extracted under them. */
export interface ZipEntry {
  readonly name: string;
  /** Bytes when read, as the zip states. */
  readonly size: number;
  /** Its bytes in the zip, where they are stored as they are; undefined where compressed. */
  readonly stored: Source | undefined;
  readonly crc32: number;
  /** Bytes after decompression, piece by piece, never more than `size`. */
  stream(): Promise<AsyncIterable<Uint8Array>>;
}

/**
 * The files of a zip (zip64 too), in the order of its directory. None is read yet.
 *
 * @throws ModelError `E_ZIP` when it is damaged, cut short, encrypted, or when two files share bytes.
 */
export async function openZip(source: Source): Promise<readonly ZipEntry[]> {
  try {
    const zip = await fromRandomAccessReaderPromise(new SourceReader(source), source.length, {
      lazyEntries: true,
      autoClose: false,
    });
    const entries: ZipEntry[] = [];
    const extents: { start: number; end: number }[] = [];
    for await (const entry of zip.eachEntry()) {
      if (entry.fileName.endsWith('/')) continue;
      if (!entry.canDecodeFileData())
        throw new Error(`"${entry.fileName}" is encrypted, or compressed by an unusual method`);
      const { fileDataStart: start } = await zip.readLocalFileHeaderPromise(entry, { minimal: true });
      extents.push({ start: entry.relativeOffsetOfLocalHeader, end: start + entry.compressedSize });
      entries.push(entryOf(zip, entry, source, start));
    }
    checkApart(extents);
    if (new Set(entries.map(({ name }) => name)).size !== entries.length)
      throw new Error('two of its files have the same name');
    return entries;
  } catch (cause) {
    throw fault(cause);
  }
}

/** All of a stored entry's bytes, checked against the checksum that the zip states. @throws ModelError `E_ZIP`. */
export function readStored({ name, stored, size, crc32: expected }: ZipEntry): Uint8Array {
  if (!stored) throw fault(new Error(`"${name}" is compressed where PyTorch stores`));
  const bytes = stored.read(0, size);
  if (crc32(bytes) !== expected)
    throw fault(new Error(`the bytes of "${name}" do not match their checksum; fetch the file again`));
  return bytes;
}

const entryOf = (zip: ZipFile, entry: Entry, source: Source, start: number): ZipEntry => ({
  name: entry.fileName,
  size: entry.uncompressedSize,
  stored: entry.isCompressed() ? undefined : sliceOf(source, start, entry.compressedSize),
  crc32: entry.crc32,
  stream: () => zip.openReadStreamPromise(entry),
});

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
    const within = position >= 0 && position + length <= this.source.length;
    if (within) buffer.set(this.source.read(position, length), offset);
    callback(null, within ? length : 0);
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
