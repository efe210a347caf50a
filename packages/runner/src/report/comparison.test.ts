import { expect, it } from 'vitest';
import { compared, letterOf } from './comparison.js';
import type { PointReport } from './report.js';

/** A point of scores on seeds 0 to 2, by themselves. */
const point = (metrics: PointReport['metrics'], changes: object = {}): PointReport => ({
  label: 'x',
  settings: {},
  metrics,
  images: 3,
  protocol: {
    seeds: '0-2',
    rng: 'torch-cpu',
    images: 3,
    dtype: { solver: 'float64' },
    devices: { samples: [{ device: { type: 'cpu' }, tasks: 1 }] },
    versions: { metrics: '0.1.0' },
    scores: { rmse_to_teacher: { reference: { numSteps: 18 } }, fid: { params: 1 } },
    afs: false,
  },
  artifacts: { samples: [] },
  ...changes,
});
const side = (...points: PointReport[]) =>
  points.map((one, i) => ({ letter: letterOf(i), experiment: 'e', point: one }));

it('says what of protocols and settings differs, and who has which', async () => {
  const first = point({}, { settings: { 'student.solver': 'heun', 'student.num_steps': 4 } });
  const second = point({}, { settings: { 'student.solver': 'euler', 'student.num_steps': 4 } });
  const { protocol } = first;
  const third = point(
    {},
    {
      settings: { 'student.num_steps': 4 },
      realImages: 7,
      // what is the sampler's own is a setting
      protocol: { ...protocol, seeds: '0-9', afs: true, scores: { ...protocol!.scores, fid: { params: 2 } } },
    },
  );
  const found = await compared(side(first, second, third));
  expect(found.settings).toEqual([
    {
      key: 'student.solver',
      values: [
        { value: 'heun', of: ['A'] },
        { value: 'euler', of: ['B'] },
        { value: null, of: ['C'] },
      ],
    },
  ]);
  expect(found.protocol.map(({ key, values }) => [key, ...values.map(({ of }) => of.join())])).toEqual([
    ['seeds', 'A,B', 'C'],
    ['scores.fid.params', 'A,B', 'C'],
    ['real images', 'A,B', 'C'],
  ]);
});

it('takes differences image by image where both are of the same seeds', async () => {
  const [a, b] = [
    point({ rmse_to_teacher: 2, rmse_to_teacher_se: 0.3 }),
    point({ rmse_to_teacher: 5, rmse_to_teacher_se: 0.4 }),
  ];
  const adds = [Float64Array.of(1, 2, 3), Float64Array.of(4, 4, 7)];
  const influences = async ({ letter }: { readonly letter: string }) => ({
    rmse_to_teacher: adds[letter === 'A' ? 0 : 1]!,
  });
  const { differences } = await compared(side(a, b), influences);
  // 3, 2 and 4 have a variance of 1
  expect(differences).toEqual([
    {
      metric: 'rmse_to_teacher',
      of: 'B',
      to: 'A',
      difference: 3,
      half: expect.closeTo(1.959964 / Math.sqrt(3), 9),
      paired: 'images',
    },
  ]);
  // without the images, or of others, as figures that know nothing of each other
  const alone = { paired: 'none', half: expect.closeTo(1.959964 * 0.5, 9) };
  expect((await compared(side(a, b))).differences).toMatchObject([alone]);
  const others = point(b.metrics, { protocol: { ...b.protocol, seeds: '3-5' } });
  expect((await compared(side(a, others), influences)).differences).toMatchObject([alone]);
});

it('takes differences set by set where scores are repeated on the same seeds', async () => {
  const repeated = (values: readonly number[], first = 0) =>
    point(
      { fid: values.reduce((sum, value) => sum + value, 0) / 3, fid_se: 1 },
      { repeats: values.map((fid, i) => ({ seeds: `${first + i}`, metrics: { fid } })) },
    );
  const { differences } = await compared(side(repeated([1, 2, 3]), repeated([2, 3.5, 3.5])));
  // 1, 1.5 and 0.5, over √3, by Student's t of two degrees
  expect(differences).toMatchObject([
    { difference: 1, paired: 'repeats', half: expect.closeTo((4.302653 * 0.5) / Math.sqrt(3), 5) },
  ]);
  const [other] = (await compared(side(repeated([1, 2, 3]), repeated([2, 3, 4], 7)))).differences;
  expect(other).toMatchObject({ paired: 'none' });
});

it('compares nothing that is scored by another protocol', async () => {
  const other = point({ fid: 3, fid_se: 0.1 }, { realImages: 7 });
  const found = await compared(side(point({ fid: 2, fid_se: 0.1 }), other));
  expect(found.differences).toEqual([]);
  expect(found.incomparable).toEqual([{ metric: 'fid', of: 'B' }]);
});

it('has letters for any number of points', () => {
  expect([0, 25, 26, 701, 702].map(letterOf)).toEqual(['A', 'Z', 'AA', 'ZZ', 'AAA']);
});
