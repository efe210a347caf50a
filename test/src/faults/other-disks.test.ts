import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fewstep, start } from '../command-line.js';
import { childrenOf, may, stopInTheMiddle } from './processes.js';
import { plain, plan, removeAll, run } from './small-store.js';

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'fewstep-'));
  await writeFile(join(dir, 'spec.yaml'), plain());
});
afterAll(() => removeAll([dir]));

/** Mounts a disk while a test works with it. */
async function onDisk(name: string, options: string, test: (disk: string) => Promise<void>): Promise<void> {
  const disk = join(dir, name);
  await mkdir(disk);
  execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', disk]);
  try {
    await test(disk);
  } finally {
    execFileSync('umount', [disk]);
  }
}

describe.skipIf(!may.mount)('disks (needs root, to mount some)', () => {
  it.concurrent.each(['blobs', 'tmp'])('a store may have its %s on another', async (part) => {
    await onDisk(`disk-of-${part}`, 'size=32m', async (disk) => {
      const store = join(dir, `store-of-${part}`);
      await mkdir(store);
      await symlink(disk, join(store, part));
      const { points } = await run(dir, ['spec.yaml', '--store', store]);
      expect((await readFile(points[0]!.artifacts.samples[0]!)).length).toBeGreaterThan(4 * 3 * 16 * 16);
      const again = await run(dir, ['spec.yaml', '--store', store]);
      expect(again.tasks.computed).toBe(0);
    });
  });

  it.concurrent.each([4, 12, 24])('one that is full of files is full: room for %i', async (inodes) => {
    await onDisk(`disk-for-${inodes}`, `nr_inodes=${inodes}`, async (disk) => {
      const { code, stderr } = await fewstep(['run', 'spec.yaml', '--store', join(disk, 'store')], {
        cwd: dir,
      });
      expect(code, stderr).toBe(1);
      expect(stderr).toContain('E_STORE_FULL');
      expect(stderr).not.toMatch(/E_STORE_ACCESS|permissions/);
    });
  });

  it.concurrent('one that is read-only shows what is finished beside what was not', async () => {
    await onDisk('disk', 'size=32m', async (disk) => {
      const args = ['spec.yaml', '--store', join(disk, 'store')];
      await run(dir, args);
      const { child, finished } = start(['run', ...args, '--set', 'sample.seeds=8-11'], { cwd: dir });
      await stopInTheMiddle(child, join(disk, 'store'));
      for (const pid of [...childrenOf(child.pid!), child.pid!]) process.kill(pid, 'SIGKILL');
      await finished;
      execFileSync('mount', ['-o', 'remount,ro', disk]);
      expect(await plan(dir, args)).toMatchObject({ toCompute: 0 });
      expect((await run(dir, [...args, '--results', 'elsewhere'])).tasks.computed).toBe(0);
    });
  });
});
