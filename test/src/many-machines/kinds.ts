/** Toy tasks whose results are known, and which take as long as they are told. */
import { createHash } from 'node:crypto';
import { appendFileSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  file,
  graphBuilder,
  kind,
  many,
  type Node,
  one,
  optional,
  output,
  outside,
  params,
  type Task,
} from '@fewstep/taskgraph';

interface Toy {
  readonly n: number;
  /** So long it takes. */
  readonly ms: number;
  /** How it ends: `crash` ends the process that computes it, `killer` the worker above it. */
  readonly ends?: 'fail' | 'crash' | 'killer';
}
interface Given {
  readonly params: Toy;
  readonly inputs: Readonly<Record<string, undefined | string | readonly string[]>>;
  readonly dir: string;
  progress(done: number): void;
}

const run = async () => ({
  async run({ params: { n, ms, ends }, inputs, dir, progress }: Given) {
    // each time that a task is begun is seen from outside
    if (process.env.TOY_LOG) appendFileSync(process.env.TOY_LOG, `${n}\n`);
    if (ends === 'fail') throw Object.assign(new Error('it is told to fail'), { code: 'E_TOY' });
    if (ends === 'crash') process.exit(3);
    if (ends === 'killer') process.kill(process.ppid, 'SIGKILL');
    const hash = createHash('sha256').update(String(n));
    for (const path of Object.values(inputs).flat())
      if (path !== undefined) hash.update(await readFile(path));
    progress(0.5);
    await sleep(ms);
    await writeFile(join(dir, 'text'), hash.digest('hex'));
    return { files: { text: 'text' }, meta: { n } };
  },
});
const toy = <const I extends Record<string, 'one' | 'many' | 'optional'>>(name: string, inputs: I) =>
  kind({
    name,
    revision: 1,
    packages: ['toys'],
    params: params<Toy>(),
    inputs,
    outputs: { text: file },
    run,
  });

const leaf = toy('leaf', { data: optional });
const pair = toy('pair', { left: one, right: one });
const all = toy('all', { of: many });
const coded = { ...toy('coded', { method: optional }), code: ['method'] };
export const kinds = { leaf, pair, all, coded };

/** `leaves` leaves that read a file from outside, a pair of each two neighbours, and one of all pairs. */
export function toyGraph(leaves: number, ms: number, data: string, from = 0): Task[] {
  const graph = graphBuilder();
  const made = Array.from({ length: leaves }, (_, i) =>
    graph.task(leaf, {
      title: `leaf ${from + i}`,
      params: { n: from + i, ms },
      inputs: { data: outside(data) },
    }),
  );
  const pairs = made.map((left, i) =>
    graph.task(pair, {
      title: `pair ${from + i}`,
      params: { n: 1000 + from + i, ms },
      inputs: { left: output(left, 'text'), right: output(made[(i + 1) % leaves]!, 'text') },
    }),
  );
  const of = pairs.map((one) => output(one, 'text'));
  return [...made, ...pairs, graph.task(all, { title: 'all', params: { n: 0, ms }, inputs: { of } })];
}

/** One task that ends otherwise; of code of the user's own where a file of it is named. */
export function oddTask(ends: Toy['ends'], code?: string): Node[] {
  const graph = graphBuilder();
  const params = { n: 1, ms: 1, ...(ends && { ends }) };
  return code === undefined
    ? [graph.task(leaf, { title: 'odd', params, inputs: {} })]
    : [graph.task(coded, { title: 'coded', params, inputs: { method: outside(code) } })];
}
