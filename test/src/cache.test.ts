import { chmod, copyFile, cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Finished, fewstep } from './command-line.js';
import { blobPath, plain, recordsOf, removeAll, run } from './faults/small-store.js';

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'fewstep-'));
  await writeFile(join(dir, 'a.yaml'), plain({ name: 'a' }));
  await writeFile(join(dir, 'b.yaml'), plain({ name: 'b' }).replace('num_steps: 2', 'num_steps: 3'));
  const { code, stderr } = await fewstep(['run', 'a.yaml', 'b.yaml'], { cwd: dir });
  expect(code, stderr).toBe(0);
});
afterAll(() => removeAll([dir]));

const cache = (...args: readonly string[]): Promise<Finished> => fewstep(['cache', ...args], { cwd: dir });
/** What a command answers with --json, which must end well. */
const told = async (...args: readonly string[]) => {
  const { code, stdout, stderr } = await cache(...args, '--json');
  expect(code, stderr).toBe(0);
  return JSON.parse(stdout);
};
/** A store like the first, to spoil. */
const copied = async (name: string): Promise<string> => {
  await cp(join(dir, '.fewstep'), join(dir, name), { recursive: true });
  return join(dir, name);
};
const kindsIn = async (store: string) =>
  (await recordsOf(store)).map(({ record }) => record.components.kind).sort();

// each spec has samples, a picture and a comparison of its own, and they share the denoiser
const kinds = ['comparison', 'denoiser', 'picture', 'samples'];
const both = ['comparison', 'comparison', 'denoiser', 'picture', 'picture', 'samples', 'samples'];

describe('cache', () => {
  it.concurrent('ls tells what the store holds by kind, and what specs reach of it', async () => {
    const all = await told('ls', 'a.yaml', '--by', 'age');
    const bytes = (list: readonly { bytes: number }[]) => list.reduce((sum, one) => sum + one.bytes, 0);
    expect(all).toMatchObject({ store: join(dir, '.fewstep'), results: 7, incomplete: 0, pins: [] });
    expect(all.kinds[0]).toMatchObject({ kind: 'denoiser', results: 1 });
    // the row of a picture is the file of its samples, which counts once
    expect(all.bytes).toBeLessThan(bytes(all.kinds));
    expect(all.seconds).toBeGreaterThan(0);
    const [reached] = all.reached;
    expect(reached).toMatchObject({ name: 'a', results: 4 });
    expect(reached.kinds.map(({ kind }: { kind: string }) => kind).sort()).toEqual(kinds);
    const { stdout } = await cache('ls');
    expect(stdout).toMatch(/^\.fewstep: 7 results, [\d.]+ kB, /);
    expect(stdout).toMatch(/^samples +2 +/m);
    for (const line of stdout.split('\n')) expect(line.length).toBeLessThan(80);
  });

  it.concurrent('gc says what would go, removes it with --yes, and leaves what specs reach and what is pinned', async () => {
    const store = await copied('collected');
    const gc = (...args: readonly string[]) => told('gc', '--store', store, ...args);
    const seen = await gc('--unreachable-from', 'a.yaml');
    expect(seen).toMatchObject({ removed: false, results: 3, stayed: { pinned: 0, held: 0 } });
    expect(await kindsIn(store)).toEqual(both);
    expect(await told('pin', 'b.yaml', '--store', store, '--name', 'paper')).toMatchObject({
      pins: [{ name: 'paper', of: ['b.yaml'], results: 4 }],
    });
    expect((await told('ls', '--store', store)).pins).toMatchObject([{ name: 'paper', keys: 4, results: 4 }]);
    expect(await gc('--unreachable-from', 'a.yaml', '--yes')).toMatchObject({
      results: 0,
      stayed: { pinned: 3 },
    });
    const { stdout } = await cache('gc', '--store', store, '--max-size', '0 B', '--yes');
    expect(stdout).toMatch(/^removed: 3 results, [\d.]+ kB in \d+ files of collected; /m);
    expect(stdout).toContain('4 results more, which are pinned, stay');
    expect(stdout).toContain('that is more than 0 B: nothing else may go');
    expect(await kindsIn(store)).toEqual(kinds);
    const again = await run(dir, ['b.yaml', '--store', store]);
    expect(again.tasks).toMatchObject({ computed: 0 });
    const unknown = await cache('unpin', 'papers', '--store', store);
    expect([unknown.code, unknown.stderr]).toEqual([2, expect.stringMatching(/^E_PIN "papers".*paper/)]);
    await told('unpin', 'paper', '--store', store);
    expect(await gc('--max-size', '0kB', '--yes')).toMatchObject({ results: 4, left: 0 });
  });

  it.concurrent('verify tells what is damaged and what it was made by, and removes it with --repair', async () => {
    const store = await copied('damaged');
    expect(await told('verify', '--store', store)).toMatchObject({ records: 7, damaged: [], incomplete: [] });
    const samples = (await recordsOf(store)).filter(({ record }) => record.components.kind === 'samples');
    const [spoilt, lost] = samples.map(({ record }) => record);
    const path = blobPath(store, spoilt!.outputs!.images!.digest);
    await chmod(path, 0o644);
    await writeFile(path, 'not what it was');
    await rm(blobPath(store, lost!.outputs!.images!.digest));
    const { code, stdout, stderr } = await cache('verify', '--store', 'damaged');
    expect([code, stderr]).toEqual([1, expect.stringMatching(/^E_STORE_DAMAGED 1 of .*--repair/m)]);
    expect(stdout).toContain(`, of samples ${spoilt!.key.slice(0, 12)}…`);
    expect(stdout).toContain(`not here: images of samples ${lost!.key.slice(0, 12)}…`);
    const repaired = await told('verify', '--store', store, '--repair');
    expect(repaired).toMatchObject({ damaged: [{ path, what: 'file' }], removed: 1 });
    expect((await told('verify', '--store', store)).damaged).toEqual([]);
  });

  it.concurrent('why tells which task made a key, a file or a result, from what, and who needs it', async () => {
    const samples = (await recordsOf(join(dir, '.fewstep'))).filter(
      ({ record }) => record.components.kind === 'samples',
    );
    const [{ record }] = samples as [(typeof samples)[number]];
    const byKey = await told('why', record.key, 'a.yaml', 'b.yaml');
    const byFile = await told('why', samples[0]!.path, 'a.yaml', 'b.yaml');
    expect(byFile).toEqual(byKey);
    expect(byKey.results).toMatchObject([
      { kind: 'samples', key: record.key, usedBy: { picture: 1 }, pins: [], reachedBy: [expect.any(String)] },
    ]);
    const made = byKey.results[0].inputs.find(({ name }: { name: string }) => name === 'graph');
    expect(made.by).toMatchObject([{ kind: 'denoiser' }]);
    const grid = join(dir, 'results/a/euler/grid.png');
    await mkdir(join(dir, 'elsewhere'));
    await copyFile(grid, join(dir, 'elsewhere/x.png'));
    const { stdout } = await cache('why', 'elsewhere/x.png', 'a.yaml', 'b.yaml');
    expect(stdout).toMatch(/^picture [0-9a-f]{64}\n/);
    expect(stdout).toMatch(/^ {2}from {6}images: samples [0-9a-f]{12}…$/m);
    expect(stdout).toMatch(/^ {2}used by {3}1 comparison$/m);
    expect(stdout).toMatch(/^ {2}reached {3}by a\.yaml$/m);
    const none = await cache('why', 'results/a/table.md');
    expect([none.code, none.stderr]).toEqual([2, expect.stringMatching(/^E_STORE_MISS .*table\.md/)]);
  });
});

it.concurrent.each([
  [['gc', '--older-than', '3'], /--older-than is "3".*30d/],
  [['gc', '--max-size', '20'], /--max-size is "20".*20GB/],
  [['why', 'none.png'], /none\.png is no file/],
])('cache %j is refused in words', async (args, words) => {
  const { code, stderr } = await cache(...args);
  expect([code, stderr]).toEqual([2, expect.stringMatching(words)]);
});
