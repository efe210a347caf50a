import { join } from 'node:path';
import { codeOf } from './errors.js';
import { type Execution, execute } from './execute.js';
import type { Executor } from './executor.js';
import { isShards, type Node, type Task } from './graph.js';
import { memoryRemote, memoryWorld } from './memory-machine.test.support.js';
import { expectedOf, type Part, randomGraph, randomOf, versions } from './random-graphs.test.support.js';
import { compute } from './random-graphs-run.test.support.js';
import type { FilesOf } from './store/file-notes.js';
import { withRemote } from './store/remote.js';
import { openStore, type Store } from './store/store.js';

/** What goes wrong on the way. */
export interface Disturbed {
  /** Coordinators are killed at any of their requests. */
  readonly kills?: boolean;
  /** Files of the store are lost, cut, overwritten, or take each other's place. */
  readonly damage?: boolean;
  /** Tasks fail. */
  readonly failures?: boolean;
  /** Others collect garbage all the while, and all of it that they may; some of them are killed or on another machine. */
  readonly collections?: boolean;
  /** The last coordinator is on another machine, which shares a remote with the first; it fails in any of its ways. */
  readonly remote?: 'sound' | 'failing';
}

/** What the run of a random graph came to. */
interface Outcome {
  /** Coordinators that were killed. */
  readonly killed: number;
  /** Of items and single tasks, how many were computed again. */
  readonly again: number;
  readonly slices: number;
  /** Records that were collected. */
  readonly collected: number;
  /** Of the last coordinator. */
  readonly last: Execution;
}

const outsideFile = '/outside/file';
const filesOf: FilesOf = async (path) => [path.split('/').at(-1)!];

/**
 * Runs the graph of a seed with up to 3 coordinators on one store until one of them has everything.
 *
 * @throws where a result is not what it must be
 */
export async function simulate(seed: number, disturbed: Disturbed): Promise<Outcome> {
  const random = randomOf(seed ^ 0x5eed);
  const graphOf = (part?: Part) => randomGraph(randomOf(seed), outsideFile, part);
  const part = (): Part => [random(), random(), random(), random()];
  const nodes = graphOf(random() < 0.5 ? part() : undefined);
  const content = `content of ${seed}`;
  const world = memoryWorld(random);
  const remote = disturbed.remote && memoryRemote(random, disturbed.remote === 'failing');
  world.write(outsideFile, content);
  const computed = new Map<string, number>();
  const failing = new Set<string>();
  let [killed, slices, collected] = [0, 0, 0];
  let [isLast, isOver] = [false, false];

  const damage = () => {
    const paths = [...world.files.keys()].filter((path) =>
      /^(\/other)?\/store\/(blobs|records|files|shards)\//.test(path),
    );
    const path = paths[Math.floor(random() * paths.length)];
    if (path === undefined) return;
    const { bytes } = world.files.get(path)!;
    const way = random();
    if (way < 0.35) world.drop(path);
    else if (way < 0.6) world.write(path, textOf(bytes.subarray(0, bytes.length >> 1)));
    else if (way < 0.85) world.write(path, 'x'.repeat(bytes.length));
    else {
      // its neighbour of the same kind: what is damaged least of all
      const kind = path.slice(0, path.indexOf('/', path.indexOf('/store/') + 7));
      const others = paths.filter((other) => other.startsWith(kind));
      const other = others[Math.floor(random() * others.length)]!;
      world.write(path, textOf(world.files.get(other)?.bytes ?? new Uint8Array()));
    }
  };

  const attempt = async (
    wanted: readonly Node[],
    { kills = false, dir = '/store', releases = false } = {},
  ): Promise<Execution | undefined> => {
    const process = world.process({
      requests: kills ? Math.floor(random() ** 2 * 600) : Infinity,
      boot: dir,
    });
    const { disk, clock } = process.machine;
    const executor: Executor = {
      slots: 1 + Math.floor(random() * 8),
      async run(job) {
        job.onStart();
        const { name } = job.kind;
        const texts: Record<string, string[]> = {};
        for (const [input, list] of Object.entries(job.inputs))
          texts[input] = await Promise.all(
            list.map(async (one) => textOf(await disk.read(await job.locate(one)))),
          );
        await clock.sleep(random() * 1000);
        if (disturbed.damage && !isLast && random() < 0.15) damage();
        if (disturbed.failures && random() < 0.1 && !failing.has(job.key)) {
          failing.add(job.key);
          throw new Error('no luck');
        }
        const files: Record<string, string> = {};
        const texted = compute(name, job.params, texts);
        for (const [output, text] of Object.entries(texted)) {
          files[output] = output;
          await disk.replace(join(job.dir, output), text);
        }
        const count = (one: string) => computed.set(one, (computed.get(one) ?? 0) + 1);
        if (name === 'sharded.slice') slices++;
        else if (name === 'single') count(job.key);
        else
          for (const line of texted.a!.split('\n'))
            count(`${(job.params as { readonly n: number }).n} ${line}`);
        return { files, meta: {}, device: 'memory' };
      },
      close: async () => {},
    };
    const ended = process.killed.then(() => {
      killed++;
      return undefined;
    });
    const started = async (): Promise<Execution> => {
      const local = await openStore(`${dir}`, { machine: process.machine, filesOf });
      const store = remote ? withRemote(local, remote(process.machine), { clock }) : local;
      const execution = await execute(wanted, { store, executor, versions, clock });
      if ('settled' in store) await store.settled();
      if (releases) await store.release();
      return execution;
    };
    return Promise.race([started(), ended]);
  };

  /** Collects again and again, each time as another process, until it is all over. */
  const collect = async (): Promise<void> => {
    const isMortal = random() < 0.3;
    while (!isOver) {
      const { machine, killed } = world.process({
        requests: isMortal ? Math.floor(random() * 200) : Infinity,
        boot: random() < 0.5 ? '/store' : '/elsewhere',
      });
      await machine.clock.sleep(random() ** 4 * 1000);
      const collection = async () => {
        const store = await openStore('/store', { machine, filesOf });
        const { entries } = await store.collectGarbage({ maxBytes: 0, keepMs: 0 });
        collected += entries.length;
      };
      const isBusy = (error: unknown) => {
        if (codeOf(error) !== 'E_STORE_BUSY') throw error;
      };
      await Promise.race([collection().catch(isBusy), killed]);
    }
  };

  const releases = disturbed.collections === true;
  if (random() < 0.5) await world.run(attempt(graphOf(random() < 0.5 ? part() : undefined), { releases }));
  // what nobody holds any more may be computed again
  if (releases) computed.clear();
  const collections = releases ? [collect(), collect()] : [];
  const coordinators = 1 + Math.floor(3 * random() ** 2);
  const kills = disturbed.kills === true;
  await world.run(
    Promise.all(
      Array.from({ length: coordinators }, () => attempt(nodes, { kills: kills && random() < 0.7 })),
    ),
  );
  if (disturbed.damage) for (let i = 0; i < 3; i++) damage();
  isLast = true; // what it gives is compared with what there must be
  // what fails fails once, and what waited for it may then fail in its turn
  const dir = remote ? '/other/store' : '/store';
  let last = await world.run(attempt(nodes, { dir }));
  while (last && last.failures.size > 0 && disturbed.failures)
    last = await world.run(attempt(nodes, { dir }));
  isOver = true;
  await world.run(Promise.all(collections));
  if (!last) throw new Error('the last coordinator is not killed');
  for (const failure of last.failures.values()) throw failure;

  const expected = expectedOf(nodes, content);
  const reader = await world.run(openStore(dir, { machine: world.process().machine, filesOf }));
  for (const node of nodes) {
    const tasks = isShards(node) ? last.shards.get(node)! : [node];
    for (const [output, text] of Object.entries(expected.get(node)!)) {
      const found = tasks.map((task) => textIn(world.files, reader, last, task, output)).join('\n');
      if (found !== text) throw new Error(`${node.title}, ${output}: ${found} in place of ${text}`);
    }
  }
  const again = [...computed.values()].reduce((sum, times) => sum + times - 1, 0);
  return { killed, again, slices, collected, last };
}

function textIn(
  files: ReturnType<typeof memoryWorld>['files'],
  store: Store,
  { records }: Execution,
  task: Task,
  output: string,
): string {
  const made = records.get(task)?.outputs[output];
  return made ? textOf(files.get(store.pathOf(made))?.bytes) : 'nothing';
}

const textOf = (bytes: Uint8Array | undefined) => new TextDecoder().decode(bytes);
