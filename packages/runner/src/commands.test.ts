import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { commands } from './commands.js';

const sourceOf = (name: string) => readFileSync(new URL(name, import.meta.url), 'utf8');

it('are all that the command line has', () => {
  /** Modules that are imported, each with a function of it. */
  const imported = (text: string, folder: string) =>
    [...text.matchAll(/await import\('(\.[^']*)\.js'\)\)\.(\w+)/g)].map(
      ([, module, name]) => `${module!.replace(folder, '')} ${name}`,
    );
  const here = imported(sourceOf('commands.ts'), './cli/');
  const there = imported(sourceOf('cli/main.ts'), './');
  expect(here.length).toBe(Object.keys(commands).length);
  const missing = there.filter((one) => !here.includes(one));
  expect(missing).toEqual(['run/worker worker']); // a process of its own
  const more = here.filter((one) => !there.includes(one));
  expect(more).toEqual(['models/list modelsList']); // of which the command line has more to say
});

it('give what --json prints, and throw what the command ends with', async () => {
  const { text = '' } = await commands.schema(undefined, {});
  expect(JSON.parse(text)).toMatchObject({ type: 'object' });
  await expect(commands.validate(['nowhere.yaml'], {})).rejects.toMatchObject({
    code: 'E_SPEC',
    answer: { experiments: [{ file: 'nowhere.yaml', points: [] }] },
  });
});
