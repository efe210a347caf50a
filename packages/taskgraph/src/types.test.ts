import { expect, it } from 'vitest';
import { graphBuilder, output, outside } from './graph.js';
import { type ContextOf, file, kind, many, one, optional, params, type Range, type Run } from './kind.js';

const run = async () => ({});
const bread = kind({
  name: 'bread',
  revision: 1,
  packages: [],
  params: params<{ readonly heat: number; readonly items: Range }>(),
  over: 'items',
  inputs: { dough: one, seeds: optional, tins: many },
  outputs: { loaf: file, crumbs: optional },
  run,
});

/** Never called: each line that is marked must fail to compile, or the compiler says that the mark is not needed. */
export function refused(): void {
  const graph = graphBuilder();
  const dough = outside('dough');
  const inputs = { dough, tins: [] };
  const items: Range = [0, 1];
  const good = { title: '', params: { heat: 1, items }, inputs };
  const loaf = graph.task(bread, good);
  // @ts-expect-error: an input that the kind has not
  graph.task(bread, { ...good, inputs: { dough, tins: [], salt: dough } });
  // @ts-expect-error: an input that is missing
  graph.task(bread, { ...good, inputs: { tins: [] } });
  // @ts-expect-error: many where one is wanted
  graph.task(bread, { ...good, inputs: { dough: [dough], tins: [] } });
  // @ts-expect-error: one where many are wanted
  graph.task(bread, { ...good, inputs: { dough, tins: dough } });
  // @ts-expect-error: a parameter of another type
  graph.task(bread, { ...good, params: { heat: 'high', items } });
  // @ts-expect-error: a parameter that is missing
  graph.task(bread, { ...good, params: { items } });
  // @ts-expect-error: an output that the kind has not
  output(loaf, 'cake');
  const shards = { title: '', inputs, ranges: [items], size: 1, item: 'loaf' };
  graph.shards(bread, { ...shards, params: { heat: 1 } });
  // @ts-expect-error: a parameter of another type, of shards
  graph.shards(bread, { ...shards, params: { heat: 'high' } });
  // @ts-expect-error: a module that leaves out what the kind promises
  const nothing: Run<typeof bread> = async () => ({ files: {}, meta: {} });
  const context = {} as ContextOf<typeof bread>;
  // @ts-expect-error: an optional input may be missing
  const seeds: string = context.inputs.seeds;
  // @ts-expect-error: and one is no list
  const first = context.inputs.dough.map(String);
  void [nothing, seeds, first];
}

it('is checked by the compiler', () => {
  expect(refused).toBeTypeOf('function');
});
