import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { folderFrom, modelsFolder, workspaceRoot } from './workspace.js';

let dir: string;
const sub = () => join(dir, 'a/b');
beforeEach(async () => {
  dir = await realpath(await mkdtemp(join(tmpdir(), 'fewstep-workspace-')));
  await mkdir(sub(), { recursive: true });
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(dir, { recursive: true });
});

it('is the working folder where nothing above says otherwise', () => {
  expect(workspaceRoot(sub())).toBe(sub());
});

it.each(['.fewstep', 'fewstep.config.yaml', '.git'])('is found upwards by %s', async (name) => {
  await writeFile(join(dir, name), '');
  expect(workspaceRoot(sub())).toBe(dir);
  expect(workspaceRoot(dir)).toBe(dir);
});

it('is the nearest store’s before that of version control, which may be nearer', async () => {
  await mkdir(join(dir, '.fewstep'));
  await mkdir(join(dir, 'a/.git'));
  expect(workspaceRoot(sub())).toBe(dir);
  await mkdir(join(sub(), '.fewstep'));
  expect(workspaceRoot(sub())).toBe(sub());
});

it('has the models, unless a variable that is not empty says where they are', async () => {
  await mkdir(join(dir, '.fewstep'));
  vi.stubEnv('FEWSTEP_MODELS', '');
  expect(modelsFolder(sub())).toBe(join(dir, 'models'));
  expect(folderFrom('FEWSTEP_MODELS')).toBeUndefined();
  vi.stubEnv('FEWSTEP_MODELS', '/elsewhere');
  expect(modelsFolder(sub())).toBe('/elsewhere');
});
