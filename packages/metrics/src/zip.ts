import { crc32 } from 'node:zlib';
import { type Entry, fromBufferPromise, openPromise, type ZipFile } from 'yauzl';
import { MetricsError, type MetricsErrorCode } from './errors.js';
import { kindOf, kindOfFile, statsOf } from './files.js';

/** A file inside a zip: its name, and its bytes, checked against the length and checksum that the zip states. */
export interface ZipEntry {
  readonly name: string;
  /** Bytes when read, as the zip states. */
  readonly size: number;
  /** All of it, where it is no longer than `most` bytes, whatever it was compressed to. */
  read(most: number): Promise<Buffer>;
  /** Its first bytes, at most so many; what follows is neither read nor checked. */
  head(length: number): Promise<Buffer>;
}

/** By the mode that Unix's zip keeps. */
const isLink = ({ externalFileAttributes }: Entry) =>
  ((externalFileAttributes >>> 16) & 0o170000) === 0o120000;

/**
 * The files of a zip, none read yet, and which of them are links to others. Nothing is extracted, so names are just names.
 *
 * `source`: path or bytes; `label` and `code`: how errors call it; `what`: what is looked for, in words.
 *
 * @throws MetricsError `code` where it is no zip, is damaged, or has two files of one name or in the same bytes.
 */
export async function openZip(
  source: string | Uint8Array,
  label: string,
  code: MetricsErrorCode,
  what = 'zip',
) {
  const fail = (name: string | undefined, why: string, cause?: unknown) =>
    new MetricsError(
      code,
      `${label}${name === undefined ? '' : `: ${name}`}: ${why}`,
      { file: label, ...(name !== undefined && { entry: name }) },
      { cause },
    );
  const damaged = (entry: Entry, cause: unknown) =>
    fail(entry.fileName, `can't be read (${reason(cause)}); the zip is damaged or cut off`, cause);

  /** As many bytes as there are, up to `length`. */
  const bytesOf = async (zip: ZipFile, entry: Entry, length: number) => {
    const bytes = endAligned(length);
    let filled = 0;
    try {
      for await (const chunk of await zip.openReadStreamPromise(entry)) {
        filled += (chunk as Buffer).copy(bytes, filled);
        if (filled === length && length < entry.uncompressedSize) break;
      }
    } catch (cause) {
      throw damaged(entry, cause);
    }
    return bytes.subarray(0, filled);
  };
  const read = async (zip: ZipFile, entry: Entry, most: number) => {
    const { fileName, uncompressedSize } = entry;
    if (uncompressedSize > most)
      throw fail(fileName, `would be ${uncompressedSize} bytes long, and at most ${most} are read`);
    const bytes = await bytesOf(zip, entry, uncompressedSize);
    if (crc32(bytes) !== entry.crc32)
      throw fail(fileName, 'its bytes do not match their checksum; the zip is damaged, fetch it again');
    return bytes;
  };

  const isPath = typeof source === 'string';
  if (isPath && statsOf(source, code, what).isDirectory()) throw fail(undefined, `is a folder, no ${what}`);
  const options = { autoClose: false };
  let zip: ZipFile | undefined;
  try {
    const opened = await (isPath
      ? openPromise(source, options)
      : fromBufferPromise(Buffer.from(source.buffer, source.byteOffset, source.byteLength), options));
    zip = opened;
    const entries: ZipEntry[] = [];
    const links: string[] = [];
    const names = new Set<string>();
    const extents: Extent[] = [];
    for await (const entry of opened.eachEntry()) {
      const { fileName: name, uncompressedSize: size } = entry;
      extents.push([entry.relativeOffsetOfLocalHeader, entry.compressedSize]);
      if (name.endsWith('/')) continue;
      if (names.has(name)) throw new Error(`it has two files named ${name}`);
      names.add(name);
      if (isLink(entry)) links.push(name);
      entries.push({
        name,
        size,
        read: (most) => read(opened, entry, most),
        head: (length) => bytesOf(opened, entry, Math.min(length, size)),
      });
    }
    checkApart(extents);
    return { entries, links, close: () => opened.close() };
  } catch (cause) {
    zip?.close();
    const kind = isPath ? kindOfFile(source) : kindOf(source);
    throw fail(
      undefined,
      kind === undefined
        ? `can't be read as a zip (${reason(cause)}); it is cut off, damaged or no zip`
        : `is ${kind}, and a ${what} is needed`,
      cause,
    );
  }
}

/** Zeros, so many of them. The elements of an array end where its file ends, so the end is what to align. */
const endAligned = (length: number): Buffer => {
  const padding = -length & 7;
  return Buffer.from(new ArrayBuffer(padding + length), padding);
};

/** Where a file of a zip begins, and how many bytes it takes there beside its header. */
type Extent = readonly [start: number, length: number];

/** The shortest header before a file. */
const HEADER = 30;

/** Files that share bytes let a small zip hold much, many times over; no program writes such. */
function checkApart(extents: Extent[]): void {
  extents.sort(([a], [b]) => a - b);
  let end = 0;
  for (const [start, length] of extents) {
    if (start < end) throw new Error(`two of its files share byte ${start}`);
    end = start + HEADER + length;
  }
}

const reason = (cause: unknown) => (cause instanceof Error ? cause.message : String(cause));
