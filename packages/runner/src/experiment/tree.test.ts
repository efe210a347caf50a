import { describe, expect, it } from 'vitest';
import { readYaml } from './read-yaml.js';
import { type Dict, dotted, entryAt, flatten, graft, nearestEntry, toJs } from './tree.js';

const read = (text: string) =>
  readYaml(text, (line, column) => ({ file: 'a.yaml', line, column, layer: 0 })).tree as Dict;

const base = read('a: { b: 1, c: [x, { d: 2 }] }\ne: text');

describe('graft', () => {
  it('merges maps key by key and remembers every place of a key', () => {
    const over = read('\n\n{ c: 5, f: 6 }');
    const merged = graft(base, ['a'], { keys: [over.place], value: over }) as Dict;
    expect(toJs(merged)).toEqual({ a: { b: 1, c: 5, f: 6 }, e: 'text' });
    expect(entryAt(merged, ['a'])!.keys.map(({ line }) => line)).toEqual([1, 3]);
    expect(entryAt(merged, ['a', 'c'])!.value.place).toMatchObject({ line: 3, column: 6 });
    expect(toJs(base)).toEqual({ a: { b: 1, c: ['x', { d: 2 }] }, e: 'text' });
  });

  it('replaces what is no map', () => {
    const over = read('[1]');
    expect(toJs(graft(base, ['a'], { keys: [], value: over }) as Dict)).toEqual({ a: [1], e: 'text' });
  });

  it('makes the maps on the way', () => {
    expect(
      toJs(graft(base, ['g', 'h'], { keys: [], value: base.entries.get('e')!.value }) as Dict),
    ).toMatchObject({
      g: { h: 'text' },
    });
  });

  it('stops where something else is in the way', () => {
    expect(graft(base, ['e', 'f', 'g'], base.entries.get('a')!)).toBe(undefined);
  });
});

it('finds places in lists, and the nearest above what is not written', () => {
  expect(entryAt(base, ['a', 'c', '1', 'd'])!.value.place).toMatchObject({ line: 1, column: 24 });
  expect(nearestEntry(base, ['a', 'x', 'y']).keys[0]).toMatchObject({ line: 1, column: 1 });
  expect(dotted(base, ['a', 'c', '1', 'd'])).toBe('a.c.d');
  expect(dotted(base, ['a', '5'])).toBe('a.5');
});

it('flattens maps to dotted paths, lists whole', () => {
  expect(flatten({ keys: [], value: base }, '').map(([path, { value }]) => [path, toJs(value)])).toEqual([
    ['a.b', 1],
    ['a.c', ['x', { d: 2 }]],
    ['e', 'text'],
  ]);
});
