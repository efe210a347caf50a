import { execFileSync } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Disk } from './machine.js';
import { nodeMachine } from './node-machine.js';

/** What the file system says to a call, where it has its own mind. */
const says = vi.hoisted(() => ({ link: '', rename: '' }));
vi.mock('node:fs/promises', async (original) => {
  const fs = (await original()) as typeof import('node:fs/promises');
  const refuse = (code: string) => Promise.reject(Object.assign(new Error(code), { code }));
  return {
    ...fs,
    link: (from: string, to: string) => (says.link ? refuse(says.link) : fs.link(from, to)),
    rename: (from: string, to: string) =>
      says.rename && !from.endsWith('.part') ? refuse(says.rename) : fs.rename(from, to),
  };
});

let dir: string;
let disk: Disk;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'taskgraph-disk-'));
  ({ disk } = await nodeMachine());
});
afterEach(async () => {
  Object.assign(says, { link: '', rename: '' });
  await rm(dir, { recursive: true, force: true });
});
const text = (name: string) => readFile(join(dir, name), 'utf8');

it.runIf(process.platform !== 'win32')('looks into nothing that is no file and no folder', async () => {
  const pipe = join(dir, 'pipe');
  execFileSync('mkfifo', [pipe]);
  for (const [path, found] of [
    [pipe, 'pipe'],
    ['/dev/zero', 'device'],
  ] as const)
    await expect(disk.stamp(path)).rejects.toMatchObject({ code: 'E_FILE', evidence: { path, found } });
});

describe.each(['', 'EPERM', 'ENOTSUP', 'ENOSYS'])('a disk that says %j to a hard link', (code) => {
  it('has what is placed first, and keeps it', async () => {
    says.link = code;
    expect(await disk.place(join(dir, 'a'), 'one')).toBe(true);
    expect(await disk.place(join(dir, 'a'), 'two')).toBe(false);
    await disk.replace(join(dir, 'b'), 'three');
    expect([await text('a'), await text('b'), (await readdir(dir)).sort()]).toEqual([
      'one',
      'three',
      ['a', 'b'],
    ]);
  });
});

it('moves a file to another file system', async () => {
  await writeFile(join(dir, 'a'), 'whole');
  says.rename = 'EXDEV';
  await disk.move(join(dir, 'a'), join(dir, 'b'));
  expect([await text('b'), await readdir(dir)]).toEqual(['whole', ['b']]);
});

it('claims a file for one of many', async () => {
  const claims = await Promise.all(Array.from({ length: 20 }, (_, i) => disk.claim(join(dir, 'a'), `${i}`)));
  expect(claims.filter(Boolean)).toHaveLength(1);
});

it('says why a folder can’t be made, as the system does', async () => {
  await writeFile(join(dir, 'a'), '');
  await expect(disk.folder(join(dir, 'a/b/c'))).rejects.toMatchObject({ code: 'ENOTDIR' });
  if (process.platform === 'linux')
    await expect(disk.folder('/proc/none/there')).rejects.toMatchObject({ code: 'ENOENT' });
  await disk.folder(join(dir, 'x/y/z'));
  await disk.folder(join(dir, 'x/y'));
  expect(await readdir(join(dir, 'x/y'))).toEqual(['z']);
});
