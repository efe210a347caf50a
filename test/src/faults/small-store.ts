import { readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import { type PlanJson, planJson, runJson } from '../command-json.js';
import { type Finished, fewstep, root, type start } from '../command-line.js';
import { tiny } from '../small-experiment.js';

export const digits = {
  checkpoint: join(root, 'experiments/digits/digits-edm.pkl'),
  features: join(root, 'experiments/digits/digits-features.onnx'),
};

/** An experiment of four images and one network evaluation each. */
export const plain = ({ checkpoint = tiny, name = 'small', more = '' } = {}) => `name: ${name}
dataset: { checkpoint: ${checkpoint} }
schedule: { type: polynomial, rho: 7 }
student: { solver: euler, num_steps: 2 }
train: false
sample: { seeds: 0-3, batch: 4, grid: 2x2 }
${more}`;

type Options = Parameters<typeof start>[1];

export async function run(dir: string, args: readonly string[] = ['spec.yaml'], options: Options = {}) {
  const { code, stdout, stderr } = await fewstep(['run', ...args, '--json'], { cwd: dir, ...options });
  expect(code, stderr).toBe(0);
  return { ...runJson(stdout), stderr };
}

export async function plan(dir: string, args: readonly string[] = ['spec.yaml']): Promise<PlanJson> {
  const { code, stdout, stderr } = await fewstep(['plan', ...args, '--json'], { cwd: dir });
  expect(code, stderr).toBe(0);
  return planJson(stdout);
}

/** However a process ends, but killed when it takes longer. */
export async function within(
  seconds: number,
  { child, finished }: ReturnType<typeof start>,
): Promise<Finished & { readonly inTime: boolean }> {
  let inTime = true;
  const timer = setTimeout(() => {
    inTime = false;
    child.kill('SIGKILL');
  }, seconds * 1000);
  const outcome = await finished;
  clearTimeout(timer);
  return { ...outcome, inTime };
}

export interface KeptRecord {
  readonly path: string;
  readonly record: {
    key: string;
    readonly components: { readonly kind: string };
    outputs: Record<string, { digest: string; size: number }> | null;
    readonly provenance: { readonly host: string; readonly device: unknown };
  };
}

/** The records of a store, by their keys. */
export async function recordsOf(store: string): Promise<KeptRecord[]> {
  const names = await readdir(join(store, 'records'), { recursive: true });
  const paths = names.filter((name) => /[0-9a-f]{64}\.json$/.test(name)).sort();
  return Promise.all(
    paths.map(async (name) => {
      const path = join(store, 'records', name);
      return { path, record: JSON.parse(await readFile(path, 'utf8')) };
    }),
  );
}

/** Where the store keeps an output of a task. */
export const blobPath = (store: string, digest: string) => join(store, 'blobs', digest.slice(0, 2), digest);

/** Changes content in place, its size and its time kept, as `cp -p` over it does. */
export async function overwrite(path: string, content: Uint8Array | string): Promise<void> {
  const { atime, mtime, size } = await stat(path);
  expect(content.length).toBe(size);
  await writeFile(path, content);
  await utimes(path, atime, mtime);
}

/** Sets a file's time long ago, so that nobody takes it for one that is being written. */
export const age = (path: string) => utimes(path, 1.7e9, 1.7e9);

/** Removes folders when the tests are through with them. */
export const removeAll = (folders: readonly string[]) =>
  Promise.all(folders.map((dir) => rm(dir, { recursive: true, force: true })));
