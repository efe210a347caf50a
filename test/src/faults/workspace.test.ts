import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { fewstep } from '../command-line.js';
import { plain } from './small-store.js';

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'fewstep-'));
  await mkdir(join(dir, '.git'));
  await mkdir(join(dir, 'sub/folder'), { recursive: true });
  await writeFile(join(dir, 'spec.yaml'), plain({}));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

it('store and results are those of the project in any of its folders, and the first line says so', async () => {
  const deep = join(dir, 'sub/folder');
  const first = await fewstep(['run', '../../spec.yaml'], { cwd: deep });
  expect(first.code, first.stderr).toBe(0);
  expect(first.stderr.split('\n')[0]).toBe(`store: ${join(dir, '.fewstep')} (new)`);
  const again = await fewstep(['run', 'spec.yaml'], { cwd: dir });
  expect(again.stderr.split('\n')[0]).toBe('store: .fewstep');
  expect(again.stdout).toMatch(/tasks: 0 computed/);
  expect(await readdir(deep)).toEqual([]);
  expect((await readdir(dir)).sort()).toEqual(['.fewstep', '.git', 'results', 'spec.yaml', 'sub']);
});
