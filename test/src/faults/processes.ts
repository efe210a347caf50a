import type { ChildProcess } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
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
