import { spawnSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { root } from './command-line.js';

it('the reference and the schema are what the declarations say', () => {
  const main = join(root, 'test/dist/reference/main.js');
  const { stdout, status } = spawnSync(process.execPath, [main, '--check'], { encoding: 'utf8' });
  expect([stdout, status]).toEqual(['', 0]);
});

it('the schema has each key once, and is small enough to be read with every key stroke', () => {
  const path = join(root, 'packages/runner/experiment.schema.json');
  expect(statSync(path).size).toBeLessThan(65_000);
  const { $defs } = JSON.parse(readFileSync(path, 'utf8'));
  const texts = Object.values($defs).map((one) => JSON.stringify(one));
  expect(new Set(texts).size).toBe(texts.length);
});
