import { join } from 'node:path';
import { type Digest, digestOfText } from './digest.js';
import { execute } from './execute.js';
import type { Executor } from './executor.js';
import { each, graphBuilder, type Node, output, outputs, outside, type Shards, type Task } from './graph.js';
import { file, kind, many, optional, params, type Range } from './kind.js';
import { memoryWorld, randomOf } from './memory-machine.test.support.js';
import type { FilesOf } from './store/file-notes.js';
import { openStore } from './store/store.js';

const versions = { pkg: '1' };
const numbered = params<{ readonly n: number }>();
const ranged = params<{ readonly n: number; readonly items: Range }>();
const make = () => Promise.resolve({});
const single = kind({
  name: 'single',
  revision: 1,
  packages: ['pkg'],
  params: numbered,
  inputs: { data: optional, parts: many },
  outputs: { a: file, b: file },
  run: make,
});
const sharded = kind({
  name: 'sharded',
  revision: 1,
  packages: ['pkg'],
  params: ranged,
  over: 'items',
  inputs: { data: optional, parts: many },
  outputs: { a: file, b: file },
  run: make,
  slice: make,
});

type AnyTask = Task<typeof single>;
type AnyShards = Shards<typeof sharded>;

/** A random graph of 3 to 30 nodes, the same for the same numbers. */
function randomGraph(random: () => number): Node[] {
  const graph = graphBuilder();
  const pick = <T>(list: readonly T[]): T | undefined => list[Math.floor(random() * list.length)];
  const tasks: AnyTask[] = [];
  const shards: AnyShards[] = [];
  const count = 3 + Math.floor(random() * 28);
  for (let n = 0; n < count; n++) {
    const data =
      random() < 0.2
        ? outside('/outside/file')
        : random() < 0.3 && tasks.length > 0
          ? output(pick(tasks)!, 'a')
          : undefined;
    if (random() < 0.25) {
      const of = random() < 0.5 ? pick(shards) : undefined;
      const last = 2 + Math.floor(random() * 9);
      shards.push(
        graph.shards(sharded, {
          title: `shards ${n}`,
          params: { n },
          inputs: { data, parts: of ? [each(of, 'a')] : [] },
          ranges: of ? of.ranges : [[0, last]],
          size: 3,
          item: 'item',
        }),
      );
      continue;
    }
    const from = random() < 0.4 ? pick(shards) : undefined;
    const parts = [
      ...Array.from({ length: Math.floor(random() * 3) }, () => pick(tasks)).flatMap((task) =>
        task ? [output(task, random() < 0.5 ? 'a' : 'b')] : [],
      ),
      ...(from ? [outputs(from, 'b', random() < 0.3 ? 2 : undefined)] : []),
    ];
    tasks.push(graph.task(single, { title: `task ${n}`, params: { n }, inputs: { data, parts } }));
  }
  return [...tasks, ...shards];
}

interface Disturbed {
  /** Coordinators are killed at any of their requests. */
  readonly kills: boolean;
  readonly damage: boolean;
  readonly failures: boolean;
}

/** What a run of a random graph comes to. */
interface Outcome {
  /** Digests of all outputs, by task. */
  readonly results: ReadonlyMap<string, string>;
  /** How often each task was computed to its end. */
  readonly computed: ReadonlyMap<string, number>;
  /** Coordinators that were killed. */
  readonly killed: number;
}

/** Runs the graph of a seed with 1 to 3 coordinators on one store until one of them has everything. */
export async function simulate(seed: number, disturbed: Disturbed): Promise<Outcome> {
  const nodes = randomGraph(randomOf(seed));
  const random = randomOf(seed ^ 0x5eed);
  const world = memoryWorld(random);
  world.write('/outside/file', `content of ${seed}`);
  const computed = new Map<string, number>();
  const failing = new Set<string>();
  let killed = 0;

  const damage = () => {
    const paths = [...world.files.keys()].filter((path) =>
      /^\/store\/(blobs|records|files|shards)\//.test(path),
    );
    const path = paths[Math.floor(random() * paths.length)];
    if (path === undefined) return;
    const { bytes } = world.files.get(path)!;
    const way = random();
    if (way < 0.35) world.drop(path);
    else if (way < 0.6) world.write(path, new TextDecoder().decode(bytes.subarray(0, bytes.length >> 1)));
    else if (way < 0.85) world.write(path, 'x'.repeat(bytes.length));
    else {
      const other = paths[Math.floor(random() * paths.length)]!;
      world.write(path, new TextDecoder().decode(world.files.get(other)?.bytes ?? new Uint8Array()));
    }
  };

  const attempt = async (kills: boolean): Promise<Awaited<ReturnType<typeof execute>> | undefined> => {
    const process = world.process(kills ? Math.floor(random() * 1200) : Infinity);
    const { machine } = process;
    const slots = 1 + Math.floor(random() * 8);
    const executor: Executor = {
      device: 'memory',
      slots,
      async run(job) {
        job.onStart();
        const id = `${job.kind.name} ${JSON.stringify(job.params)}`;
        const texts: string[] = [];
        for (const [name, list] of Object.entries(job.inputs)) {
          for (const input of list) {
            const path = await job.locate(input);
            texts.push(`${name}=${new TextDecoder().decode(await machine.disk.read(path))}`);
          }
        }
        await machine.clock.sleep(random() * 1000);
        if (disturbed.damage && random() < 0.15) damage();
        if (disturbed.failures && random() < 0.05 && !failing.has(id)) {
          failing.add(id);
          throw new Error('no luck');
        }
        const content = digestOfText(`${id}(${texts.join()})`);
        const files: Record<string, string> = {};
        for (const name of Object.keys(job.kind.outputs)) {
          files[name] = name;
          await machine.disk.replace(join(job.dir, name), `${name}:${content}`);
        }
        computed.set(id, (computed.get(id) ?? 0) + 1);
        return { files, meta: {} };
      },
      close: async () => {},
    };
    const ended = process.killed.then(() => {
      killed++;
      return undefined;
    });
    const filesOf: FilesOf = async (path) => [path.split('/').at(-1)!];
    const running = openStore('/store', { machine, filesOf }).then((store) =>
      execute(nodes, { store, executor, versions, clock: machine.clock }),
    );
    return Promise.race([running, ended]);
  };

  const coordinators = 1 + Math.floor(random() * 3);
  await world.run(
    Promise.all(Array.from({ length: coordinators }, () => attempt(disturbed.kills && random() < 0.7))),
  );
  if (disturbed.damage) for (let i = 0; i < 3; i++) damage();
  // what fails fails once, and what waited for it may then fail in its turn
  let last = await world.run(attempt(false));
  while (last && last.failures.size > 0 && disturbed.failures) last = await world.run(attempt(false));
  if (!last) throw new Error('the last coordinator is not killed');
  for (const failure of last.failures.values()) throw failure;
  const results = new Map<string, string>();
  for (const [task, { outputs: made }] of last.records) {
    if (task.kind.name.endsWith('.slice')) continue;
    const digests: Record<string, Digest> = {};
    for (const [name, { digest }] of Object.entries(made)) digests[name] = digest;
    results.set(task.title, JSON.stringify(digests));
  }
  return { results, computed, killed };
}
