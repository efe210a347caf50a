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
  const all: (Machine & { readonly name: string })[] = [];
  const start = async (
    role: 'coordinator' | 'worker',
    name: string,
    told: Partial<Told> = {},
    env: Readonly<Record<string, string>> = {},
  ): Promise<Machine> => {
    const own = join(folder, name);
    await mkdir(own, { recursive: true });
    await writeFile(join(own, 'data'), 'from outside');
    const whole: Told = { folder: own, remote: join(folder, 'remote'), ...shared, ...told };
    const child = spawn(
      process.execPath,
      [join(root, 'test/dist/many-machines/machine.js'), role, JSON.stringify(whole)],
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
    const machine: Machine = {
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
    all.push({ name, ...machine });
    return machine;
  };
  const linesOf = () => all.flatMap(({ lines }) => lines);
  return {
    coordinator: (name: string, told?: Partial<Told>) => start('coordinator', name, told),
    async worker(name: string, told?: Partial<Told>, env?: Readonly<Record<string, string>>) {
      const machine = await start('worker', name, told, env);
      await machine.until((line) => 'serving' in line);
      return machine;
    },
    /** What the last machine of a name said in the end. */
    lastEnd: async (name: string) => all.findLast((one) => one.name === name)?.ended,
    /** How often any of them said such a thing. */
    said: (what: RegExp): number => linesOf().filter(({ said }) => what.test(String(said))).length,
    /** How often a task failed for such a reason. */
    failed: (code: string): number =>
      (linesOf() as unknown as Partial<Ended>[])
        .flatMap(({ failures = [] }) => failures)
        .filter((one) => one.code === code).length,
  };
}
