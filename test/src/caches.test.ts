import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fewstep } from './command-line.js';
import { plain } from './faults/small-store.js';

/** A clone of a project, with a store and results of its own, and a folder that all share. */
let dir: string;
const key = 'the key of the laboratory';
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'fewstep-caches-'));
  await mkdir(join(dir, 'lab'));
  await mkdir(join(dir, 'project/specs'), { recursive: true });
  await writeFile(join(dir, 'project/specs/small.yaml'), plain());
  await writeFile(join(dir, 'project/fewstep.config.yaml'), '# what all of us use\ncache: dir:../lab\n');
});
afterAll(() => rm(dir, { recursive: true, force: true }));

const clone = async (name: string) => {
  await cp(join(dir, 'project'), join(dir, name), { recursive: true });
};
/** A command in a clone; without a word on a cache, that of its fewstep.config.yaml. */
async function command(name: string, args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const finished = await fewstep([...args, '--json'], {
    cwd: join(dir, name),
    env: { FEWSTEP_CACHE: '', FEWSTEP_CACHE_KEY: key, ...env },
  });
  return { ...finished, said: JSON.parse(finished.stdout) };
}
const spec = 'specs/small.yaml';
const table = (name: string) => readFile(join(dir, name, 'results/small/table.md'), 'utf8');
const filesIn = async (folder: string) =>
  (await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => [])).filter((entry) =>
    entry.isFile(),
  ).length;

describe('a cache that the project names', () => {
  it('gives a second clone with an empty store all of it: 0 computed, the same table', async () => {
    for (const name of ['first', 'second']) await clone(name);
    const first = await command('first', ['run', spec]);
    expect(first.stderr).toContain('cache: dir:../lab (fewstep.config.yaml)\nplugin: @fewstep/cache-dir ');
    expect(first.said.tasks).toMatchObject({ computed: 4, local: 0, remote: 0 });
    const second = await command('second', ['run', spec]);
    expect(second.said.tasks).toEqual({ computed: 0, local: 0, remote: 4 });
    expect(await table('second')).toBe(await table('first'));
    const { cache } = JSON.parse(await readFile(join(dir, 'second/results/small/run.json'), 'utf8'));
    expect(cache).toBe('dir:../lab');
  });

  it('is believed by who has its key alone, and told how much is not', async () => {
    await clone('third');
    const { said, stderr } = await command('third', ['plan', spec], {
      FEWSTEP_CACHE_KEY: 'another key of somebody',
    });
    expect(said.tasks).toEqual({ found: 0, remote: 0, toCompute: 4 });
    expect(stderr).toMatch(
      /1 of the results of the cache @fewstep\/cache-dir count as not there, for it is not signed/,
    );
    expect(stderr).not.toContain('another key');
  });

  it('comes after --cache, also where that says none', async () => {
    const { said } = await command('third', ['plan', spec, '--cache', 'none']);
    expect(said.tasks).toEqual({ found: 0, remote: 0, toCompute: 4 });
  });

  it('may be copied to and from, in both directions as often as one likes', async () => {
    await clone('fourth');
    const pull = await command('fourth', ['cache', 'pull', spec]);
    expect(pull.said).toMatchObject({ found: 4, there: 0, missing: 0, toCompute: 0 });
    expect(pull.said.files).toBeGreaterThan(3);
    const alone = await command('fourth', ['run', spec, '--cache', 'none']);
    expect(alone.said.tasks).toEqual({ computed: 0, local: 4, remote: 0 });
    const other = ['--cache', `dir:${join(dir, 'other')}`];
    await mkdir(join(dir, 'other'));
    const push = await command('fourth', ['cache', 'push', '--all', ...other]);
    expect(push.said).toMatchObject({ sent: 4, there: 0, failed: 0, bytes: pull.said.bytes });
    expect((await command('fourth', ['cache', 'push', spec, ...other])).said).toMatchObject({
      sent: 0,
      there: 4,
      bytes: 0,
    });
    expect(await filesIn(join(dir, 'other'))).toBe(await filesIn(join(dir, 'lab')));
  });

  it('and the store refuse what another kind of device computed where that is asked for', async () => {
    const records = join(dir, 'fourth/.fewstep/records');
    for (const entry of await readdir(records, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      const path = join(entry.parentPath, entry.name);
      const { digest: _, signature: __, ...record } = JSON.parse(await readFile(path, 'utf8'));
      record.provenance.device = { type: 'webgpu' };
      await writeFile(path, JSON.stringify(record));
    }
    const run = ['run', spec, '--cache', 'none', '--same-device'];
    expect((await command('fourth', run)).said.tasks).toEqual({ computed: 4, local: 0, remote: 0 });
    expect((await command('fourth', run)).said.tasks).toEqual({ computed: 0, local: 4, remote: 0 });
  });
});

it('a folder that is not mounted is told of once, and costs nothing else', async () => {
  const { code, said, stderr } = await command('third', ['run', spec, '--cache', 'dir:/nowhere/lab']);
  expect([code, said.tasks.computed]).toEqual([0, 4]);
  expect(
    stderr.match(
      /the cache @fewstep\/cache-dir fails \(ENOENT: .*\/nowhere\/lab'\): the run goes on without it/g,
    ),
  ).toHaveLength(1);
  const pull = await command('third', [
    'cache',
    'pull',
    spec,
    '--cache',
    'dir:/nowhere/lab',
    '--store',
    'new',
  ]);
  expect([pull.code, pull.said]).toMatchObject([1, { found: 0, toCompute: 4, error: { code: 'E_CACHE' } }]);
});

it('what can’t be meant is refused', async () => {
  const push = ['cache', 'push', spec, '--cache', 'dir:../lab,ro'];
  expect((await command('third', push)).stderr).toContain(
    'E_CACHE the cache dir:../lab is only read (--cache: ,ro)',
  );
  const short = await command('third', ['cache', 'pull', spec, '--cache', 'none'], {
    FEWSTEP_CACHE_KEY: 'short',
  });
  expect([short.code, short.stderr]).toEqual([
    2,
    expect.stringMatching(/E_CACHE FEWSTEP_CACHE_KEY has 5 characters/),
  ]);
});
