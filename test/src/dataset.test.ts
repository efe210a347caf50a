import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { readImages } from '@fewstep/metrics/images';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { fewstep, start } from './command-line.js';

const images = 20_000;

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'fewstep-dataset-'));
  const head = (...values: number[]) =>
    Buffer.from(values.flatMap((value) => [0, 0, value >> 8, value & 255]));
  const digits = Buffer.concat([head(0x803, images, 28, 28), Buffer.alloc(images * 784, 5)]);
  await writeFile(join(dir, 'train-images-idx3-ubyte.gz'), gzipSync(digits));
  const labels = Buffer.concat([head(0x801, images), Buffer.alloc(images, 9)]);
  await writeFile(join(dir, 'train-labels-idx1-ubyte.gz'), gzipSync(labels));
});
afterAll(() => rm(dir, { recursive: true }));

it('makes a set, and leaves nothing of one that it is told to end', async () => {
  const [source, whole, part] = ['train-images-idx3-ubyte.gz', 'mnist.zip', 'half.zip'];
  const made = fewstep(['dataset', source, whole, '--max-images', '2', '--json'], { cwd: dir });
  const { child, finished } = start(['dataset', source, part], { cwd: dir });
  while (!(await readdir(dir)).some((name) => name.startsWith(part) && name.endsWith('.part')))
    await sleep(10);
  child.kill('SIGINT');

  const summary = { images: 2, channels: 1, height: 32, width: 32, labelled: true, leftOut: 0 };
  expect(JSON.parse((await made).stdout)).toEqual({ file: whole, ...summary });
  for await (const { data, labels } of readImages(join(dir, whole))) {
    expect(labels).toEqual([9, 9]);
    expect([data[0], data[2 * 32 + 2]]).toEqual([0, 5]);
  }
  const { code, stderr } = await finished;
  expect([code, stderr]).toEqual([
    130,
    expect.stringMatching(/^E_INTERRUPTED .* nothing of the set is kept\n$/),
  ]);
  expect(existsSync(join(dir, part))).toBe(false);
  expect((await readdir(dir)).sort()).toEqual([whole, source, 'train-labels-idx1-ubyte.gz']);
});
