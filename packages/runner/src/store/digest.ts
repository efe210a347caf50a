import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
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

/** Digest of a file's bytes; of a folder, over its files' relative names and digests, links to files among them. */
export async function digestOfPath(path: string): Promise<Digest> {
  if (!(await stat(path)).isDirectory()) return digestOfFile(path);
  const names = (await readdir(path, { recursive: true, withFileTypes: true }))
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
  const lines: string[] = [];
  for (const name of names) {
    const target = await stat(name).catch(() => undefined);
    const digest = target?.isFile() ? await digestOfFile(name) : 'no file';
    lines.push(`${digest}  ${relative(path, name)}`);
  }
  return digestOfText(lines.join('\n'));
}
