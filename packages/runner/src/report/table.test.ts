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
