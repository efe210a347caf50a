import { type ChildProcess, fork } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { randomOf } from './random-graphs.test.support.js';
import { openStore } from './store/store.js';

/** Graphs of a run in all, and how many share their coordinators; `npm run properties` asks for more. */
const graphs = Number(process.env.FEWSTEP_REAL_GRAPHS ?? 120);
const atOnce = 40;
const kills = 3;

const coordinator = fileURLToPath(new URL('../dist/real-graphs.test.support.js', import.meta.url));

/** Collects all garbage that it may, from every store, until it is told to end. */
function collector(folder: string) {
  const counts = { collected: 0, held: 0 };
  const pass = async () => {
    for (const name of await readdir(folder)) {
      if (!name.startsWith('store-')) continue;
      const { entries, stayed } = await (await openStore(join(folder, name))).collectGarbage({ maxBytes: 0 });
      counts.collected += entries.length;
      counts.held += stayed.held;
    }
  };
  let isOver = false;
  let passes = Promise.resolve();
  /** One more, when the others have ended. */
  const collect = (): Promise<void> => {
    passes = passes.then(pass);
    return passes;
  };
  const collecting = (async () => {
    for (; !isOver; await sleep(200)) await collect();
  })();
  return {
    collect,
    async end(): Promise<typeof counts> {
      isOver = true;
      await collecting;
      return counts;
    },
  };
}

/** Waits until there are so many stores with a record, for which a coordinator takes longer where others compute. */
async function wrote(folder: string, stores: number): Promise<void> {
  const hasRecord = async (name: string) => {
    const files = await readdir(join(folder, name, 'records'), { recursive: true }).catch(() => []);
    return files.some((file) => file.endsWith('.json'));
  };
  for (; ; await sleep(20)) {
    const names = (await readdir(folder)).filter((name) => name.startsWith('store-'));
    const all = await Promise.all(names.map(hasRecord));
    if (all.filter((one) => one).length > stores) return;
  }
}

/** Loses, cuts or spoils a file of a store. */
async function damage(folder: string, random: () => number): Promise<void> {
  const stores = (await readdir(folder)).filter((name) => name.startsWith('store-'));
  if (stores.length === 0) return;
  const store = join(folder, stores[Math.floor(random() * stores.length)]!);
  const files = (await readdir(store, { recursive: true, withFileTypes: true })).filter(
    (entry) =>
      entry.isFile() && /(blobs|records|shards|files)(\/|$)/.test(entry.parentPath.slice(store.length)),
  );
  const file = files[Math.floor(random() * files.length)];
  if (!file) return;
  const path = join(file.parentPath, file.name);
  const way = random();
  if (way < 0.4) await rm(path);
  else if (way < 0.7) await truncate(path, 5);
  else await rm(path).then(() => writeFile(path, 'another content'));
}

it.skipIf(!existsSync(coordinator))(
  `gives what it must on a real disk, whoever is killed and whatever is collected (${graphs} graphs)`,
  { timeout: graphs * 2000 },
  async () => {
    const random = randomOf(7);
    for (let first = 0; first < graphs; first += atOnce) {
      const folder = await mkdtemp(join(tmpdir(), 'taskgraph-real-'));
      await writeFile(join(folder, 'outside'), 'content from outside');
      const start = (): ChildProcess =>
        fork(coordinator, [folder, String(first), String(atOnce)], {
          stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
        });
      const collecting = collector(folder);
      let killed = 0;
      for (let i = 0; i < kills; i++) {
        const running = start();
        const ended = new Promise((resolve) => running.once('exit', resolve));
        await Promise.race([ended, wrote(folder, i).then(() => sleep(random() * 300))]);
        if (running.kill('SIGKILL')) killed++;
        await ended;
        await collecting.collect(); // what nobody holds now
        for (let times = 0; times < 5; times++) await damage(folder, random);
      }
      const last = start();
      let said = '';
      last.stdout!.on('data', (chunk) => {
        said += chunk;
      });
      await new Promise((resolve) => last.once('close', resolve));
      const counts = await collecting.end();
      const outcomes = said
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line));
      expect(outcomes.map(({ seed }) => seed).sort((a, b) => a - b)).toEqual(
        Array.from({ length: atOnce }, (_, i) => first + i),
      );
      expect(outcomes.flatMap(({ wrong }) => wrong)).toEqual([]);
      expect(killed).toBeGreaterThan(0);
      expect(counts.collected).toBeGreaterThan(0);
      expect(counts.held).toBeGreaterThan(0);
      await rm(folder, { recursive: true });
    }
  },
);
