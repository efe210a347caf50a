import { expect, it } from 'vitest';
import { table } from './table.js';

it.each([
  ['amed, num_steps 4, 2e-3 (a.b)', 'amed, num_steps 4, 2e-3 (a.b)'],
  ['a|b', 'a\\|b'],
  ['a\\|b', 'a\\\\\\|b'],
  ['`a` *b* _c_ ~~d~~', '\\`a\\` \\*b\\* \\_c\\_ \\~\\~d\\~\\~'],
  ['<img src=x> &lt; [a](b)', '\\<img src=x\\> \\&lt; \\[a\\](b)'],
  ['a\nb\x1b', 'a\\\\nb\\\\u001b'],
])('shows the label %j as it is, on one line', (label, cell) => {
  const points = [{ label, settings: {}, nfe: 5, metrics: { 'a|b': 1 }, artifacts: { samples: [] } }];
  const lines = table({ name: 'x', points, tasks: { computed: 0, local: 0, remote: 0 }, failures: [] }).split(
    '\n',
  );
  expect(lines).toHaveLength(3);
  expect(lines[0]).toMatch(/\| NFE \| +a\\\|b \|$/);
  expect(lines[2]!.split(/ +\| +5 \| +1/)[0]).toBe(`| ${cell}`);
});

it('stands in columns of a terminal, whatever its letters take', () => {
  const point = (label: string, fid: number) => ({
    label,
    settings: {},
    nfe: 5,
    metrics: { fid },
    artifacts: { samples: [] },
  });
  const points = [point('euler', 10.25), point('学習率|x', 3.5), point('e\u0301👩‍🔬', 100)];
  const none = { tasks: { computed: 0, local: 0, remote: 0 }, failures: [] };
  expect(table({ name: 'wide', points, ...none }).split('\n')).toEqual([
    '| sampler   | NFE |     fid |',
    '|-----------|----:|--------:|',
    '| euler     |   5 |  10.250 |',
    '| 学習率\\|x |   5 |   3.500 |',
    '| e\u0301👩‍🔬       |   5 | 100.000 |',
  ]);
});

it('says how many images scores are of, where there are scores', () => {
  const point = { label: 'a', settings: {}, nfe: 5, artifacts: { samples: [] } };
  const points = [
    { ...point, metrics: { fid: 1 }, images: 50_000, realImages: 10_000 },
    { ...point, label: 'b', metrics: { fid: 2 }, images: 64 },
    { ...point, label: 'c', metrics: {} },
  ];
  const none = { tasks: { computed: 0, local: 0, remote: 0 }, failures: [] };
  expect(table({ name: 'counts', points, ...none }).split('\n')).toEqual([
    '| sampler | NFE |   fid | images | real images |',
    '|---------|----:|------:|-------:|------------:|',
    '| a       |   5 | 1.000 |  50000 |       10000 |',
    '| b       |   5 | 2.000 |     64 |           – |',
    '| c       |   5 |     – |      – |           – |',
    '',
    'fid is higher of fewer images: papers have it of 50000.',
  ]);
  const alike = points.slice(0, 1).flatMap((one) => [one, { ...one, label: 'd' }]);
  expect(table({ name: 'counts', points: alike, ...none }).split('\n')).toEqual([
    '| sampler | NFE |   fid |',
    '|---------|----:|------:|',
    '| a       |   5 | 1.000 |',
    '| d       |   5 | 1.000 |',
    '',
    'Of 50000 images, against 10000 real images.',
  ]);
});

it('tells what waits where some evaluations can be asked for at once', () => {
  const point = { settings: {}, metrics: {}, artifacts: { samples: [] } };
  const points = [
    { ...point, label: 'parallel', nfe: 6, depth: 3 },
    { ...point, label: 'ipndm', nfe: 5 },
  ];
  const none = { tasks: { computed: 0, local: 0, remote: 0 }, failures: [] };
  expect(table({ name: 'depth', points, ...none }).split('\n')).toEqual([
    '| sampler  | NFE | depth |',
    '|----------|----:|------:|',
    '| parallel |   6 |     3 |',
    '| ipndm    |   5 |     5 |',
    '',
    'depth counts the evaluations that wait for another: those beside them can be asked for at once.',
  ]);
});

it('sets what is published beside what was scored, and says which scores are of fewer images', () => {
  const point = { settings: {}, nfe: 5, artifacts: { samples: [] } };
  const published = { name: 'AMED-Solver', fid: 7.59, images: 50_000, source: 'a_b' };
  const points = [
    { ...point, label: 'a', metrics: { fid: 7.6 }, images: 50_000, published },
    { ...point, label: 'b', metrics: { fid: 20 }, images: 512, published: { ...published, fid: 13.2 } },
    { ...point, label: 'c', metrics: { fid: 3 }, images: 512 },
  ];
  const none = { tasks: { computed: 0, local: 0, remote: 0 }, failures: [] };
  expect(table({ name: 'published', points, ...none }).split('\n')).toEqual([
    '| sampler | NFE |    fid | published fid | images |',
    '|---------|----:|-------:|--------------:|-------:|',
    '| a       |   5 |  7.600 |          7.59 |  50000 |',
    '| b       |   5 | 20.000 |         13.20 |    512 |',
    '| c       |   5 |  3.000 |             – |    512 |',
    '',
    'Published: a_b, of 50000 images.',
    '',
    'Of fewer images than what is published, so higher: b.',
  ]);
});

const none = { tasks: { computed: 0, local: 0, remote: 0 }, failures: [] };
const scored = (label: string, metrics: Record<string, number>, more: object = {}) => ({
  ...{ label, settings: {}, nfe: 5, images: 512, metrics, artifacts: { samples: [] } },
  ...more,
});

it('shows a figure with its interval, and ranks none that this can’t tell from the best', () => {
  const points = [
    // 1.96 · √(0.05² + 0.05²) = 0.1386
    scored('best', {
      fid: 10,
      fid_se: 0.05,
      kid: 0.002,
      kid_se: 0.00002,
      precision: 0.5,
      precision_se: 0.01,
    }),
    scored('near', {
      fid: 10.13,
      fid_se: 0.05,
      kid: 0.001,
      kid_se: 0.00002,
      precision: 0.6,
      precision_se: 0.01,
    }),
    scored('far', {
      fid: 10.15,
      fid_se: 0.05,
      kid: 0.003,
      kid_se: 0.00002,
      precision: 0.59,
      precision_se: 0.01,
    }),
    scored('alone', { fid: 3 }),
    scored('of others', { fid: 9, fid_se: 6 }, { images: 64 }),
  ];
  const lines = table({ name: 'x', points, ...none }).split('\n');
  expect(lines.slice(0, 7)).toEqual([
    '| sampler   | NFE |               fid |                 kid |       precision | images |',
    '|-----------|----:|------------------:|--------------------:|----------------:|-------:|',
    '| best      |   5 | ≈ 10.000 ±  0.098 | 0.002000 ± 0.000039 |   0.500 ± 0.020 |    512 |',
    '| near      |   5 | ≈ 10.130 ±  0.098 | 0.001000 ± 0.000039 | ≈ 0.600 ± 0.020 |    512 |',
    '| far       |   5 |   10.150 ±  0.098 | 0.003000 ± 0.000039 | ≈ 0.590 ± 0.020 |    512 |',
    '| alone     |   5 |    3.000          |                   – |               – |    512 |',
    '| of others |   5 |    9.000 ± 11.760 |                   – |               – |     64 |',
  ]);
  expect(lines).toContain('± is a 95 % interval: 1.96 standard errors, over other images.');
  expect(lines.filter((line) => line.startsWith('≈'))).toHaveLength(1);
});

it('compares only what is scored alike', () => {
  const by = (sha256: string) => ({
    protocol: { scores: { fid: { features: { file: 'a', sha256 } } } } as never,
  });
  const same = table({
    name: 'x',
    points: [scored('a', { fid: 1, fid_se: 1 }, by('1')), scored('b', { fid: 2, fid_se: 1 }, by('1'))],
    ...none,
  });
  const other = table({
    name: 'x',
    points: [scored('a', { fid: 1, fid_se: 1 }, by('1')), scored('b', { fid: 2, fid_se: 1 }, by('2'))],
    ...none,
  });
  const dearer = table({
    name: 'x',
    points: [
      scored('a', { fid: 1, fid_se: 1 }, by('1')),
      scored('b', { fid: 2, fid_se: 1 }, { ...by('1'), nfe: 6 }),
    ],
    ...none,
  });
  expect([same, other, dearer].map((text) => text.includes('≈'))).toEqual([true, false, false]);
});

it('has so many digits that an interval is not 0', () => {
  const points = [scored('a', { own: 1, own_se: 0.00002 }), scored('b', { own: 2, own_se: 0 })];
  expect(
    table({ name: 'x', points, ...none })
      .split('\n')
      .slice(2, 4),
  ).toEqual(['| a       |   5 | 1.00000 ± 0.00004 |', '| b       |   5 | 2.00000 ± 0.00000 |']);
});

it('says what repeated scores are, and of how many images', () => {
  const repeats = ['0-2', '3-5', '6-8'].map((seeds) => ({ seeds, metrics: {} }));
  const points = [
    scored('a', { fid: 2, fid_se: 0.1, fid_min: 1.8 }, { images: 50_000, realImages: 7, repeats }),
  ];
  expect(table({ name: 'x', points, ...none }).split('\n')).toEqual([
    '| sampler | NFE |           fid | fid_min |',
    '|---------|----:|--------------:|--------:|',
    '| a       |   5 | 2.000 ± 0.430 |   1.800 |', // 4.303, Student’s t of two degrees
    '',
    'Of 3 × 50000 images, against 7 real images.',
    '',
    'N × n images are N sets of n, each scored by itself; a score is their mean, fid_min the least.',
    '',
    '± of a mean is a 95 % interval by the spread of the sets (Student’s t).',
  ]);
});

it('flags what leaks, what several devices computed, and has fid∞ beside fewer images', () => {
  const devices = {
    samples: [{ device: { type: 'cpu' } }],
    features: [{ device: { type: 'cpu' } }, { device: { type: 'cuda', ids: [0, 1] } }],
  };
  const points = [
    scored('a|b', { fid: 2, fid_inf: 1 }, { leaks: [{ of: 'training', images: 5 }] }),
    scored('c', { fid: 2, fid_inf: 1 }, { protocol: { devices, scores: {} } as never }),
  ];
  expect(
    table({ name: 'x', points, ...none })
      .split('\n')
      .slice(4),
  ).toEqual([
    '',
    'Of 512 images.',
    '',
    'fid is higher of fewer images: papers have it of 50000; fid_inf is what it tends to with more.',
    '',
    'Computed on several devices, report.json tells which on what: cpu, cuda:0:1.',
    '',
    'LEAK: scored on seeds that the sampler was trained on, so too good: a\\|b (5 of 512 images).',
  ]);
});

it('flags what leaks into all points once', () => {
  const repeats = [
    { seeds: '0-511', metrics: {} },
    { seeds: '512-1023', metrics: {} },
  ];
  const leaks = [{ of: 'tuned_on' as const, images: 7 }];
  const points = ['a', 'b'].map((label) => scored(label, { kid: 1 }, { leaks, repeats }));
  expect(
    table({ name: 'x', points, ...none })
      .split('\n')
      .at(-1),
  ).toBe(
    'LEAK: scored on seeds that settings were chosen on (tuned_on), so too good: all points (7 of 1024 images).',
  );
});

it('has trainings that differ in their seed alone together', () => {
  const points = [scored('seed 0', { fid: 2 }, { images: 50_000 })];
  const trainings = [
    { label: 'amed', points: ['seed 0', 'seed 1'], seeds: [0, 1], metrics: { fid: 2, fid_se: 0.1 } },
  ];
  expect(
    table({ name: 'x', points, trainings, ...none })
      .split('\n')
      .slice(-3),
  ).toEqual([
    '| over training seeds | trainings |           fid |',
    '|---------------------|----------:|--------------:|',
    '| amed                |         2 | 2.000 ± 1.271 |',
  ]);
});
