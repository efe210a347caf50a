import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));

it("prints what the README's first example says, on the built package", async () => {
  const readme = await readFile(`${root}README.md`, 'utf8');
  const code = /```js\n([\s\S]*?)```/.exec(readme)![1]!;
  const said = [...code.matchAll(/^console\.log.*\n\/\/ (.*)$/gm)].map(([, line]) => line);
  expect(said.length).toBeGreaterThan(0);
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', code], {
    cwd: root,
  });
  expect(stdout.trim().split('\n')).toEqual(said);
});
