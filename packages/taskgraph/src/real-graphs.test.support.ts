/**
 * A coordinator of its own process: runs random graphs, each on a store in a folder of its own, with real children.
 *
 * `node real-graphs.test.support.js FOLDER FIRST COUNT`; says what became of each, a JSON line for each graph.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execute } from './execute.js';
import { isShards } from './graph.js';
import { localExecutor } from './local-executor.js';
import { expectedOf, randomGraph, randomOf, versions } from './random-graphs.test.support.js';
import { openStore } from './store/store.js';

const [folder, first, count] = process.argv.slice(2) as [string, string, string];
const outsideFile = join(folder, 'outside');
const executor = localExecutor({
  kinds: new URL('./random-graphs.test.support.js', import.meta.url),
  jobs: 2,
});

/** What is wrong with the results of a graph; how many tasks were computed for them. */
async function runOne(seed: number): Promise<{ seed: number; wrong: string[]; computed: number }> {
  const nodes = randomGraph(randomOf(seed), outsideFile);
  const store = await openStore(join(folder, `store-${seed}`));
  const { records, shards, failures, computed } = await execute(nodes, { store, executor, versions });
  const wrong = [...failures.values()].map(({ message }) => message);
  const expected = expectedOf(nodes, await readFile(outsideFile, 'utf8'));
  for (const node of failures.size === 0 ? nodes : []) {
    for (const [name, text] of Object.entries(expected.get(node)!)) {
      const texts: string[] = [];
      for (const task of isShards(node) ? shards.get(node)! : [node]) {
        const path = await store.blob(records.get(task)!.outputs[name]!);
        texts.push(path === undefined ? 'nothing' : await readFile(path, 'utf8'));
      }
      if (texts.join('\n') !== text) wrong.push(`${node.title}, ${name}: ${texts} in place of ${text}`);
    }
  }
  return { seed, wrong, computed };
}

const seeds = Array.from({ length: Number(count) }, (_, i) => Number(first) + i);
await Promise.all(seeds.map(async (seed) => process.stdout.write(`${JSON.stringify(await runOne(seed))}\n`)));
await executor.close();
