import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { execute, graphBuilder, kind, localExecutor, openStore, params } from '@fewstep/taskgraph';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';

/** Tasks that end when as many have begun as are to run at once, and tell where they ran. */
const source = `
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
const run = async ({ params: { meeting, together, i }, device, dir }) => {
  await mkdir(meeting, { recursive: true });
  await writeFile(join(meeting, String(i)), '');
  while ((await readdir(meeting)).length < together) await sleep(5);
  await writeFile(join(dir, 'out'), String(i));
  return { files: { out: 'out' }, meta: { pid: process.pid, threads: process.env.OMP_NUM_THREADS ?? '', device } };
};
export const kinds = { probe: { name: 'probe', revision: 1, packages: [], params: {}, inputs: {}, outputs: { out: 'file' }, run: async () => ({ run }) } };
`;
const probe = kind({
  name: 'probe',
  revision: 1,
  packages: [],
  params: params<{ meeting: string; together: number; i: number }>(),
  inputs: {},
  outputs: { out: 'file' },
  run: async () => ({}),
});

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'fewstep-executor-'));
  await writeFile(join(dir, 'kinds.mjs'), source);
});
afterAll(() => rm(dir, { recursive: true, force: true }));

async function meet(name: string, devices: readonly string[], jobs: number, together: number) {
  const executor = localExecutor({ kinds: pathToFileURL(join(dir, 'kinds.mjs')), devices, jobs });
  const graph = graphBuilder();
  const tasks = Array.from({ length: together }, (_, i) =>
    graph.task(probe, { title: `probe ${i}`, params: { meeting: join(dir, name), together, i }, inputs: {} }),
  );
  try {
    const store = await openStore(join(dir, `${name}-store`));
    const { records, failures } = await execute(tasks, { store, executor, versions: {} });
    expect([...failures.values()]).toEqual([]);
    return { slots: executor.slots, records: [...records.values()] };
  } finally {
    await executor.close();
  }
}

it('gives each device tasks of its own, in processes that share the cores', async () => {
  vi.stubEnv('OMP_NUM_THREADS', undefined);
  const { slots, records } = await meet('two-devices', ['left', 'right'], 2, 4);
  expect(slots).toBe(4);
  expect(new Set(records.map(({ meta }) => meta.pid)).size).toBe(4);
  const devices = records.map(({ provenance }) => provenance.device);
  expect(devices.sort()).toEqual(['left', 'left', 'right', 'right']);
  for (const { meta, provenance } of records) {
    expect(meta.device).toEqual(provenance.device);
    expect(meta.threads).toBe(String(Math.max(1, Math.floor(availableParallelism() / 4))));
  }
  vi.unstubAllEnvs();
});

it('leaves the cores to whoever has set their number, and all of them to a single process', async () => {
  vi.stubEnv('OMP_NUM_THREADS', undefined);
  expect((await meet('alone', ['only'], 1, 1)).records[0]!.meta.threads).toBe('');
  vi.stubEnv('OMP_NUM_THREADS', '7');
  expect((await meet('told', ['only'], 2, 2)).records.map(({ meta }) => meta.threads)).toEqual(['7', '7']);
  vi.unstubAllEnvs();
});

it('begins nothing that was cancelled while its inputs were looked for', async () => {
  const executor = localExecutor({ kinds: pathToFileURL(join(dir, 'kinds.mjs')) });
  const stop = new AbortController();
  const began = vi.fn();
  const running = executor.run({
    ...{ key: 'k', kind: probe, versions: {}, hints: {}, dir, signal: stop.signal },
    params: { meeting: join(dir, 'nobody'), together: 2, i: 0 },
    inputs: { some: [{ digest: 'd', size: 1 }] },
    locate: async () => {
      stop.abort();
      return join(dir, 'some');
    },
    onStart: began,
    onProgress: () => {},
    onWarning: () => {},
  });
  await expect(running).rejects.toMatchObject({ code: 'E_INTERRUPTED' });
  expect(began).not.toHaveBeenCalled();
  await executor.close();
});
