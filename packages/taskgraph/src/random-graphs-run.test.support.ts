import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Json } from './json.js';
import { compute } from './random-graphs.test.support.js';

interface Context {
  readonly params: Json;
  readonly inputs: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly dir: string;
}

const runAs =
  (name: (inputs: Context['inputs']) => string) =>
  async ({ params, inputs, dir }: Context) => {
    const texts: Record<string, readonly string[]> = {};
    for (const [input, paths] of Object.entries(inputs))
      texts[input] = await Promise.all([paths ?? []].flat().map((path) => readFile(path, 'utf8')));
    await sleep(Math.random() * 4);
    const files: Record<string, string> = {};
    for (const [output, text] of Object.entries(compute(name(inputs), params, texts))) {
      await writeFile(join(dir, output), text);
      files[output] = output;
    }
    return { files, meta: {} };
  };

/** As the children of a local executor run the random graphs' tasks. */
export const run = runAs((inputs) => ('rows' in inputs ? 'sharded' : 'single'));
export const slice = runAs(() => 'sharded.slice');
