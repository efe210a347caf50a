import { execFileSync } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Content, Remote } from '@fewstep/taskgraph';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { cache } from './folder-cache.js';

const name = `blobs/${'ab'.repeat(32)}`;
const { signal } = new AbortController();

let dir: string;
let lab: string;
let remote: Remote;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'fewstep-cache-dir-'));
  lab = join(dir, 'lab');
  await mkdir(lab);
  remote = cache({ place: 'lab', folder: dir });
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const contentOf = (...parts: readonly string[]): Content => ({
  size: parts.join('').length,
  async *open() {
    for (const part of parts) yield Buffer.from(part);
  },
});
async function read(from = remote): Promise<string | undefined> {
  const content = await from.get(name, signal);
  if (!content) return undefined;
  const parts: Uint8Array[] = [];
  for await (const part of content) parts.push(part);
  return Buffer.concat(parts).toString();
}
const filesIn = async (folder: string) =>
  (await readdir(folder, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => entry.name);

describe('a folder as a cache', () => {
  it('gives what it was given, as a file by its digest, and the later of two', async () => {
    expect([await remote.has(name, signal), await read()]).toEqual([false, undefined]);
    await remote.put(name, contentOf('what was ', 'computed'), signal);
    expect([await remote.has(name, signal), await read()]).toEqual([true, 'what was computed']);
    expect(await readFile(join(lab, 'blobs/ab', 'ab'.repeat(32)), 'utf8')).toBe('what was computed');
    await remote.put(name, contentOf('again'), signal);
    expect(await read(cache({ place: lab }))).toBe('again');
  });

  it('never shows a part, and leaves none where what is given breaks off', async () => {
    const seen: unknown[] = [];
    const breaking = {
      ...contentOf(''),
      async *open() {
        yield Buffer.from('half');
        seen.push(await remote.has(name, signal), await read(), (await filesIn(lab)).length);
        throw new Error('the store is gone');
      },
    };
    await expect(remote.put(name, breaking, signal)).rejects.toThrow('the store is gone');
    expect(seen).toEqual([false, undefined, 1]);
    expect(await filesIn(lab)).toEqual([]);
  });

  it('ends at once when it is not waited for any more', async () => {
    const controller = new AbortController();
    const stopping = {
      ...contentOf(''),
      async *open() {
        yield Buffer.from('half');
        controller.abort(new Error('ended'));
        yield Buffer.from('whole');
      },
    };
    await expect(remote.put(name, stopping, controller.signal)).rejects.toThrow('ended');
    expect(await filesIn(lab)).toEqual([]);
    await remote.put(name, contentOf('x'.repeat(3 << 20)), signal);
    const reading = new AbortController();
    const content = (await remote.get(name, reading.signal))!;
    const rest = async () => {
      for await (const _ of content) reading.abort();
    };
    await expect(rest()).rejects.toThrow();
  });

  it.each([
    'blobs/ab',
    '../../etc/passwd',
    `blobs/../${'a'.repeat(64)}`,
    `other/${'a'.repeat(64)}`,
    `blobs/${'A'.repeat(64)}`,
  ])('has no name %s', async (wrong) => {
    for (const ask of [
      () => remote.has(wrong, signal),
      () => remote.get(wrong, signal),
      () => remote.put(wrong, contentOf('x'), signal),
    ])
      await expect(ask()).rejects.toThrow('is no name of a result');
    expect(await readdir(lab)).toEqual([]);
  });

  it('fails where it is not there, and is not made', async () => {
    await rm(lab, { recursive: true });
    await expect(remote.has(name, signal)).rejects.toMatchObject({ code: 'ENOENT' });
    await expect(remote.get(name, signal)).rejects.toMatchObject({ code: 'ENOENT' });
    await expect(remote.put(name, contentOf('x'), signal)).rejects.toMatchObject({ code: 'ENOENT' });
    expect(await readdir(dir)).toEqual([]);
  });

  it('fails where it can’t be written, and goes on to be read', async () => {
    await remote.put(name, contentOf('x'), signal);
    await writeFile(join(lab, 'records'), 'in the way');
    const record = name.replace('blobs', 'records');
    await expect(remote.put(record, contentOf('x'), signal)).rejects.toMatchObject({ code: 'ENOTDIR' });
    expect(await read()).toBe('x');
  });

  it.skipIf(process.getuid?.() === 0)('fails where it is read-only', async () => {
    await chmod(lab, 0o555);
    await expect(remote.put(name, contentOf('x'), signal)).rejects.toMatchObject({ code: 'EACCES' });
  });

  it('takes no pipe and no folder for a file', async () => {
    await mkdir(join(lab, 'blobs/ab'), { recursive: true });
    const path = join(lab, 'blobs/ab', 'ab'.repeat(32));
    execFileSync('mkfifo', [path]);
    expect([await remote.has(name, signal), await read()]).toEqual([false, undefined]);
    await rm(path);
    await mkdir(path);
    expect([await remote.has(name, signal), await read()]).toEqual([false, undefined]);
    await rm(path, { recursive: true });
    await symlink('nowhere', path);
    expect([await remote.has(name, signal), await read()]).toEqual([false, undefined]);
  });

  it('needs a place', () => {
    expect(() => cache({})).toThrow('it needs a folder');
    expect(() => cache({ place: '' })).toThrow('it needs a folder');
  });
});
