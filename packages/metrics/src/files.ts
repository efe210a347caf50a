import { closeSync, openSync, readSync, type Stats, statSync } from 'node:fs';
import { MetricsError, type MetricsErrorCode } from './errors.js';

/** What has a path and is no file: a pipe waits for who writes into it, and a device may never end. */
const others = {
  FIFO: 'a pipe',
  Socket: 'a socket',
  CharacterDevice: 'a device',
  BlockDevice: 'a device',
} as const;

/** How files start that are taken for the ones of this package. */
const starts: readonly (readonly [string, string])[] = [
  ['\x93NUMPY', 'a single array (.npy)'],
  ['\x80', 'a pickle'],
  ['\x1f\x8b', 'a gzip archive'],
  ['\x89HDF', 'an HDF5 file'],
  ['\x89PNG', 'a PNG image'],
  ['\xff\xd8\xff', 'a JPEG image'],
  ['version https://git-lfs', 'a Git LFS pointer, not the file it stands for'],
  ['<', 'a page (HTML or XML), as a failed download leaves behind'],
  ['{', 'JSON text'],
];

/** What the first bytes of a file say that it is, in words; undefined where they are of no kind that is known here. */
export const kindOf = (head: Uint8Array): string | undefined => {
  if (head.length === 0) return 'an empty file';
  const text = Buffer.from(head.buffer, head.byteOffset, Math.min(head.length, 32)).toString('latin1');
  return starts.find(([start]) => text.startsWith(start))?.[1];
};

/** The same of a file. */
export function kindOfFile(path: string): string | undefined {
  const head = Buffer.alloc(32);
  const file = openSync(path, 'r');
  try {
    return kindOf(head.subarray(0, readSync(file, head, 0, head.length, 0)));
  } finally {
    closeSync(file);
  }
}

/**
 * What is at a path: a file, or a folder where one may be. Only those are opened.
 *
 * `needed`: what is looked for, in words.
 *
 * @throws MetricsError `code` that says what is there instead
 */
export function statsOf(path: string, code: MetricsErrorCode, needed: string): Stats {
  let stats: Stats;
  try {
    stats = statSync(path);
  } catch (cause) {
    throw new MetricsError(code, `${path}: there is no such ${needed}`, { file: path }, { cause });
  }
  for (const [kind, found] of Object.entries(others))
    if (stats[`is${kind as keyof typeof others}`]())
      throw new MetricsError(code, `${path}: is ${found}, and a ${needed} is needed`, { file: path, found });
  return stats;
}
