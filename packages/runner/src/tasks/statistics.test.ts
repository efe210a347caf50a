import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { bothStatistics, publishedStatistics } from './published-statistics.js';
import { run } from './statistics.js';

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'fewstep-statistics-'));
});
afterAll(() => rm(dir, { recursive: true }));

/** Parts of a pickle of protocol 3, as latin-1. */
const text = (s: string) => `X${String.fromCharCode(s.length)}\0\0\0${s}`;
const dict = (items: Record<string, string>) =>
  `}(${Object.entries(items)
    .map(([key, value]) => text(key) + value)
    .join('')}u`;
/** An array as numpy pickles it. */
const array = (shape: number[], values: number[], type = 'f8') => {
  const data = Buffer.from((type === 'f8' ? Float64Array : Int32Array).from(values).buffer).toString(
    'latin1',
  );
  const sizes = `(${shape.map((size) => `K${String.fromCharCode(size)}`).join('')}t`;
  return (
    'cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\nK\0\x85C\x01btR' +
    `(K\x01${sizes}cnumpy\ndtype\n(${text(type)}K\0K\x01tR(K\x03${text('<')}NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\0tb` +
    `\x89C${String.fromCharCode(data.length)}${data}tb`
  );
};
const gaussian = (mean: number) => dict({ mu: array([2], [mean, 2]), sigma: array([2, 2], [4, 1, 1, 9]) });

/** The .npz that is made of a pickle. */
async function converted(pickle: string): Promise<string> {
  const out = await mkdtemp(join(dir, 'task-'));
  const file = join(out, 'ref.pkl');
  await writeFile(file, Buffer.from(`\x80\x03${pickle}.`, 'latin1'));
  const given = { params: {}, hints: {}, device: null, progress: () => {}, digests: {} };
  const { files } = await run({ ...given, inputs: { file }, dir: out });
  return join(out, files.statistics);
}
/** Of those the ones of two features. */
const ofTwo = async (pickle: string) => publishedStatistics(await converted(pickle), 2);

it('takes of several statistics those of as many features, of these those for FID, else the only ones', async () => {
  const sigma = Float64Array.of(4, 1, 1, 9);
  const one = dict({ mu: array([1], [6]), sigma: array([1, 1], [7]) });
  const both = await converted(dict({ num_images: 'K\x07', fd_dinov2: one, fid: gaussian(1) }));
  const two = { mu: Float64Array.of(1, 2), sigma };
  const dino = { mu: Float64Array.of(6), sigma: Float64Array.of(7) };
  expect(await publishedStatistics(both, 2)).toEqual(two);
  expect(await publishedStatistics(both, 1)).toEqual(dino);
  await expect(publishedStatistics(both, 3)).rejects.toMatchObject({
    code: 'E_STATISTICS',
    message: expect.stringMatching(/are of 1 and 2 features, and what they are compared with has 3: /),
  });
  const alone = await converted(dict({ fd_dinov2: one }));
  expect(await bothStatistics(both, alone)).toEqual([dino, dino]);
  await expect(bothStatistics(alone, await converted(gaussian(1)))).rejects.toMatchObject({
    code: 'E_STATISTICS',
    evidence: { expected: 1, found: [2] },
  });
  expect(await ofTwo(dict({ other: gaussian(5), fid: gaussian(1) }))).toEqual(two);
  expect(await ofTwo(dict({ fd_dinov2: gaussian(5) }))).toEqual({ mu: Float64Array.of(5, 2), sigma });
  expect(await ofTwo(gaussian(3))).toEqual({ mu: Float64Array.of(3, 2), sigma });
  await expect(ofTwo(dict({ a: gaussian(1), b: gaussian(2) }))).rejects.toMatchObject({
    code: 'E_STATISTICS',
    message: expect.stringMatching(/hold several of 2 features, a, b, and which /),
  });
});

it('takes plain lists of numbers, whole ones among them', async () => {
  const list = (...items: string[]) => `](${items.join('')}e`;
  const [one, two, half] = ['K\x01', 'K\x02', 'G\x3f\xe0\0\0\0\0\0\0'];
  const lists = { mu: list(one, half), sigma: list(list(two, half), list(half, one)) };
  const expected = { mu: Float64Array.of(1, 0.5), sigma: Float64Array.of(2, 0.5, 0.5, 1) };
  expect(await ofTwo(dict({ fid: dict(lists) }))).toEqual(expected);
  expect(await ofTwo(dict(lists))).toEqual(expected);
  // a mean as an array beside them
  expect(await ofTwo(dict({ fid: dict({ ...lists, mu: array([2], [1, 0.5]) }) }))).toEqual(expected);
  const ragged = dict({ ...lists, sigma: list(list(two, half), list(half)) });
  await expect(converted(ragged)).rejects.toThrow(/holds no statistics/);
  await expect(converted(dict({ ...lists, mu: list(one) }))).rejects.toThrow(/they are \[1\] and \[2,2\]/);
});

it.each([
  [
    'of none',
    dict({ fid: dict({ mean: array([2], [1, 2]) }) }),
    /holds no statistics.* its arrays are fid\.mean/,
  ],
  ['of empty lists', dict({ fid: dict({ mu: ']', sigma: ']' }) }), /holds no statistics.* are none/],
  [
    'that do not fit',
    dict({ mu: array([2], [1, 2]), sigma: array([4], [4, 1, 1, 9]) }),
    /they are \[2\] and \[4\]/,
  ],
  [
    'of whole numbers',
    dict({ mu: array([1], [1], 'i4'), sigma: array([1, 1], [1], 'i4') }),
    /mu is of type I32/,
  ],
])('refuses a pickle %s', async (_, pickle, message) => {
  await expect(converted(pickle)).rejects.toMatchObject({
    code: 'E_STATISTICS',
    message: expect.stringMatching(message),
  });
});
