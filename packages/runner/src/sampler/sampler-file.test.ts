import { expect, it } from 'vitest';
import { formatSampler, mostBytes, parseSampler, type SamplerFile } from './sampler-file.js';
import { plain, trained } from './samplers.test.support.js';

const onFeatures: SamplerFile = {
  ...trained,
  train: {
    ...trained.train!,
    loss: 'features',
    features: { network: 'features.onnx', sha256: '0123456789abcdef'.repeat(4), weight: 0.1 },
    uses_metric_features: true,
  },
};

it.each([
  ['of a plain method', plain],
  ['that was trained', trained],
  ['that was trained on features', onFeatures],
  [
    'by bands, with numbers that are hard to write',
    {
      ...plain,
      table: {
        sigmas: [5e-324, 0.1 + 0.2],
        rows: [[-0], [1e21, 1 / 3, -1.7976931348623157e308, 1e-7], [0, -0, 1]],
        bands: { shape: [1, 32, 32], edges: [0.5] },
      },
    },
  ],
] satisfies [string, SamplerFile][])(
  'a sampler %s is read as it was written, to the last bit',
  (_, sampler) => {
    const text = formatSampler(sampler);
    expect(parseSampler(text)).toStrictEqual(sampler);
    expect(formatSampler(parseSampler(text))).toBe(text);
  },
);

it('tells people and programs what it costs, and holds each row of numbers on a line', () => {
  const text = formatSampler(plain);
  const head = '{\n  "format": "fewstep-sampler",\n  "version": 1,\n  "nfe": 2,\n  "depth": 2,\n  "table"';
  expect(text.slice(0, head.length)).toBe(head);
  expect(text).toContain(`\n      [${plain.table.rows[1]!.join(', ')}],\n`);
});

/** The file with what is written at one place replaced. */
const changed = (path: string, value: unknown, sampler = trained): string => {
  const file = JSON.parse(formatSampler(sampler));
  const steps = path.split('.');
  const last = steps.pop()!;
  const owner = steps.reduce((one, step) => one[step], file);
  if (value === undefined) delete owner[last];
  else owner[last] = value;
  return JSON.stringify(file);
};

it.each([
  ['is cut off', formatSampler(plain).slice(0, 500), /no whole JSON .*name the sampler\.json/],
  ['is something else', '[1, 2]', /a sampler is a JSON map that begins with "format": "fewstep-sampler"/],
  ['is a config of diffusers', '{"format": "pt"}', /its format is "pt"/],
  ['is of a later version', changed('version', 2), /of version 2, and this one reads 1.*or a newer one/],
  ['is huge', ' '.repeat(mostBytes + 1), /has 4194305 characters, far more than/],
  ['lacks its model', changed('model', undefined), /^model: missing; write a map with shape, sigma_min/],
  ['lacks rows', changed('table.rows', undefined), /^table\.rows: missing; write a list of rows\.$/],
  [
    'has keys without end',
    changed('student', Object.fromEntries(Array.from({ length: 101 }, (_, i) => [`a${i}`, 1]))),
    /^student has 101 keys, and no map/,
  ],
  ['has a key too many', changed('weights', 1), /^weights: unknown key\. One of format, .*, source\.$/],
  ['counts otherwise', changed('nfe', 3), /^nfe: found 3, but its table has 2\.$/],
  ['says otherwise what waits', changed('depth', 1), /^depth: found 1, but its table has 2\.$/],
  [
    'lacks a row',
    changed('table.rows', [[1]]),
    /^table: a table of E noise levels has E \+ 1 rows; found 2 and 1/,
  ],
  ['has a short row', changed('table.rows.1', [1]), /^table: row 1 of a table has 2 numbers.*found 1/],
  ['has text in a row', changed('table.rows.1', [1, '1']), /^table\.rows\.1: expected a list of numbers\.$/],
  ['has NaN', changed('table.rows.1', [1, null]), /^table\.rows\.1: expected/],
  [
    'has infinity',
    formatSampler(plain).replace(/"sigmas": \[/, '"sigmas": [1e999, '),
    /^table\.sigmas: expected a list of numbers/,
  ],
  [
    'has no noise',
    changed('table.sigmas.1', 0),
    /^table: a noise level of a table is a number above 0; found 0 at 1/,
  ],
  [
    'has a range upside down',
    changed('model.sigma_min', 90),
    /^model\.sigma_min: 90 must be below sigma_max 80\.$/,
  ],
  [
    'has bands of others',
    changed('table.bands', { shape: [3, 8, 8], edges: [0.5] }),
    /^table\.bands\.shape: found 3 × 8 × 8, but its model has 1 × 32 × 32/,
  ],
  ['hides who trained it', changed('train', undefined), /^train: missing; a trained sampler has both/],
  [
    'hides whose features it was fitted to',
    changed('train.loss', 'features'),
    /^train\.features: missing, and its loss is on features\.$/,
  ],
  [
    'was fitted to none of its features',
    changed('train.loss', 'l2', onFeatures),
    /^train\.features: found, but its loss is "l2"\.$/,
  ],
  [
    'has no digest',
    changed('train.features.sha256', 'C0FFEE', onFeatures),
    /^train\.features\.sha256: .*a SHA-256 in hex/,
  ],
  ['has seeds that are none', changed('train.seeds', '5-1'), /^train\.seeds: .*5-1.*\.$/],
  [
    'has a map for an option',
    changed('student.max_order', {}),
    /^student\.max_order: found a map, expected a number/,
  ],
  ['has a strange name', changed('teacher.schedule.a b', 1), /^teacher\.schedule\."a b": found 1, expected/],
])('a file that %s is refused', (_, text, message) => {
  expect(() => parseSampler(text)).toThrow(
    expect.objectContaining({ code: 'E_SAMPLER', exitCode: 2, message: expect.stringMatching(message) }),
  );
});

it('says a dozen of the problems that a file has', () => {
  const text = changed('student', Object.fromEntries(Array.from({ length: 50 }, (_, i) => [`a ${i}`, 1])));
  const many = changed('student', { ...trained.student, ...JSON.parse(text).student });
  expect(() => parseSampler(many)).toThrow(/And 38 more\.$/);
});
