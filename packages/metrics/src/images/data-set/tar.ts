import type { ByteStream } from './byte-stream.js';

/** What a tar is made of: a header, and as many as a file takes. */
export const BLOCK = 512;

/** Where a header has what is read of it. */
const fields = { name: [0, 100], size: [124, 136], checksum: [148, 156] } as const;

/**
 * The files of a tar whose names, without their folders, are `wanted`, by those. Names are just names: nothing is
 * extracted, and links and all else are passed over.
 *
 * `longest`: bytes of such a file; `total`: of the whole, unpacked.
 *
 * @throws MetricsError E_IMAGES where it is none, is cut off, or holds more
 */
export async function readTar(
  stream: ByteStream,
  { wanted, longest, total }: { wanted(name: string): boolean; longest: number; total: number },
): Promise<Map<string, Buffer>> {
  const found = new Map<string, Buffer>();
  for (let at = 0; ; ) {
    const header = await stream.take(BLOCK);
    if (header.length === 0 || (header.length === BLOCK && header.every((byte) => byte === 0))) return found;
    const size = octal(header, fields.size);
    if (!isTarHeader(header) || Number.isNaN(size))
      throw stream.fail(
        `what stands at byte ${at} of the tar is no header of a file: it is damaged or cut off`,
      );
    const padded = Math.ceil(size / BLOCK) * BLOCK;
    at += BLOCK + padded;
    if (at > total)
      throw stream.fail(
        `holds more than ${total} bytes, which CIFAR-10 hasn't: unpack it, and take the folder`,
      );
    const name = text(header, fields.name).split('/').at(-1)!;
    const isFile = header[TYPE] === 0 || header[TYPE] === FILE;
    if (!(isFile && wanted(name))) {
      if (await stream.skip(padded)) continue;
      throw stream.fail('is cut off');
    }
    if (found.has(name)) throw stream.fail(`has two files named ${name}`);
    if (size > longest) throw stream.fail(`${name} has ${size} bytes, and at most ${longest} are read`);
    const content = await stream.take(padded);
    if (content.length < padded) throw stream.fail(`is cut off in ${name}`);
    found.set(name, content.subarray(0, size));
  }
}

/** Where the type of an entry is, and that of a file; earlier tars have 0 for it. */
const TYPE = 156;
const FILE = '0'.charCodeAt(0);

/** By its checksum, the sum of its bytes with spaces in place of the checksum's own. */
export function isTarHeader(header: Buffer): boolean {
  const [from, to] = fields.checksum;
  const sum = header.reduce((total, byte, i) => total + (from <= i && i < to ? 0x20 : byte), 0);
  return header.length === BLOCK && sum === octal(header, fields.checksum);
}

const text = (header: Buffer, [from, to]: readonly [number, number]) =>
  header.toString('latin1', from, to).replace(/\0.*$/s, '');

/** NaN for what is none. */
function octal(header: Buffer, field: readonly [number, number]): number {
  const digits = text(header, field).trim();
  return /^[0-7]+$/.test(digits) ? Number.parseInt(digits, 8) : Number.NaN;
}
