import { expect, it } from 'vitest';
import { each, graphBuilder, output, outside } from './graph.js';
import { file, kind, many, one, params } from './kind.js';

const dough = kind({
  name: 'dough',
  revision: 1,
  packages: [],
  params: params<{ readonly flour: string; readonly rest?: { readonly hours: number } }>(),
  inputs: { water: one },
  outputs: { dough: file },
  run: async () => ({}),
});
const loaves = kind({
  name: 'loaves',
  revision: 1,
  packages: [],
  params: params<{ readonly heat: number; readonly items: readonly [number, number] }>(),
  inputs: { dough: many },
  outputs: { loaf: file },
  over: 'items',
  run: async () => ({}),
});

it('gives no two nodes one title, and says what tells them apart', () => {
  const graph = graphBuilder();
  const knead = (flour: string, water: string, hours?: number) =>
    graph.task(dough, {
      title: 'dough',
      params: { flour, ...(hours !== undefined && { rest: { hours } }) },
      inputs: { water: outside(water) },
    });
  const plain = knead('rye', 'well');
  expect([plain, knead('rye', 'well')].map(({ title }) => title)).toEqual(['dough', 'dough']);
  expect(knead('wheat', 'well').title).toBe('dough (flour wheat)');
  expect(knead('wheat', 'sea', 2).title).toBe('dough (flour wheat, rest.hours 2, sea)');

  const bake = (from: typeof plain, last: number, size = 2) =>
    graph.shards(loaves, {
      title: 'loaves',
      params: { heat: 200 },
      inputs: { dough: [output(from, 'dough')] },
      ranges: [[0, last]],
      item: 'loaf',
      size,
    });
  const first = bake(plain, 7);
  // those of other items are told apart by these
  expect([first, bake(plain, 3)].map(({ title }) => title)).toEqual(['loaves', 'loaves']);
  expect(bake(knead('wheat', 'well'), 7).title).toBe('loaves (dough (flour wheat))');
  // of one content, cut otherwise: nothing else tells them apart
  expect(bake(plain, 7, 4).title).toBe('loaves #2');
  const again = graph.shards(loaves, {
    title: 'loaves',
    params: { heat: 200 },
    inputs: { dough: [each(first, 'loaf')] },
    ranges: [[0, 7]],
    item: 'loaf',
    size: 2,
  });
  expect(again.title).toBe('loaves (loaves)');
});
