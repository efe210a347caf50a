import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fewstep, start } from './command-line.js';
import { plain } from './faults/small-store.js';
import { noOrphans } from './many-machines/faults.js';
import { laboratory } from './many-machines/laboratory.js';
import { noRedis, type RedisServer, redisServer } from './many-machines/redis-server.js';

let dir: string;
let redis: RedisServer;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'fewstep-machines-'));
  if (!noRedis) redis = await redisServer(dir);
});
afterAll(async () => {
  await redis?.end();
  await rm(dir, { recursive: true, force: true });
});

/** A laboratory with a database of its own, whose workers are given up after a second. */
const lab = (database: number) => {
  const folder = join(dir, `lab-${database}`);
  const begun = async () => (await readFile(join(folder, 'begun'), 'utf8')).trim().split('\n');
  return { ...laboratory(folder, { redis: `${redis.url}/${database}?lock=1` }), begun };
};

describe.skipIf(noRedis)('a grid on many machines (needs redis-server)', () => {
  it.concurrent('is computed once for two who start overlapping ones, and as one machine computes it', async () => {
    const { coordinator, worker, begun } = lab(0);
    const workers = await Promise.all([worker('w1'), worker('w2')]);
    const both = await Promise.all([
      coordinator('c1', { leaves: 6, ms: 20 }),
      coordinator('c2', { leaves: 6, ms: 20 }),
    ]);
    const [one, other] = await Promise.all(both.map(({ ended }) => ended));
    expect(one!.failures).toEqual([]);
    expect(Object.keys(one!.digests)).toHaveLength(13);
    expect(other!.digests).toEqual(one!.digests);
    expect((await begun()).length).toBe(13);
    const alone = await coordinator('alone', { leaves: 6, redis: undefined, remote: undefined });
    expect((await alone.ended)!.digests).toEqual(one!.digests);
    for (const { child } of workers) child.kill('SIGTERM');
    await Promise.all(workers.map(({ ended }) => ended));
  });

  it.concurrent('takes no result of a worker that was stopped for long and lost its task', async () => {
    const { coordinator, worker } = lab(1);
    const stale = await worker('stale');
    const asked = await coordinator('c', { leaves: 1, ms: 1500 });
    await asked.until((line) => line.started === 'leaf 0');
    stale.child.kill('SIGSTOP');
    const fresh = await worker('fresh');
    await fresh.until((line) => /^leaf/.test(String(line.said)));
    await sleep(200);
    stale.child.kill('SIGCONT');
    await stale.until((line) => /is lost to another worker: what it had is dropped/.test(String(line.said)));
    expect((await asked.ended)!.failures).toEqual([]);
    for (const { child } of [stale, fresh]) child.kill('SIGKILL');
  });

  it.concurrent('is refused by name by a worker of other versions, which the run says', async () => {
    const { coordinator, worker } = lab(2);
    const other = await worker('other', { version: '2.0.0' });
    const asked = await coordinator('c', { leaves: 1 });
    const refusal = /refuses leaf: toys 1\.0\.0 is asked for, and it has 2\.0\.0/;
    await asked.until((line) => refusal.test(String(line.said)));
    const right = await worker('right');
    await asked.until((line) => line.computed === 'leaf 0');
    other.child.kill('SIGTERM');
    const ended = await asked.ended;
    expect(ended!.failures).toEqual([]);
    expect(ended!.computed).toBe(3);
    right.child.kill('SIGKILL');
  });

  it.concurrent('reports a task that ended three workers, and gives it to no other', async () => {
    const { coordinator, worker } = lab(3);
    const asked = await coordinator('c', { odd: 'killer' });
    const pids: number[] = [];
    for (const name of ['w1', 'w2', 'w3', 'w4']) {
      const { child, ended } = await worker(name);
      pids.push(child.pid!);
      if (name === 'w4') break;
      await ended;
    }
    const { failures } = (await asked.ended)!;
    expect(failures).toMatchObject([{ code: 'E_TASK_CRASHED' }]);
    const { message } = failures[0]!;
    expect(message).toMatch(/^3 workers ended while they computed it/);
    for (const pid of pids.slice(0, 3)) expect(message).toContain(`process ${pid} began it`);
    process.kill(pids[3]!, 'SIGKILL');
  });

  it.concurrent('is given back by a worker that is told to end, and needs files that all reach', async () => {
    const { coordinator, worker } = lab(6);
    const [alone, asked] = await Promise.all([
      worker('w1', { remote: undefined }),
      coordinator('c', { leaves: 1, ms: 1000 }),
    ]);
    const { failures } = (await asked.ended)!;
    expect(failures.map(({ code }) => code)).toContain('E_TASK_INPUT');
    expect(failures[0]!.message).toMatch(/a run and its workers need one --cache, or one --store\.$/);
    alone.child.kill('SIGTERM');
    await alone.ended;
    const leaving = await worker('w2');
    const again = await coordinator('c', { leaves: 1, ms: 1000 });
    await again.until((line) => line.started === 'leaf 0');
    leaving.child.kill('SIGTERM');
    const staying = await worker('w3');
    expect((await again.ended)!.failures).toEqual([]);
    await leaving.ended;
    expect(leaving.lines.map(({ said }) => said)).toContainEqual(expect.stringMatching(/is given back$/));
    staying.child.kill('SIGKILL');
  });

  it.concurrent('tells why a task failed, and asks anew the next time', async () => {
    const { coordinator, worker, begun } = lab(4);
    const serving = await worker('w');
    for (const times of [1, 2]) {
      const { ended } = await coordinator('c', { odd: 'fail' });
      expect((await ended)!.failures).toEqual([{ code: 'E_TOY', message: 'it is told to fail' }]);
      expect(await begun()).toHaveLength(times);
    }
    serving.child.kill('SIGKILL');
  });

  it.concurrent('is taken out of the queue where its run is ended; code is never put there', async () => {
    const { coordinator } = lab(5);
    const client = new Redis(`${redis.url}/5`).on('error', () => {});
    const asked = await coordinator('c', { leaves: 3 });
    while ((await client.llen('fewstep:cpu:wait')) < 3) await sleep(20);
    asked.child.kill('SIGTERM');
    expect((await asked.ended)!.failures.map(({ code }) => code)).toContain('E_INTERRUPTED');
    expect(await client.keys('fewstep:cpu:t-*')).toEqual([]);
    const { ended } = await coordinator('c', { odd: 'code' });
    expect((await ended)!.failures).toEqual([]);
    expect(await client.keys('fewstep:cpu:t-*')).toEqual([]);
    client.disconnect();
  });

  it.concurrent('is computed by the command line, and no password is told to anybody', async () => {
    const home = join(dir, 'home');
    await mkdir(home);
    await writeFile(join(home, 'spec.yaml'), plain());
    const password = 'hush-hush-hush';
    const own = await redisServer(home, password);
    const env = { FEWSTEP_STORE: join(home, 'store'), FEWSTEP_REDIS: own.url };
    const { child, finished } = start(['worker', '--executor', 'bullmq', '--jobs', '2'], { cwd: home, env });
    const run = await fewstep(['run', 'spec.yaml', '--json', '--redis', own.url], { cwd: home, env });
    expect(run.code, run.stderr).toBe(0);
    expect(JSON.parse(run.stdout).tasks).toMatchObject({ computed: 4, local: 0 });
    child.kill('SIGTERM');
    const worker = await finished;
    expect(worker).toMatchObject({ code: 0, stderr: expect.stringContaining('at once 2 of cpu\n') });
    expect(worker.stderr.match(/^(denoiser|samples|picture|comparison) [0-9a-f]{12}$/gm)).toHaveLength(4);
    const record = JSON.parse(await readFile(join(home, 'results/small/run.json'), 'utf8'));
    expect(record.executor).toBe(`bullmq:redis://…@127.0.0.1:${own.port}`);
    await own.command('CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lru');
    const wrong = own.url.replace(password, `${password}-not`);
    const [lax, stranger] = await Promise.all([
      fewstep(['worker', '--executor', 'bullmq'], { cwd: home, env }),
      fewstep(['worker', '--redis', wrong], { cwd: home, env }),
    ]);
    expect(lax.code).toBe(2);
    expect(lax.stderr).toMatch(/^E_REDIS redis:\/\/…@\S+ throws away .*maxmemory-policy allkeys-lru/m);
    expect(stranger.code).toBe(1);
    expect(stranger.stderr).toMatch(/^E_REDIS redis:\/\/…@\S+ can't be used \(.*WRONGPASS/m);
    await own.end();
    await rm(join(home, 'appendonlydir'), { recursive: true });
    for (const entry of await readdir(home, { recursive: true, withFileTypes: true }))
      if (entry.isFile())
        expect(await readFile(join(entry.parentPath, entry.name), 'latin1')).not.toContain(password);
    for (const { stdout, stderr } of [run, worker, lax, stranger])
      expect(stdout + stderr).not.toContain(password);
  });

  it('gets over a worker that is killed, and a Redis that is restarted and emptied', async () => {
    const own = await redisServer(await mkdtemp(join(dir, 'redis-')));
    const folder = join(dir, 'faults');
    const { coordinator, worker } = laboratory(folder, { redis: `${own.url}?lock=1` });
    const [first, second] = [await worker('w1'), await worker('w2')];
    const asked = await coordinator('c', { leaves: 8, ms: 100 });
    await asked.until((line) => 'started' in line);
    first.child.kill('SIGKILL');
    await own.kill();
    await own.restart();
    await asked.until((line) => 'computed' in line);
    await own.command('FLUSHALL');
    const ended = await asked.ended;
    expect(ended!.failures).toEqual([]);
    const alone = await coordinator('alone', { leaves: 8, redis: undefined, remote: undefined });
    expect((await alone.ended)!.digests).toEqual(ended!.digests);
    second.child.kill('SIGTERM');
    await second.ended;
    await own.end();
    await noOrphans();
  });
});
