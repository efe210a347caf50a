import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openStore } from '@fewstep/taskgraph';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { filesOf } from './files-of.js';

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'fewstep-files-of-'));
});
afterAll(() => rm(dir, { recursive: true }));

it('a folder of images is what its images are, behind links as well, and nothing beside them', async () => {
  const set = join(dir, 'set');
  const more = join(dir, 'more');
  for (const folder of [set, more, join(set, '.fewstep/tmp'), join(set, 'results/exp')])
    await mkdir(folder, { recursive: true });
  await writeFile(join(set, 'a.png'), 'a');
  await writeFile(join(more, 'b.png'), 'b');
  const store = await openStore(join(dir, 'store'), { filesOf });
  const seen: string[] = [];
  const isNew = async () => {
    const { digest } = await store.look(set, 'images');
    return !seen.includes(digest) && seen.push(digest) > 0;
  };
  expect(await isNew()).toBe(true);
  for (const name of ['.DS_Store', 'README.md', 'dataset.json', '.fewstep/tmp/picture.png'])
    await writeFile(join(set, name), 'x');
  for (const name of ['.fewstep-results', 'grid.png']) await writeFile(join(set, 'results/exp', name), 'x');
  expect(await isNew()).toBe(false);
  await symlink(more, join(set, 'linked'));
  expect(await isNew()).toBe(true);
  await writeFile(join(more, 'b.png'), 'c');
  expect(await isNew()).toBe(true);
  await writeFile(join(more, 'c.bmp'), 'c');
  expect(await isNew()).toBe(true);
  await symlink('nowhere', join(more, 'd'));
  await expect(isNew()).rejects.toMatchObject({ code: 'E_IMAGES', evidence: { entry: 'linked/d' } });
});
