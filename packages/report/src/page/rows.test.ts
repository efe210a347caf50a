import { describe, expect, it } from 'vitest';
import type { PointData, ReportData } from '../report-data.js';
import { bestByCost, paretoFront, type Row, rowsOf, sorted, varyingKeys, wantedOf } from './rows.js';

const row = (label: string, more: Partial<Row> = {}): Row => ({
  label,
  series: label,
  settings: {},
  figures: {},
  points: [0],
  ...more,
});
const fid = (value: number | null, rank?: 'best' | 'alike') => ({
  figures: { fid: { value, ...(rank && { rank }) } },
});
const labels = (rows: readonly { readonly label: string }[]) => rows.map(({ label }) => label).join(' ');

describe('the front', () => {
  const dots = [
    { label: 'a', x: 5, y: 3 },
    { label: 'b', x: 3, y: 4 },
    { label: 'c', x: 4, y: 5 }, // dearer than b, and worse
    { label: 'd', x: 5, y: 2 },
    { label: 'e', x: 9, y: 2 }, // as good as d, and dearer
  ];
  it('is what nothing beats at no higher cost', () => {
    expect(labels(paretoFront(dots, 'lowest'))).toBe('b d');
    expect(labels(paretoFront(dots, 'highest'))).toBe('b c');
  });
});

describe('order', () => {
  const rows = [
    row('b', { nfe: 10, ...fid(2) }),
    row('a', { ...fid(null) }),
    row('c', { nfe: 9 }),
    row('d', { nfe: 9, ...fid(1) }),
  ];
  it('is by size, what is infinite behind all that is finite, and what is missing last either way', () => {
    expect(labels(sorted(rows, { by: 'metric:fid', falls: false }))).toBe('d b a c');
    expect(labels(sorted(rows, { by: 'metric:fid', falls: true }))).toBe('a b d c');
    expect(labels(sorted(rows, { by: 'nfe', falls: false }))).toBe('c d b a');
    expect(labels(sorted(rows, { by: 'nfe', falls: true }))).toBe('b c d a');
  });

  it('of texts is as people count', () => {
    const steps = ['steps 10', 'steps 9'].map((label) => row(label));
    expect(labels(sorted(steps, { by: 'label', falls: false }))).toBe('steps 9 steps 10');
  });
});

describe('what is looked for', () => {
  const rows = [
    row('euler', { settings: { solver: 'euler', lr: 0.1 } }),
    row('heun', { settings: { solver: 'heun' } }),
    row('Heun, lr 0.1', { settings: { solver: 'heun', lr: 0.1 } }),
  ];
  it('are all words, in labels and settings, in whatever case', () => {
    expect(labels(wantedOf(rows, { text: 'HEUN 0.1', values: {} }))).toBe('Heun, lr 0.1');
    expect(labels(wantedOf(rows, { text: '', values: { solver: 'heun', lr: '' } }))).toBe(
      'heun Heun, lr 0.1',
    );
  });

  it('are values of keys that vary; a key that some lack has – there', () => {
    expect(varyingKeys(rows)).toEqual(
      new Map([
        ['solver', ['euler', 'heun']],
        ['lr', ['0.1', '–']],
      ]),
    );
    expect(labels(wantedOf(rows, { text: '', values: { lr: '–' } }))).toBe('heun');
  });
});

describe('the best at each cost', () => {
  it('has beside it what can’t be told from it', () => {
    const rows = [
      row('a', { nfe: 5, ...fid(1, 'best') }),
      row('b', { nfe: 5, ...fid(1.1, 'alike') }),
      row('c', { nfe: 5, ...fid(3) }),
      row('d', { nfe: 3, ...fid(2, 'best') }),
    ];
    const found = bestByCost(rows, { name: 'fid', digits: 3, best: 'lowest' });
    expect(found.map(({ nfe, best, alike }) => [nfe, best.label, labels(alike)])).toEqual([
      [3, 'd', ''],
      [5, 'a', 'b'],
    ]);
  });
});

it('of several experiments which one it is of is a key as any other', () => {
  const point = (experiment: string): PointData => ({ ...row('x'), experiment });
  const data = { points: [point('a'), point('b')], groups: [] } as unknown as ReportData;
  expect(rowsOf(data, false).map(({ settings }) => settings)).toEqual([
    { experiment: 'a' },
    { experiment: 'b' },
  ]);
});
