import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const bin = fileURLToPath(new URL('../../packages/runner/bin/fewstep.js', import.meta.url));

/** The repository's root. */
export const root = fileURLToPath(new URL('../..', import.meta.url));

export interface Finished {
  readonly code: number | null;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
}

interface Surroundings {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** A command that runs the one after it, as `nice` does. */
  readonly through?: readonly string[];
  /** In place of what is heard: a file, by its descriptor. */
  readonly stdout?: number;
}

/** A test that fails may leave a process that it stopped. */
const running = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** Starts the command line; `finished` resolves however it ends. */
export function start(
  args: readonly string[],
  { cwd = root, env = {}, through = [], stdout: target }: Surroundings = {},
): { child: ChildProcess; finished: Promise<Finished> } {
  const [command, ...rest] = [...through, process.execPath, bin, ...args];
  const child = spawn(command!, rest, {
    cwd,
    env: { ...process.env, ...env },
    stdio: ['ignore', target ?? 'pipe', 'pipe'],
  });
  running.add(child);
  let stdout = '';
  let stderr = '';
  child.stdout?.on('data', (chunk) => {
    stdout += chunk;
  });
  child.stderr!.on('data', (chunk) => {
    stderr += chunk;
  });
  const finished = new Promise<Finished>((resolve) => {
    child.on('close', (code, signal) => {
      running.delete(child);
      resolve({ code, signal, stdout, stderr });
    });
  });
  return { child, finished };
}

export function fewstep(...[args, options]: Parameters<typeof start>): Promise<Finished> {
  return start(args, options).finished;
}
