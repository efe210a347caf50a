import { type ChildProcess, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** Processes that a process started (Linux). */
export function childrenOf(pid: number): number[] {
  const path = `/proc/${pid}/task/${pid}/children`;
  return existsSync(path) ? readFileSync(path, 'utf8').split(' ').filter(Boolean).map(Number) : [];
}

/** The process in which a run computes, as soon as there is one (Linux). */
export async function computingProcess({ pid, exitCode }: ChildProcess): Promise<number> {
  for (let tried = 0; tried < 20_000 && exitCode === null; tried++) {
    const [child] = childrenOf(pid!);
    if (child !== undefined) return child;
    await sleep(1);
  }
  throw new Error('no process was started to compute in');
}

/** Resolves when a process has taken no time of a processor for half a second (Linux). */
export async function idle(pid: number): Promise<void> {
  const ticks = () => {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
    return Number(fields[11]) + Number(fields[12]);
  };
  for (let before = -1, quiet = 0; quiet < 5; before = ticks()) {
    await sleep(100);
    quiet = ticks() === before ? quiet + 1 : 0;
  }
}

/** Resolves with what a process said on standard error once that matches; kills it when it takes longer. */
export function heard(child: ChildProcess, pattern: RegExp, seconds = 30): Promise<string> {
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
