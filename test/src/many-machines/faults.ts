import { spawnSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { root } from '../command-line.js';
import { laboratory, type Machine } from './laboratory.js';
import type { Ended, Told } from './machine.js';
import { proxyTo } from './proxy.js';
import { redisServer } from './redis-server.js';

/** What was done to a laboratory, by what it was. */
export interface Counts {
  workersKilled: number;
  coordinatorsKilled: number;
  redisKilled: number;
  redisEmptied: number;
  linesCut: number;
  linesSlow: number;
  linesBad: number;
  workersStopped: number;
  /** Grids of two coordinators that came to their end. */
  grids: number;
  /** Their tasks, and how often one was begun. */
  tasks: number;
  begun: number;
  /** Results of workers that had lost their task meanwhile, and were dropped. */
  dropped: number;
  /** Tasks that three workers had begun and none ended, which is told, and goes on when it is asked for again. */
  toldOfKills: number;
}
const killsIn = (counts: Counts) => counts.workersKilled + counts.coordinatorsKilled + counts.redisKilled;

export interface Strength {
  /** SIGKILLs over coordinators, workers and Redis. */
  readonly kills: number;
  /** Restarts and flushes of Redis together. */
  readonly redis: number;
  /** So long is a worker stopped once in each so many stops; the others are for 0.2 to 3 s. */
  readonly longStop: { readonly ms: number; readonly of: number };
  readonly leaves: number;
  readonly ms: number;
}

/** Workers whose clocks are an hour ahead and behind. */
const skews = ['', '3600e3', '-3600e3'].map((by): Record<string, string> => {
  if (by === '') return {};
  const code = `const now=Date.now;Date.now=()=>now()+${by}`;
  return { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(code)}` };
});

/** Does all that to grids of toy tasks until it was done so often; what came of them must be as one machine computes it. */
export async function faults(
  folder: string,
  { kills, redis: redisFaults, longStop, leaves, ms }: Strength,
  { random, say = () => {} }: { readonly random: () => number; readonly say?: (text: string) => void },
): Promise<Counts> {
  const counts: Counts = {
    ...{ workersKilled: 0, coordinatorsKilled: 0, redisKilled: 0, redisEmptied: 0 },
    ...{ linesCut: 0, linesSlow: 0, linesBad: 0, workersStopped: 0 },
    ...{ grids: 0, tasks: 0, begun: 0, dropped: 0, toldOfKills: 0 },
  };
  const server = await redisServer(folder);
  const proxy = await proxyTo(server.port, random);
  const between = (from: number, to: number) => from + random() * (to - from);
  try {
    while (killsIn(counts) < kills || counts.redisKilled + counts.redisEmptied < redisFaults) {
      await grid(join(folder, `grid-${counts.grids}`));
      counts.grids++;
      say(JSON.stringify(counts));
    }
  } finally {
    proxy.end();
    await server.end();
  }
  await noOrphans();
  return counts;

  async function grid(own: string): Promise<void> {
    const redis = { redis: `${server.url}?lock=1` };
    const lab = laboratory(own, { ...redis, leaves, ms });
    const from = [0, Math.floor(leaves / 2)];
    const expected = await Promise.all(
      from.map(async (first, i) => {
        const alone: Partial<Told> = { from: first, ms: 0, redis: undefined, remote: undefined };
        return (await (
          await lab.coordinator(`alone-${i}`, alone)
        ).ended)!.digests;
      }),
    );
    const undisturbed = await beginsIn(own);
    const workers: Machine[] = [];
    const hire = async (i: number) => {
      const told = i === 2 ? { redis: `redis://127.0.0.1:${proxy.port}?lock=1` } : {};
      for (;;)
        try {
          return await lab.worker(`worker-${i}`, told, skews[i]);
        } catch {
          await sleep(200); // the line or Redis is down
        }
    };
    workers.push(...(await Promise.all(skews.map((_, i) => hire(i)))));
    const running: (Machine | undefined)[] = [];
    const results: (Ended | undefined)[] = from.map(() => undefined);
    const begin = async (i: number) => {
      const machine = await lab.coordinator(`coordinator-${i}`, { from: from[i]! });
      running[i] = machine;
      void machine.ended.then((ended) => {
        if (running[i] === machine) running[i] = undefined;
        if (ended?.failures.length === 0) results[i] = ended;
      });
    };
    await Promise.all(from.map((_, i) => begin(i)));

    const pick = <T>(list: readonly T[]) => list[Math.floor(random() * list.length)]!;
    const faultsOfKind: (() => Promise<void>)[] = [
      async () => {
        const i = Math.floor(random() * workers.length);
        workers[i]!.child.kill('SIGKILL');
        counts.workersKilled++;
        workers[i] = await hire(i);
      },
      async () => {
        const i = pick([0, 1]);
        if (!running[i]) return;
        running[i].child.kill('SIGKILL');
        counts.coordinatorsKilled++;
      },
      async () => {
        await server.kill();
        counts.redisKilled++;
        await sleep(between(0, 500));
        await server.restart();
      },
      async () => {
        await server.command('FLUSHALL');
        counts.redisEmptied++;
      },
      async () => {
        const worker = pick(workers);
        worker.child.kill('SIGSTOP');
        const isLong = counts.workersStopped++ % longStop.of === longStop.of - 1;
        await sleep(isLong ? longStop.ms : between(200, 3000));
        worker.child.kill('SIGCONT');
      },
      async () => {
        proxy.mode = pick(['cut', 'slow', 'bad'] as const);
        counts[({ cut: 'linesCut', slow: 'linesSlow', bad: 'linesBad' } as const)[proxy.mode]]++;
        if (proxy.mode === 'cut') proxy.drop();
        await sleep(between(200, 1500));
        if (proxy.mode === 'bad') proxy.drop(); // what is bad further than the sums of TCP reach is cut
        proxy.mode = 'through';
      },
    ];
    for (let last = 0; results.some((one) => one === undefined); ) {
      for (const [i, result] of results.entries()) {
        if (result || running[i]) continue;
        const ended = await lab.lastEnd(`coordinator-${i}`);
        if (ended?.failures.some(({ code }) => code !== 'E_TASK_CRASHED' && code !== 'E_REDIS'))
          throw new Error(JSON.stringify(ended.failures));
        await begin(i);
      }
      if (Date.now() - last > between(50, 600)) {
        last = Date.now();
        // workers are killed more often than all the rest
        await pick([...faultsOfKind, faultsOfKind[0]!, faultsOfKind[0]!])();
      }
      await sleep(20);
    }
    for (const [i, result] of results.entries()) {
      if (JSON.stringify(sorted(result!.digests)) !== JSON.stringify(sorted(expected[i]!)))
        throw new Error(`grid ${i} of ${own} came to other results`);
    }
    counts.tasks += new Set(expected.flatMap((digests) => Object.keys(digests))).size;
    counts.begun += (await beginsIn(own)) - undisturbed;
    await Promise.all(
      workers.map(async ({ child, ended }) => {
        child.kill('SIGTERM');
        const timer = setTimeout(() => child.kill('SIGKILL'), 15_000);
        await ended;
        clearTimeout(timer);
      }),
    );
    counts.dropped += lab.said(/is lost to another worker/);
    counts.toldOfKills += lab.failed('E_TASK_CRASHED');
  }
}

const sorted = (map: Readonly<Record<string, string>>) => Object.entries(map).sort();
const beginsIn = async (own: string) =>
  (await readFile(join(own, 'begun'), 'utf8').catch(() => '')).split('\n').length - 1;

/** @throws Error where a process that computes has lost its parent and lives on */
export async function noOrphans(): Promise<void> {
  const child = join(root, 'packages/taskgraph/dist/child.js');
  let orphans: string[] = [];
  for (let tries = 0; tries < 50; tries++) {
    const { stdout } = spawnSync('ps', ['-eo', 'ppid=,pid=,args='], { encoding: 'utf8' });
    orphans = stdout.split('\n').filter((line) => /^\s*1\s/.test(line) && line.includes(child));
    if (orphans.length === 0) return;
    await sleep(100);
  }
  throw new Error(`processes without a parent: ${orphans.join('; ')}`);
}
