import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodePng, readImages } from '@fewstep/metrics/images';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readBatch } from './cifar-batch.js';
import { dataset } from './dataset.js';

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'fewstep-dataset-'));
  const image = (value: number, height: number) =>
    encodePng({ data: new Uint8Array(4 * height).fill(value), channels: 1, height, width: 4 });
  await writeFile(join(dir, '0.png'), await image(10, 4));
  await writeFile(join(dir, '1.png'), await image(20, 8));
});
afterAll(() => rm(dir, { recursive: true }));

/** Makes a set of the folder, in it; what the command says. */
async function made(out: string, options: Parameters<typeof dataset>[2] = {}) {
  const lines: string[] = [];
  let object: unknown;
  const answer = {
    line: (text: string) => void lines.push(text),
    data: () => {},
    object: (value: object) => {
      object = value;
    },
  };
  await dataset(dir, join(dir, out), options, answer);
  return { lines, object };
}
const zips = async () => (await readdir(dir)).filter((name) => !name.endsWith('.png'));

describe('fewstep dataset', () => {
  it('makes a set, in its source, too, and tells of it', async () => {
    const { lines, object } = await made('a.zip', {
      transform: 'center-crop',
      resolution: '2x2',
      resize: 'area',
      maxImages: 2,
    });
    const summary = { images: 2, channels: 3, height: 2, width: 2, labelled: false, leftOut: 0 };
    expect(object).toEqual({ file: join(dir, 'a.zip'), ...summary });
    expect(lines).toEqual([`${join(dir, 'a.zip')}: 2 images, 2×2 RGB, without labels`]);
    for await (const { data } of readImages(join(dir, 'a.zip')))
      expect([...data]).toEqual([...Array(12).fill(10), ...Array(12).fill(20)]);

    // the strip of 1 row of the first is as high as is asked; of none is too small
    const wide = await made('b.zip', { transform: 'center-crop-wide', resolution: '4,4', maxImages: 1 });
    expect(wide.object).toMatchObject({ images: 1, width: 4, height: 4 });
    for (const name of ['a.zip', 'b.zip']) await rm(join(dir, name));
  });

  it('leaves nothing where it can’t, and what is there as it is', async () => {
    await expect(made('c.zip')).rejects.toMatchObject({
      code: 'E_IMAGES',
      message: expect.stringMatching(/1\.png: would be 4×8 grey, and the first image is 4×4 grey/),
    });
    expect(await zips()).toEqual([]);
    await writeFile(join(dir, 'd.zip'), 'mine');
    await expect(made('d.zip')).rejects.toMatchObject({
      code: 'E_RESULTS',
      message: expect.stringMatching(/d\.zip is there already: remove it/),
    });
    expect(await readFile(join(dir, 'd.zip'), 'utf8')).toBe('mine');
    await expect(made('d')).rejects.toMatchObject({ code: 'E_RESULTS' });
    await expect(made('d.zip/e.zip')).rejects.toMatchObject({ code: 'E_RESULTS', exitCode: 1 });
    expect(await zips()).toEqual(['d.zip']);
  });

  it.each([
    [{ resolution: '256' }, /--resolution 256: WxH/],
    [{ resolution: '0x4' }, /--resolution 0x4/],
    [{ resolution: '4097x4' }, /--resolution 4097x4: WxH in pixels up to 4096/],
    [{ transform: 'center-crop' }, /--transform center-crop needs .*add --resolution WxH/],
    [{ resize: 'area' }, /--resize area needs/],
    [{ transform: 'center-crop-wide', resolution: '4x8' }, /at least as wide as high/],
  ] as const)('refuses options that say nothing: %j', async (options, why) => {
    await expect(made('e.zip', options)).rejects.toMatchObject({
      code: 'E_USAGE',
      message: expect.stringMatching(why),
    });
  });
});

describe('a batch of CIFAR-10 for Python', () => {
  /** As Python 2 wrote it, protocol 2, of two images whose bytes are all the same. */
  const pickle = (labels: string, dtype = 'u1') =>
    Buffer.from(
      `\x80\x02}(U\x06labels${labels}U\x04datacnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\0\x85U\x01b\x87R` +
        `(K\x01K\x02M\0\x0c\x86cnumpy\ndtype\nU\x02${dtype}K\0K\x01\x87R(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\0tb\x89` +
        `T\0\x18\0\0${'\x07'.repeat(3072)}${'\xfe'.repeat(3072)}tbu.`,
      'latin1',
    );

  it('is its array and its labels', () => {
    const { data, labels } = readBatch(pickle('](K\x03K\x08e'), 'x');
    expect([...(labels as number[])]).toEqual([3, 8]);
    expect([data.length, data[0], data[3071], data[3072], data[6143]]).toEqual([6144, 7, 7, 254, 254]);
  });

  it.each([
    ['other labels', pickle('U\x01a'), 'E_FILE'],
    ['other numbers', pickle('](K\x03e', 'i1'), 'E_FILE'],
    ['a list', Buffer.from('].'), 'E_FILE'],
    ['a call', Buffer.from('cos\nsystem\n(U\x02ls\x85R.', 'latin1'), 'E_PICKLE'],
  ])('is refused with its name: %s', (_, bytes, code) => {
    expect(() => readBatch(bytes, 'x.tar: data_batch_1')).toThrow(
      expect.objectContaining({ code, message: expect.stringMatching(/^x\.tar: data_batch_1: /) }),
    );
  });
});
