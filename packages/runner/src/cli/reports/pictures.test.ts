import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openResults } from './output.js';
import { drawing } from './pictures.js';

let dir: string;
let source: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'fewstep-drawn-'));
  source = join(dir, 'rows.png');
  await sharp({ create: { width: 8, height: 8, channels: 3, background: '#777' } }).toFile(source);
});
afterAll(() => rm(dir, { recursive: true }));

const label = (fid: string) => [{ title: 'euler', figures: [fid] }];

it('draws a picture again where it shows something else, and leaves none of another format', async () => {
  const results = await openResults(join(dir, 'results'));
  const folder = join(dir, 'results');
  const draw = drawing(results, folder);
  const times = async () => (await stat(join(folder, 'comparison.png'))).ino;
  await draw(source, label('fid 1'), 'comparison');
  const first = await times();
  await draw(source, label('fid 1'), 'comparison');
  expect(await times()).toBe(first);
  await draw(source, label('fid 2'), 'comparison');
  expect(await times()).not.toBe(first);
  await drawing(results, folder, 'webp')(source, label('fid 2'), 'comparison');
  expect(await readdir(folder)).toEqual(['comparison.webp']);
});

it('leaves a picture without labels as its task made it, and where it is there already', async () => {
  const folder = join(dir, 'plain');
  const results = await openResults(folder);
  const picture = await readFile(source);
  const kept = join(dir, createHash('sha256').update(picture).digest('hex'));
  await writeFile(kept, picture);
  const place = () => drawing(results, folder)(kept, [], 'euler', 'grid');
  const path = join(folder, 'euler/grid.png');
  expect(await place()).toMatch(/euler\/grid\.png$/);
  expect(await readFile(path)).toEqual(picture);
  const { ino } = await stat(path);
  await place();
  expect((await stat(path)).ino).toBe(ino);
  await writeFile(path, 'another');
  await place();
  expect(await readFile(path)).toEqual(picture);
  await drawing(results, folder, 'webp')(source, [], 'euler', 'grid');
  expect(await readdir(join(folder, 'euler'))).toEqual(['grid.webp']);
});
