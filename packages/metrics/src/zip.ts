import { crc32 } from 'node:zlib';
import { type Entry, fromBufferPromise, openPromise, type ZipFile } from 'yauzl';
import { MetricsError, type MetricsErrorCode } from './errors.js';

/** A file inside a zip: its name, and its bytes, checked against the length and checksum that the zip states. */
interface ZipEntry {
  readonly name: string;
  /** Bytes when read, as the zip states. */
  readonly size: number;
  read(): Promise<Buffer>;
}

interface Zip {
  readonly entries: readonly ZipEntry[];
  close(): void;
}

/**
 * The files of a zip, none read yet. Nothing is extracted, so names are just names.
 *
 * `source`: path or bytes; `label` and `code`: how errors call it; `maxEntryBytes`: no entry longer than that is
 * read, whatever it was compressed to.
 */
export async function openZip(
  source: string | Uint8Array,
  label: string,
  code: MetricsErrorCode,
  maxEntryBytes: number,
): Promise<Zip> {
  const fail = (name: string | undefined, why: string, cause?: unknown) =>
    new MetricsError(
      code,
      `${label}${name === undefined ? '' : `: ${name}`}: ${why}`,
      { file: label, ...(name !== undefined && { entry: name }) },
      { cause },
    );
  const read = async (zip: ZipFile, entry: Entry) => {
    if (entry.uncompressedSize > maxEntryBytes)
      throw fail(
        entry.fileName,
        `would be ${entry.uncompressedSize} bytes long, and at most ${maxEntryBytes} are read`,
      );
    const chunks: Buffer[] = [];
    try {
      for await (const chunk of await zip.openReadStreamPromise(entry)) chunks.push(chunk as Buffer);
    } catch (cause) {
      throw fail(entry.fileName, `can't be read (${reason(cause)}); the zip is damaged or cut off`, cause);
    }
    const bytes = Buffer.concat(chunks);
    if (crc32(bytes) !== entry.crc32)
      throw fail(entry.fileName, 'its bytes do not match their checksum; the zip is damaged, fetch it again');
    return bytes;
  };

  let zip: ZipFile | undefined;
  try {
    const options = { lazyEntries: true, autoClose: false };
    zip =
      typeof source === 'string'
        ? await openPromise(source, options)
        : await fromBufferPromise(Buffer.from(source.buffer, source.byteOffset, source.byteLength), options);
    const opened = zip;
    const entries: ZipEntry[] = [];
    for await (const entry of opened.eachEntry())
      if (!entry.fileName.endsWith('/'))
        entries.push({
          name: entry.fileName,
          size: entry.uncompressedSize,
          read: () => read(opened, entry),
        });
    return { entries, close: () => opened.close() };
  } catch (cause) {
    zip?.close();
    throw fail(
      undefined,
      `can't be read as a zip (${reason(cause)}); it is cut off, damaged or no zip`,
      cause,
    );
  }
}

const reason = (cause: unknown) => (cause instanceof Error ? cause.message : String(cause));
