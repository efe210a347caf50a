import { hostname } from 'node:os';
import { type ActionRecord, graphBuilder, outside, type Planned, type Store } from '@fewstep/taskgraph';
import { expect, it } from 'vitest';
import { features, picture } from '../tasks/kinds.js';
import { costsBy } from './spent.js';

const graph = graphBuilder();
const images = graph.shards(features, {
  title: 'features',
  params: {},
  inputs: { network: outside('features.onnx'), images: [] },
  ranges: [[0, 999]],
  size: 100,
  item: 'seed',
  workPerItem: 3,
});
const row = graph.task(picture, {
  title: 'picture',
  params: { columns: 1, rows: 1, compared: 1 },
  inputs: { images: [] },
});
const planned: readonly Planned[] = [
  { node: images, kind: features, title: 'features', count: 10, work: 3000, found: false, why: '' },
  { node: row, kind: picture, title: 'picture', count: 1, work: 0, found: false, why: '' },
];

let made = 0;
const record = (kind: string, inputs: object, told: object = {}): ActionRecord => ({
  key: String(made++).padStart(64, '0'),
  components: { kind, params: {}, inputs: inputs as never, versions: {} },
  outputs: { a: { digest: '', size: 400 }, b: { digest: '', size: 600 } },
  meta: { images: 100 },
  provenance: { host: hostname(), node: '', device: null, startedAt: '', seconds: 2, ...told },
});
const storeOf = (records: readonly ActionRecord[]) =>
  ({
    async *records() {
      yield* records;
    },
    look: async () => ({ digest: 'this network' }),
  }) as unknown as Store;
const costs = async (...records: readonly ActionRecord[]) => {
  const costOf = await costsBy(storeOf(records), planned);
  return planned.map(costOf);
};
const here = { network: ['this network'] };

it('asks what the same took on the same network on this machine', async () => {
  expect(await costs()).toEqual([undefined, undefined]);
  const [others, elsewhere] = [
    record('features', { network: ['another'] }),
    record('features', here, { host: `${hostname()}-other` }),
  ];
  expect(await costs(others, elsewhere, record('samples', here))).toEqual([undefined, undefined]);
  // by items: 100 took 2 s and 1000 bytes
  expect(await costs(others, record('features', here))).toEqual([{ seconds: 20, bytes: 10_000 }, undefined]);
  // by tasks
  expect(await costs(record('picture', {}), record('picture', {}, { seconds: 4 }))).toEqual([
    undefined,
    { seconds: 3, bytes: 1000 },
  ]);
});

it('counts evaluations where tasks did', async () => {
  // 100 items of 6 evaluations each took 2 s; now 1000 of 3 are to come
  const counted = { ...record('features', here), meta: { images: 100, nfe: 6 } };
  expect(await costs(counted)).toEqual([{ seconds: 10, bytes: 10_000 }, undefined]);
});

it('reads few of many', async () => {
  const [many, last] = [Array.from({ length: 400 }, () => record('samples', {})), record('picture', {})];
  expect(await costs(...many, last)).toEqual([undefined, undefined]);
  expect((await costs(...many.slice(1), last))[1]).toEqual({ seconds: 2, bytes: 1000 });
});
