import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readReport } from './read-report.js';

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'fewstep-report-'));
});
afterAll(() => rm(dir, { recursive: true }));

const point = { label: 'a', settings: {}, metrics: { fid: 1 }, artifacts: { samples: [] } };
const report = { name: 'x', points: [point], tasks: {}, failures: [] };
async function read(content: string) {
  await writeFile(join(dir, 'report.json'), content);
  return readReport(dir);
}

it('reads what a run writes, an infinite figure too', async () => {
  const infinite = { ...point, metrics: { psnr_to_teacher: null } };
  const { points } = await read(JSON.stringify({ ...report, points: [point, infinite], more: 1 }));
  expect(points.map(({ metrics }) => metrics)).toEqual([{ fid: 1 }, { psnr_to_teacher: Infinity }]);
});

it.each([
  ['no JSON', '{', /can't be read/],
  ['another JSON', '[1]', /is no report of a run/],
  ['a point that is none', { ...report, points: [7] }, /points\.0: found 7/],
  ['a label that is no text', { ...report, points: [{ ...point, label: 5 }] }, /points\.0\.label/],
  ['a figure that is none', { ...report, points: [{ ...point, metrics: { fid: '<b>' } }] }, /metrics\.fid/],
  [
    'shards that are no paths',
    { ...report, points: [{ ...point, artifacts: { samples: [{}] } }] },
    /points\.0\.artifacts\.samples\.0/,
  ],
])('refuses %s', async (_, content, message) => {
  const text = typeof content === 'string' ? content : JSON.stringify(content);
  await expect(read(text)).rejects.toMatchObject({
    code: 'E_RESULTS',
    message: expect.stringMatching(message),
  });
});
