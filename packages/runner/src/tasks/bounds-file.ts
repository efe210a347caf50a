import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Block, Bound } from '@fewstep/solvers';

/** Bounds of some samples, each of so many numbers. */
export interface BoundsFile {
  readonly numbers: number;
  readonly bounds: readonly Bound[];
}

/** The result of a task. */
export async function writeBounds(dir: string, { goal, n }: Block, bounds: readonly Bound[]) {
  const file: BoundsFile = { numbers: goal.length / n, bounds };
  await writeFile(join(dir, 'bounds.json'), `${JSON.stringify(file)}\n`);
  const calls = bounds.reduce((sum, one) => sum + one.calls, 0);
  return { files: { bounds: 'bounds.json' }, meta: { calls, images: n } };
}

/** The same of several tasks of one table, their samples in order. */
export async function readBounds(paths: readonly string[]): Promise<BoundsFile> {
  const files = await Promise.all(
    paths.map(async (path) => JSON.parse(await readFile(path, 'utf8')) as BoundsFile),
  );
  const { numbers, bounds } = files[0]!;
  return {
    numbers,
    bounds: bounds.map((bound, b) => ({
      ...bound,
      squares: files.flatMap((file) => file.bounds[b]!.squares),
      calls: files.reduce((sum, file) => sum + file.bounds[b]!.calls, 0),
    })),
  };
}
