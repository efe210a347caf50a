import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { root } from './command-line.js';
import { codeOf } from './numerics/code.js';
import { file, moved, type Numerics } from './numerics/numerics.js';

it('no kind of task is computed by other code than was recorded', () => {
  const main = join(root, 'test/dist/numerics/main.js');
  const { stdout } = spawnSync(process.execPath, [main, '--check'], { encoding: 'utf8' });
  expect(stdout).toBe('');
});

it('an engine counts, although no import leads to it', () => {
  const { modules }: Numerics = JSON.parse(readFileSync(file, 'utf8'));
  expect(Object.keys(modules)).toContain('engine-tfjs/program.js');
});

describe('the code of a task', () => {
  let dir: string;
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'fewstep-numerics-'));
  });
  afterAll(() => rm(dir, { recursive: true, force: true }));
  let count = 0;
  /** The digests of what `task.js` needs, by name, of modules given by theirs. */
  const code = async (modules: Record<string, string>) => {
    const names = count++;
    for (const [name, text] of Object.entries(modules)) await writeFile(join(dir, `${names}-${name}`), text);
    const found = codeOf(join(dir, `${names}-task.js`), dir);
    return Object.fromEntries([...found].map(([name, digest]) => [name.replace(`${names}-`, ''), digest]));
  };
  const at = (text: string) => text.replaceAll('./', () => `./${count}-`);

  it('is what it imports, of a list of names those that it uses alone, and threads', async () => {
    const found = await code({
      'task.js': at(`import { a } from './index.js'; import { q } from 'node:os'; await import('./late.js');
        new Worker(new URL('./thread.js', import.meta.url));`),
      'index.js': at(`export { a } from './a.js'; export { b } from './b.js';`),
      'a.js': at(`import * as c from './c.js'; export const a = c;`),
      'b.js': 'export const b = 2;',
      'c.js': 'export const c = 3;',
      'late.js': 'export const late = 4;',
      'thread.js': 'postMessage(5);',
    });
    expect(Object.keys(found)).toEqual(['a.js', 'c.js', 'late.js', 'task.js', 'thread.js']);
  });

  it('is another where a character of it is, and the same where a comment is', async () => {
    const plain = await code({ 'task.js': 'export const run = (x) => 2 * x;\n' });
    const said = await code({ 'task.js': '/** Twice. */\nexport const run = (x) => 2 * x; // as is\n\n' });
    const other = await code({ 'task.js': 'export const run = (x) => 3 * x;\n' });
    const text = await code({ 'task.js': 'export const run = (x) => "// as is";\n' });
    const words = await code({ 'task.js': 'export const run = (x) => "// as was";\n' });
    expect(said).toEqual(plain);
    expect(other).not.toEqual(plain);
    expect(words).not.toEqual(text);
    const near = await code({ 'task.js': at(`import { a } from './a.js';`), 'a.js': 'export const a = 1;' });
    const far = await code({ 'task.js': at(`import { a } from './b.js';`), 'b.js': 'export const a = 1;' });
    expect(Object.values(far)).toEqual(Object.values(near));
  });
});

describe('what moved', () => {
  const numerics = (revision: number, version: string, code: string): Numerics => ({
    kinds: { samples: { revision, versions: { solvers: version }, code } },
    modules: { 'solvers/heun.js': code },
  });
  it.each([
    [numerics(1, '0.1.0', 'a'), []],
    [
      numerics(1, '0.1.0', 'b'),
      [
        'samples: the code that computes it is another, and neither its revision (1) nor a version (solvers) is',
      ],
    ],
    [numerics(2, '0.1.0', 'b'), ['samples: has another revision or version, and so new keys']],
    [numerics(1, '0.2.0', 'a'), ['samples: has another revision or version, and so new keys']],
    [{ kinds: {}, modules: {} }, ['samples: is gone']],
  ])('is told, kind by kind', (now, lines) => {
    expect(moved(numerics(1, '0.1.0', 'a'), now)).toEqual(lines);
  });
});
