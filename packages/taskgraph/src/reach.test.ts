import { join } from 'node:path';
import { expect, it } from 'vitest';
import { type Execution, execute } from './execute.js';
import type { Executor } from './executor.js';
import { graphBuilder, type Node, output, outputs } from './graph.js';
import { memoryWorld } from './memory-machine.test.support.js';
import { kinds, type Part, randomGraph, randomOf, versions } from './random-graphs.test.support.js';
import { compute } from './random-graphs-run.test.support.js';
import { reach } from './reach.js';
import { openStore } from './store/store.js';

/** Runs graphs on a store in memory, whose records can be lost. */
async function ran(seed: number, graphs: readonly (readonly Node[])[]) {
  const random = randomOf(seed ^ 0x5eed);
  const world = memoryWorld(random);
  world.write('/outside', 'content');
  const { machine } = world.process();
  const { disk } = machine;
  const textOf = async (path: string) => new TextDecoder().decode(await disk.read(path));
  const executor: Executor = {
    slots: 4,
    async run(job) {
      const texts: Record<string, string[]> = {};
      for (const [input, list] of Object.entries(job.inputs))
        texts[input] = await Promise.all(list.map(async (one) => textOf(await job.locate(one))));
      const files: Record<string, string> = {};
      for (const [output, text] of Object.entries(compute(job.kind.name, job.params, texts))) {
        files[output] = output;
        await disk.replace(join(job.dir, output), text);
      }
      return { files, meta: {}, device: 'memory' };
    },
    close: async () => {},
  };
  const filesOf = async () => ['outside'];
  const store = await world.run(openStore('/store', { machine, filesOf }));
  const runs: { readonly nodes: readonly Node[]; readonly execution: Execution }[] = [];
  for (const nodes of graphs) {
    const execution = await world.run(execute(nodes, { store, executor, versions, clock: machine.clock }));
    runs.push({ nodes, execution });
  }
  const lose = (key: string) => world.drop(`/store/records/${key.slice(0, 2)}/${key}.json`);
  const reached = (nodes: readonly Node[]) => world.run(reach(nodes, { store, versions }));
  return { random, runs, lose, reached };
}
const graphOf = (seed: number, part?: Part) => randomGraph(randomOf(seed), '/outside', part);
const keysOf = ({ records }: Execution) => [...records.values()].map(({ key }) => key);

it('has what a run of the nodes found, whatever part of that is lost', async () => {
  let [lost, others] = [0, 0];
  for (let seed = 0; seed < 25; seed++) {
    const part: Part = [seed / 25, 0.5, 0.5, 0];
    const { random, runs, lose, reached } = await ran(seed, [graphOf(seed), graphOf(seed, part)]);
    for (const { nodes, execution } of runs) {
      const keys = await reached(nodes);
      for (const key of keysOf(execution)) expect(keys, `seed ${seed}`).toContain(key);
    }
    const [{ nodes, execution }, whole] = [runs[1]!, runs[0]!];
    const all = new Set([...keysOf(whole.execution), ...keysOf(execution)]);
    const left = new Set(all);
    for (const key of all) if (random() < 0.3 && left.delete(key)) lose(key);
    lost += all.size - left.size;
    const keys = await reached(nodes);
    for (const key of keysOf(execution)) if (left.has(key)) expect(keys, `seed ${seed}`).toContain(key);
    for (const key of keys) expect(left).toContain(key);
    others += left.size - keys.size;
  }
  expect(lost).toBeGreaterThan(20);
  expect(others).toBeGreaterThan(0); // of a part of the items that the other run cut elsewhere
});

it('has of another graph only what that has in common with it', async () => {
  let [shared, apart] = [0, 0];
  for (let seed = 0; seed < 20; seed++) {
    const { runs, reached } = await ran(seed, [graphOf(seed)]);
    const [{ nodes, execution }] = runs as [(typeof runs)[number]];
    const some = nodes.slice(0, Math.ceil(nodes.length / 2));
    const keys = await reached(some);
    for (const node of some) for (const key of keysOfNode(execution, node)) expect(keys).toContain(key);
    shared += keys.size;
    apart += keysOf(execution).filter((key) => !keys.has(key)).length;
  }
  expect(shared).toBeGreaterThan(20);
  expect(apart).toBeGreaterThan(20);
});

it('tells what differs only in what it was made from', async () => {
  const made = (n: number) => {
    const graph = graphBuilder();
    const first = graph.task(kinds.single, { title: 'first', params: { n, first: 0 }, inputs: noInputs });
    const shards = graph.shards(kinds.sharded, {
      title: 'shards',
      params: { n: 9 },
      inputs: { data: output(first, 'a'), parts: [], rows: [] },
      ranges: [[0, 5]],
      size: 3,
      item: 'item',
    });
    const inputs = { ...noInputs, parts: [outputs(shards, 'b')] };
    return [graph.task(kinds.single, { title: 'last', params: { n: 7, first: 0 }, inputs })];
  };
  const { runs, reached } = await ran(1, [made(1), made(2)]);
  for (const { nodes, execution } of runs)
    expect([...(await reached(nodes))].sort()).toEqual(keysOf(execution).sort());
});

const noInputs = { data: undefined, parts: [], few: [] };
const keysOfNode = ({ records, shards }: Execution, node: Node): string[] =>
  ('ranges' in node ? (shards.get(node) ?? []) : [node]).map((task) => records.get(task)!.key);
