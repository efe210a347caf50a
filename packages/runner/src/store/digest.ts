import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';

/** SHA-256 as 64 hex digits. */
export type Digest = string;

export function digestOfText(text: string): Digest {
  return createHash('sha256').update(text).digest('hex');
}

export async function digestOfFile(path: string): Promise<Digest> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path, { highWaterMark: 1 << 20 }), hash);
  return hash.digest('hex');
}

/** Digest of a file's bytes; of a folder, over its files' relative names and digests. */
export async function digestOfPath(path: string): Promise<Digest> {
  if (!(await stat(path)).isDirectory()) return digestOfFile(path);
  const names = (await readdir(path, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
  const lines: string[] = [];
  for (const name of names) lines.push(`${await digestOfFile(name)}  ${name.slice(path.length + 1)}`);
  return digestOfText(lines.join('\n'));
}
