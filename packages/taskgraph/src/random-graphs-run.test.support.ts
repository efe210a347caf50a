import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Json } from './json.js';
import type { Range } from './kind.js';

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

type Texts = Readonly<Record<string, readonly string[] | undefined>>;

/** What a task gives, by the names of its outputs; a line for each item. */
export function compute(kindName: string, given: Json, inputs: Texts): Record<string, string> {
  const { n, first, items, of, take } = given as unknown as {
    n: number;
    first: number;
    items: Range;
    of: Range;
    take: Range;
  };
  const linesOf = (name: string) => (inputs[name]?.length ? inputs[name].join('\n').split('\n') : []);
  if (kindName === 'sharded.slice') {
    const some = (name: string) => {
      const lines = linesOf(name);
      expectItems(lines, of);
      return lines.slice(take[0] - of[0], take[1] - of[0] + 1).join('\n');
    };
    return { a: some('a'), b: some('b') };
  }
  const base = mixed(`${n};${inputs.data ?? ''};${linesOf('parts').join('\n')}`);
  if (kindName === 'single') {
    const value = mixed(`${base};${linesOf('few').slice(0, first).join('\n')}`);
    return { a: `a${value}`, b: `b${value}`, ...(n % 3 === 0 && { c: `c${value}` }) };
  }
  const rows = linesOf('rows');
  if (rows.length > 0) expectItems(rows, items);
  const a: string[] = [];
  const b: string[] = [];
  for (let item = items[0]; item <= items[1]; item++) {
    const value = mixed(`${base};${item};${rows[item - items[0]] ?? ''}`);
    a.push(`${item} a${value}`);
    b.push(`${item} b${value}`);
  }
  return { a: a.join('\n'), b: b.join('\n') };
}

function expectItems(lines: readonly string[], [first, last]: Range): void {
  const found = lines.map((line) => Number.parseInt(line, 10));
  if (lines.length !== last - first + 1 || found.some((item, i) => item !== first + i))
    throw new Error(`items ${first}-${last} were asked for, and ${found} came`);
}

/** 53 bits of a text (cyrb53). */
function mixed(text: string): string {
  let [high, low] = [0xdeadbeef, 0x41c6ce57];
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    high = Math.imul(high ^ code, 2654435761);
    low = Math.imul(low ^ code, 1597334677);
  }
  high = Math.imul(high ^ (high >>> 16), 2246822507) ^ Math.imul(low ^ (low >>> 13), 3266489909);
  low = Math.imul(low ^ (low >>> 16), 2246822507) ^ Math.imul(high ^ (high >>> 13), 3266489909);
  return (4294967296 * (2097151 & low) + (high >>> 0)).toString(36);
}
