import { mkdtemp, readFile, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fewstep, start } from '../command-line.js';
import { begun, heard, may, stopInTheMiddle } from './processes.js';
import { plain, removeAll } from './small-store.js';

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'fewstep-'));
  await writeFile(join(dir, 'spec.yaml'), plain());
});
afterAll(() => removeAll([dir]));

describe.skipIf(!may.unshare)('runs that can’t see each other (needs root, to set them apart)', () => {
  it.concurrent('with numbers of processes of their own respect what the other has begun', async () => {
    const store = join(dir, 'store');
    const args = ['spec.yaml', '--store', store];
    const apart = ['unshare', '--pid', '--fork', '--kill-child', '--mount-proc'];
    const first = start(['run', ...args], { cwd: dir });
    try {
      await stopInTheMiddle(first.child, store);
      const before = await begun(store);
      const lease = await readFile(join(store, 'leases', before.leases[0]!), 'utf8');
      expect((await fewstep(['plan', ...args], { cwd: dir, through: apart })).code).toBe(0);
      expect(await begun(store)).toEqual(before);
      const second = start(['run', ...args, '--results', 'second'], { cwd: dir, through: apart });
      await heard(second.child, /waiting for/);
      expect(await readFile(join(store, 'leases', before.leases[0]!), 'utf8')).toBe(lease);
      second.child.kill('SIGKILL');
      await second.finished;
    } finally {
      first.child.kill('SIGCONT');
      await first.finished;
    }
    const { code, stderr } = await first.finished;
    expect(code, stderr).toBe(0);
  });

  it.concurrent('are named by the one who waits, whatever the time on their clock', async () => {
    const store = join(dir, 'shared');
    const args = ['run', 'spec.yaml', '--store', store];
    const elsewhere = ['unshare', '--uts', 'sh', '-c', 'hostname host-that-is-gone && exec "$@"', 'sh'];
    const first = start(args, { cwd: dir, through: elsewhere });
    await stopInTheMiddle(first.child, store);
    first.child.kill('SIGKILL');
    await first.finished;
    const { leases } = await begun(store);
    // as of another machine, of whose processes nothing can be known here
    const lease = join(store, 'leases', leases[0]!);
    await writeFile(lease, JSON.stringify({ ...JSON.parse(await readFile(lease, 'utf8')), boot: 'another' }));
    const hourAhead = Date.now() / 1000 + 3600;
    await utimes(lease, hourAhead, hourAhead);
    const second = start(args, { cwd: dir });
    await heard(second.child, /host-that-is-gone/);
    second.child.kill('SIGKILL');
    await second.finished;
  });
});
