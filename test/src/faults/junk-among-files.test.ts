import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fewstep } from '../command-line.js';
import { picturesAt } from './small-data.js';
import { digits, plain, recordsOf, removeAll, run } from './small-store.js';

let dir: string;
const dataset = `${digits.checkpoint}, reference_data: images, feature_network: ${digits.features}`;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'fewstep-'));
  await picturesAt(join(dir, 'images/a'), 2, 1);
  await picturesAt(join(dir, 'images/b'), 2, 2);
  await writeFile(join(dir, 'spec.yaml'), plain({ checkpoint: dataset, more: 'evaluate: [fid]\n' }));
  await run(dir);
});
afterAll(() => removeAll([dir]));

const junk = [
  '.DS_Store',
  'a/.DS_Store',
  'a/._0.png',
  'README.md',
  'b/Thumbs.db',
  'a/@eaDir/0.png/SYNOINDEX_MEDIA_INFO',
  'a/@eaDir/0.png/SYNOPHOTO_THUMB_M.jpg',
  '__MACOSX/a/._0.png',
];
const put = async (folder: string, names: readonly string[]) => {
  for (const name of names) {
    const path = join(dir, folder, name);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, 'of no concern');
  }
};

describe('what is no image among images', () => {
  const kept = async () => (await recordsOf(join(dir, '.fewstep'))).map(({ record }) => record.key);
  const calc = () =>
    fewstep(['fid', 'calc', 'images', '--ref', 'images', '--features', digits.features], { cwd: dir });

  it('has no part in a key', async () => {
    await calc();
    const before = await kept();
    await put('images', junk);
    expect((await run(dir)).tasks.computed).toBe(0);
    expect((await calc()).code).toBe(0);
    expect(await kept()).toEqual(before);
  });

  it('is not taken for an image that was added, removed or changed', async () => {
    const path = join(dir, 'images/a/0.png');
    const image = await readFile(path);
    const scores = new Set([(await run(dir)).points[0]!.metrics.fid]);
    await writeFile(join(dir, 'images/b/9.png'), image);
    scores.add((await run(dir)).points[0]!.metrics.fid);
    await rm(join(dir, 'images/b/9.png'));
    await rm(path);
    scores.add((await run(dir)).points[0]!.metrics.fid);
    expect(scores.size).toBe(3);
  });
});
