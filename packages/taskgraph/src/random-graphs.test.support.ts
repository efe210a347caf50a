import {
  each,
  graphBuilder,
  isShards,
  type Node,
  output,
  outputs,
  outside,
  type Shards,
  type ShardsInput,
  type Task,
  type TaskInput,
} from './graph.js';
import { file, kind, many, optional, params, type Range } from './kind.js';
import { compute } from './random-graphs-run.test.support.js';

export const versions = { pkg: '1' };

/** Both kinds are computed by `compute`, in whatever process; what a shard gives of an item depends on no cut. */
const load = () => import('./random-graphs-run.test.support.js');
const single = kind({
  name: 'single',
  revision: 1,
  packages: ['pkg'],
  params: params<{ readonly n: number; readonly first: number }>(),
  inputs: { data: optional, parts: many, few: many },
  outputs: { a: file, b: file, c: optional },
  run: load,
});
const sharded = kind({
  name: 'sharded',
  revision: 1,
  packages: ['pkg'],
  params: params<{ readonly n: number; readonly items: Range }>(),
  over: 'items',
  inputs: { data: optional, parts: many, rows: many },
  outputs: { a: file, b: file },
  run: load,
  slice: load,
});
export const kinds = { single, sharded };

type AnyTask = Task<typeof single>;
type AnyShards = Shards<typeof sharded>;

/** Which items are asked for, and how they are cut: numbers in [0, 1). Undefined: all, in threes. */
export type Part = readonly [from: number, to: number, size: number, order: number] | undefined;

/** Of items 0 to `last`, those of a part. */
function rangesOf(last: number, part: Part): readonly Range[] {
  if (!part) return [[0, last]];
  const first = Math.floor(part[0] * (last + 1));
  const end = first + Math.floor(part[1] * (last - first + 1));
  const middle = first + Math.floor(part[1] * (end - first));
  if (part[3] < 0.6 || middle >= end) return [[first, end]];
  return [
    [middle + 1, end],
    [first, middle],
  ];
}

/** A random graph of 3 to 30 nodes, most of them small; the same for the same numbers. */
export function randomGraph(random: () => number, outsideFile: string, part?: Part): readonly Node[] {
  const graph = graphBuilder();
  const pick = <T>(list: readonly T[]): T | undefined => list[Math.floor(random() * list.length)];
  const tasks: AnyTask[] = [];
  const shards: AnyShards[] = [];
  const count = 3 + Math.floor(28 * random() ** 6);
  const size = part ? 1 + Math.floor(part[2] * 5) : 3;
  for (let n = 0; n < count; n++) {
    const from = random() < 0.3 ? pick(tasks) : undefined;
    const data = random() < 0.2 ? outside(outsideFile) : from && output(from, 'a');
    const parts = Array.from({ length: Math.floor(random() * 3) }, () => {
      const task = pick(tasks);
      const name = pick(['a', 'b', 'c'] as const)!;
      return task ? [output(task, name)] : [];
    }).flat();
    const of = random() < 0.5 ? pick(shards) : undefined;
    const isWhole = random() < 0.6;
    if (random() < 0.3) {
      const ranges = of?.ranges ?? rangesOf(2 + Math.floor(random() * 7), part);
      shards.push(
        graph.shards(sharded, {
          title: `shards ${n}`,
          params: { n },
          inputs: { data, parts, rows: of ? [each(of, 'a')] : [] },
          ranges,
          size,
          item: 'item',
        }),
      );
      continue;
    }
    const first = of && !isWhole ? 2 : 0;
    const whole = of && isWhole ? [outputs(of, 'b')] : [];
    tasks.push(
      graph.task(single, {
        title: `task ${n}`,
        params: { n, first },
        inputs: { data, parts: [...parts, ...whole], few: of && !isWhole ? [outputs(of, 'b', first)] : [] },
      }),
    );
  }
  return [...tasks, ...shards];
}

/** What the outputs of nodes must be, worked out without a store: of shards all lines in the order asked for. */
export function expectedOf(nodes: readonly Node[], outsideText: string): Map<Node, Record<string, string>> {
  const known = new Map<Node, Record<string, string>>();
  const givenBy = (node: Node): Record<string, string> => {
    const found = known.get(node);
    if (found) return found;
    const texts: Record<string, readonly string[]> = {};
    for (const [name, list] of Object.entries(node.inputs))
      texts[name] = list.flatMap((input: TaskInput | ShardsInput) => {
        if ('file' in input) return [outsideText];
        if (!('task' in input || 'shards' in input)) return []; // rows, which each shard has its own of
        const text = givenBy('task' in input ? input.task : input.shards)[input.output];
        return text === undefined ? [] : [text];
      });
    const value = isShards(node) ? shardsOf(node, texts) : compute(node.kind.name, node.params, texts);
    known.set(node, value);
    return value;
  };
  const shardsOf = (node: Shards, texts: Record<string, readonly string[]>): Record<string, string> => {
    const rows = node.inputs.rows?.[0];
    const above = rows && 'each' in rows ? givenBy(rows.each)[rows.output]!.split('\n') : undefined;
    const lines: Record<string, string[]> = { a: [], b: [] };
    let before = 0;
    for (const items of node.ranges) {
      const count = items[1] - items[0] + 1;
      const inputs = { ...texts, ...(above && { rows: above.slice(before, before + count) }) };
      for (const [name, text] of Object.entries(compute(node.kind.name, { ...node.params, items }, inputs)))
        lines[name]!.push(text);
      before += count;
    }
    return { a: lines.a!.join('\n'), b: lines.b!.join('\n') };
  };
  for (const node of nodes) givenBy(node);
  return known;
}

/** Random numbers of a seed (mulberry32). */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
