import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { examplesText } from './examples.js';

const source = readFileSync(new URL('main.ts', import.meta.url), 'utf8');
/** Commands by their whole names: below a group, which has a variable of its name, or in one chain with it. */
const names = [
  ...[...source.matchAll(/(\w+)\s*\.command\('([\w-]+)'\)/g)].map(([, above, word]) =>
    above === 'program' ? word! : `${above} ${word}`,
  ),
  'clip-score calc',
  'predictors show',
];

it('are of commands that there are, with options that are declared', () => {
  const typed = names.flatMap((name) =>
    examplesText(name)
      .split('\n')
      .filter((line) => /^ {2}\S/.test(line))
      .map((line) => [name, line.trim()] as const),
  );
  expect(typed.length).toBeGreaterThan(40);
  for (const [name, line] of typed) {
    expect(line).toContain(`fewstep ${name}`);
    for (const [, flag] of line.matchAll(/\s(--?[a-z][a-z-]*)/g))
      expect(source, line).toMatch(new RegExp(`'${flag}\\b|, ${flag}\\b`));
  }
});
