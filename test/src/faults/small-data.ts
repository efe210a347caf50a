import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import sharp from 'sharp';

/** Grey 32×32 images of noise, as PNG without compression: all of one size in bytes. */
export function pictures(count: number, seed: number): Promise<Buffer[]> {
  let state = seed;
  const noise = () => (state = (state * 1_103_515_245 + 12_345) % 2 ** 31) >> 16;
  return Promise.all(
    Array.from({ length: count }, () => {
      const pixels = Uint8Array.from({ length: 32 * 32 }, () => noise() % 256);
      const image = sharp(pixels, { raw: { width: 32, height: 32, channels: 1 } });
      return image.toColourspace('b-w').png({ compressionLevel: 0 }).toBuffer();
    }),
  );
}

/** The same as a folder. */
export async function picturesAt(folder: string, count: number, seed: number): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const [i, bytes] of (await pictures(count, seed)).entries())
    await writeFile(join(folder, `${i}.png`), bytes);
}

/** The same as a zip, nothing compressed: two of equal counts are of equal size. */
export async function zipOfPictures(count: number, seed: number): Promise<Buffer> {
  const files = (await pictures(count, seed)).map((bytes, i) => ({ name: Buffer.from(`${i}.png`), bytes }));
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const { name, bytes } of files) {
    const common = Buffer.alloc(26); // version, flags, method, time, CRC-32, sizes, lengths of name and extra field
    common.writeUInt16LE(20, 0);
    common.writeUInt16LE(0x21, 8);
    common.writeUInt32LE(crc32(bytes), 10);
    common.writeUInt32LE(bytes.length, 14);
    common.writeUInt32LE(bytes.length, 18);
    common.writeUInt16LE(name.length, 22);
    const where = Buffer.alloc(14);
    where.writeUInt32LE(offset, 10);
    directory.push(Buffer.from([0x50, 0x4b, 1, 2, 20, 0]), common, where, name);
    const part = Buffer.concat([Buffer.from([0x50, 0x4b, 3, 4]), common, name, bytes]);
    parts.push(part);
    offset += part.length;
  }
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(files.length, 8);
  end.writeUInt16LE(files.length, 10);
  end.writeUInt32LE(Buffer.concat(directory).length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...parts, ...directory, end]);
}

/** An array of float32 with every value made larger by a tenth: the same size, another content. */
export function enlarged(bytes: Uint8Array): Buffer {
  const values = new Float32Array(Uint8Array.from(bytes).buffer);
  return Buffer.from(values.map((value) => value * 1.1).buffer);
}
