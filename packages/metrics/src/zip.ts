import { buffer } from 'node:stream/consumers';
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

/** By the mode that Unix's zip keeps. */
const isLink = ({ externalFileAttributes }: Entry) =>
  ((externalFileAttributes >>> 16) & 0o170000) === 0o120000;

/**
 * The files of a zip, none read yet, and which of them are links to others. Nothing is extracted, so names are just names.
 *
 * `source`: path or bytes; `label` and `code`: how errors call it; `maxEntryBytes`: no entry longer than that is
 * read, whatever it was compressed to.
 */
export async function openZip(
  source: string | Uint8Array,
  label: string,
  code: MetricsErrorCode,
  maxEntryBytes: number,
) {
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
    const bytes = await zip
      .openReadStreamPromise(entry)
      .then(buffer)
      .catch((cause) => {
        throw fail(entry.fileName, `can't be read (${reason(cause)}); the zip is damaged or cut off`, cause);
      });
    if (crc32(bytes) !== entry.crc32)
      throw fail(entry.fileName, 'its bytes do not match their checksum; the zip is damaged, fetch it again');
    return bytes;
  };

  const options = { autoClose: false };
  let zip: ZipFile | undefined;
  try {
    const opened = await (typeof source === 'string'
      ? openPromise(source, options)
      : fromBufferPromise(Buffer.from(source.buffer, source.byteOffset, source.byteLength), options));
    zip = opened;
    const entries: ZipEntry[] = [];
    const links: string[] = [];
    for await (const entry of opened.eachEntry()) {
      const { fileName: name, uncompressedSize: size } = entry;
      if (!name.endsWith('/')) entries.push({ name, size, read: () => read(opened, entry) });
      if (isLink(entry)) links.push(name);
    }
    return { entries, links, close: () => opened.close() };
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
