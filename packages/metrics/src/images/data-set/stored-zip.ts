import { crc32 } from 'node:zlib';

/** A file as a zip has it: its name there, ASCII with `/` between folders, and its bytes, less than 4 GiB. */
export interface StoredFile {
  readonly name: string;
  readonly data: Uint8Array;
}

/**
 * The bytes of a zip of files as they come, uncompressed, all of 1 January 1980, so that the same files give the same bytes.
 *
 * A file at a time is held, and of each that has gone its entry in the directory, about 70 bytes. (yazl holds every
 * buffer to the end, and looks through all entries for each.) A zip of more than 65,534 files or 4 GiB is a Zip64.
 */
export async function* storedZip(files: AsyncIterable<StoredFile>): AsyncGenerator<Uint8Array, void> {
  let directory = Buffer.alloc(2 ** 16); // one piece of memory, for pieces of their own take far more
  let size = 0;
  let count = 0;
  let at = 0;
  for await (const { name, data } of files) {
    const about = aboutFile(data);
    const title = Buffer.from(name, 'latin1');
    const header = bytes([u32(0x04034b50), u16(20), ...about, u16(title.length), u16(0)]);
    yield Buffer.concat([header, title]);
    yield data;
    const entry = entryOf(about, title, at);
    if (size + entry.length > directory.length)
      directory = Buffer.concat([directory], 2 * directory.length + entry.length);
    directory.set(entry, size);
    size += entry.length;
    count++;
    at += header.length + title.length + data.length;
  }
  yield directory.subarray(0, size);
  yield end(count, size, at);
}

type Field = readonly [width: 2 | 4 | 8, value: number];
const u16 = (value: number): Field => [2, value];
const u32 = (value: number): Field => [4, value];
const u64 = (value: number): Field => [8, value];

/** Little-endian, one after the other. */
function bytes(fields: readonly Field[]): Buffer {
  const result = Buffer.alloc(fields.reduce((sum, [width]) => sum + width, 0));
  let at = 0;
  for (const [width, value] of fields) {
    if (width === 8) result.writeBigUInt64LE(BigInt(value), at);
    else result.writeUIntLE(value, at, width);
    at += width;
  }
  return result;
}

/** Stands for what Zip64 says elsewhere. */
const ELSEWHERE = { u16: 0xffff, u32: 0xffffffff };
/** The first day that a zip can tell. */
const DAY = (1 << 5) | 1;
/** A file that all may read, as Unix says it. */
const MODE = 0o100644;

/** Flags, method, time, day, checksum and both lengths. */
const aboutFile = (data: Uint8Array): readonly Field[] => [
  u16(0),
  u16(0),
  u16(0),
  u16(DAY),
  u32(crc32(data)),
  u32(data.length),
  u32(data.length),
];

function entryOf(about: readonly Field[], title: Buffer, at: number): Buffer {
  const far = at >= ELSEWHERE.u32;
  const extra = far ? [u16(1), u16(8), u64(at)] : [];
  const fields = bytes([
    u32(0x02014b50),
    u16((3 << 8) | 45), // made under Unix
    u16(far ? 45 : 20),
    ...about,
    u16(title.length),
    u16(far ? 12 : 0),
    u16(0), // comment
    u16(0), // disk
    u16(0), // inner attributes
    u32(MODE * 2 ** 16),
    u32(far ? ELSEWHERE.u32 : at),
  ]);
  return Buffer.concat([fields, title, bytes(extra)]);
}

/** Of how many files, in how many bytes of a directory that begins there. */
function end(count: number, size: number, at: number): Buffer {
  const isLarge = count >= ELSEWHERE.u16 || at + size >= ELSEWHERE.u32;
  const large = isLarge
    ? [
        ...[u32(0x06064b50), u64(44), u16((3 << 8) | 45), u16(45), u32(0), u32(0)],
        ...[u64(count), u64(count), u64(size), u64(at)],
        ...[u32(0x07064b50), u32(0), u64(at + size), u32(1)],
      ]
    : [];
  const few = isLarge ? ELSEWHERE.u16 : count;
  return bytes([
    ...large,
    ...[u32(0x06054b50), u16(0), u16(0), u16(few), u16(few)],
    ...[u32(isLarge ? ELSEWHERE.u32 : size), u32(isLarge ? ELSEWHERE.u32 : at), u16(0)],
  ]);
}
