import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { judge } from './fuzz/judge.js';
import { readers } from './fuzz/readers.js';

const folder = mkdtempSync(join(tmpdir(), 'fewstep-fuzz-'));
afterAll(() => rmSync(folder, { recursive: true }));

it.each(await readers())('$name refuses a spoilt file, or reads what is there', async (reader) => {
  expect(await reader.read(reader.original, folder)).not.toEqual({});
  const verdicts = [];
  for (let number = 0; number < 60; number++) verdicts.push(await judge(reader, number, folder));
  expect(verdicts.filter((verdict) => typeof verdict !== 'string')).toEqual([]);
  expect(verdicts).toContain('refused');
});
