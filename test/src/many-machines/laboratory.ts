import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { root } from '../command-line.js';
import type { Ended, Told } from './machine.js';

/** A machine that runs. */
export interface Machine {
  readonly child: ChildProcess;
  /** What it said so far. */
  readonly lines: readonly Readonly<Record<string, unknown>>[];
  /** Waits until it says something. */
  until(holds: (line: Readonly<Record<string, unknown>>) => boolean, seconds?: number): Promise<void>;
  /** What a coordinator said in the end; undefined if it was killed before. */
  readonly ended: Promise<Ended | undefined>;
}

const running = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** Folders of one laboratory, and its machines. */
export function laboratory(folder: string, shared: Omit<Told, 'folder'>) {
  const start = async (
    role: 'coordinator' | 'worker',
    name: string,
    told: Partial<Told> = {},
    env: Readonly<Record<string, string>> = {},
  ): Promise<Machine> => {
    const own = join(folder, name);
    await mkdir(own, { recursive: true });
    await writeFile(join(own, 'data'), 'from outside');
    const all: Told = { folder: own, remote: join(folder, 'remote'), ...shared, ...told };
    const child = spawn(
      process.execPath,
      [join(root, 'test/dist/many-machines/machine.js'), role, JSON.stringify(all)],
      {
        stdio: ['ignore', 'pipe', 'pipe'],
        env: { ...process.env, TOY_LOG: join(folder, 'begun'), ...env },
      },
    );
    running.add(child);
    const lines: Record<string, unknown>[] = [];
    createInterface({ input: child.stdout! }).on('line', (line) => {
      lines.push(JSON.parse(line));
    });
    child.stderr!.on('data', (text) => lines.push({ stderr: String(text) }));
    const ended = new Promise<Ended | undefined>((resolve) => {
      child.once('close', () => {
        running.delete(child);
        resolve(lines.find((line) => 'digests' in line) as unknown as Ended | undefined);
      });
    });
    return {
      child,
      lines,
      ended,
      async until(holds, seconds = 60) {
        const end = Date.now() + seconds * 1000;
        while (!lines.some(holds)) {
          if (Date.now() > end || child.exitCode !== null)
            throw new Error(`${name} never said it, but ${JSON.stringify(lines)}`);
          await sleep(20);
        }
      },
    };
  };
  return {
    coordinator: (name: string, told?: Partial<Told>) => start('coordinator', name, told),
    async worker(name: string, told?: Partial<Told>, env?: Readonly<Record<string, string>>) {
      const machine = await start('worker', name, told, env);
      await machine.until((line) => 'serving' in line);
      return machine;
    },
  };
}
