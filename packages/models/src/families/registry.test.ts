import { expect, it } from 'vitest';
import { families, familyFiles, familyValues } from './registry.js';

it('are known by names of their own', () => {
  const names = families.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
});

it('mean the same by an option of one name', () => {
  const known: Readonly<Record<string, object>> = { ...familyValues, ...familyFiles };
  for (const { options } of families)
    for (const [name, option] of Object.entries(options)) expect(option).toEqual(known[name]);
});
