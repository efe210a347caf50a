import { type ChildProcess, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** Processes that a process started (Linux). */
export function childrenOf(pid: number): number[] {
  const path = `/proc/${pid}/task/${pid}/children`;
  return existsSync(path) ? readFileSync(path, 'utf8').split(' ').filter(Boolean).map(Number) : [];
}

/** The process in which a run computes, as soon as there is one that is no copy of the run's any more (Linux). */
export async function computingProcess({ pid, exitCode }: ChildProcess): Promise<number> {
  const command = (of: number) => readFileSync(`/proc/${of}/cmdline`, 'utf8');
  for (let tried = 0; tried < 20_000 && exitCode === null; tried++) {
    const [child] = childrenOf(pid!);
    if (child !== undefined && command(child) !== command(pid!)) return child;
    await sleep(1);
  }
  throw new Error('no process was started to compute in');
}

/** Resolves when a task has written something, so that it has read what it reads; after ten seconds in any case. */
export async function hasWritten(store: string): Promise<void> {
  for (let tried = 0; tried < 1000; tried++) {
    const names = await readdir(join(store, 'tmp'), { recursive: true }).catch(() => []);
    if (names.some((name) => dirname(name) !== '.')) return;
    await sleep(10);
  }
}

/** Resolves with what a process said on standard error once that matches; kills it when it takes longer. */
export function heard(child: ChildProcess, pattern: RegExp, seconds = 60): Promise<string> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => child.kill('SIGKILL'), seconds * 1000);
    let said = '';
    child.stderr!.on('data', (chunk) => {
      said += chunk;
      if (!pattern.test(said)) return;
      clearTimeout(timer);
      resolve(said);
    });
    child.once('close', () => {
      clearTimeout(timer);
      reject(new Error(`ended without ${pattern}: ${said}`));
    });
  });
}

/** What a run on the store has begun: its folders to write in, and the keys that it alone computes. */
export async function begun(store: string): Promise<{ scratch: string[]; leases: string[] }> {
  const found = async (folder: string) =>
    readdir(join(store, folder), { withFileTypes: true }).catch(() => []);
  const scratch = (await found('tmp')).filter((entry) => entry.isDirectory());
  const leases = await found('leases');
  return { scratch: scratch.map(({ name }) => name).sort(), leases: leases.map(({ name }) => name).sort() };
}

/** Stops a run in the middle of a task. */
export async function stopInTheMiddle({ pid, exitCode }: ChildProcess, store: string): Promise<void> {
  for (let tried = 0; tried < 20_000 && exitCode === null; tried++) {
    const { scratch, leases } = await begun(store);
    if (scratch.length > 0 && leases.length > 0) {
      process.kill(pid!, 'SIGSTOP');
      return;
    }
    await sleep(1);
  }
  throw new Error('nothing was begun');
}

const works = (command: string) => spawnSync('sh', ['-c', command]).status === 0;

/** Whether this process may mount a disk of its own, and have processes with numbers or a host name of their own. */
export const may = {
  mount: works('d=$(mktemp -d) && mount -t tmpfs tmpfs $d && umount $d'),
  unshare: works('unshare --pid --fork --kill-child --mount-proc true && unshare --uts hostname other'),
};
