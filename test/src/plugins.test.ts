import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fewstep, root } from './command-line.js';
import { plain } from './faults/small-store.js';

/** A cache of a laboratory's own, as the README has it, and a server that it speaks to. */
const readme = await readFile(join(root, 'packages/runner/README.md'), 'utf8');
const cacheHttp = /```js\n(\/\/ cache-http\.mjs[\s\S]*?)```/.exec(readme)![1]!;
const kept = new Map<string, Buffer>();
const server = createServer(async (request, response) => {
  const url = request.url!;
  if (request.method === 'PUT') kept.set(url, await buffer(request));
  response.writeHead(kept.has(url) ? 200 : 404);
  response.end(request.method === 'GET' ? kept.get(url) : undefined);
});

/**
 * An executor whose tasks see another root folder, as on another machine: files of the store are copied there by digest,
 * those from outside are left where they are, and what reads them runs here.
 */
const executorElsewhere = `
import { copyFile, mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';

export const executor = ({ place, here }) => ({
  slots: 1,
  async run(job) {
    if (Object.values(job.inputs).flat().some((input) => 'file' in input)) return here.run(job);
    const dir = join(place, job.key);
    await mkdir(dir, { recursive: true });
    const locate = async (input) => {
      const path = join(place, input.digest);
      await copyFile(await job.locate(input), path);
      return path;
    };
    const result = await here.run({ ...job, dir, locate });
    for (const name of await readdir(dir)) await copyFile(join(dir, name), join(job.dir, name));
    return { ...result, device: 'elsewhere' };
  },
  close: async () => {},
});
`;

let dir: string;
let http: string;
const pack = async (
  name: string,
  source: string,
  manifest: object = { exports: { default: './index.js' } },
) => {
  const folder = join(dir, 'node_modules', name);
  await mkdir(folder, { recursive: true });
  const all = { name, version: '1.2.3', type: 'module', ...manifest };
  await writeFile(join(folder, 'package.json'), JSON.stringify(all));
  await writeFile(join(folder, 'index.js'), source);
};
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'fewstep-plugins-'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  http = `@lab/cache-http:http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  await pack('@lab/cache-http', cacheHttp);
  await pack('@fewstep/executor-elsewhere', executorElsewhere);
  await pack('@lab/broken', `throw new Error('out of order');`);
  await pack('@lab/other', `export const another = 1;`);
  await pack('@lab/old', '', { exports: { import: './index.js' } });
  await pack('@lab/source', '', { exports: { default: './dist/index.js' } });
  const no = `const no = async () => { throw new Error('no line'); };`;
  await pack('@lab/dead', `${no} export const cache = () => ({ has: no, get: no, put: no });`);
  await pack('@lab/half', `export const cache = () => ({ get: async () => undefined });`);
  await pack(
    '@lab/slack',
    `export const executor = () => ({ run: async () => ({}), close: async () => {} });`,
  );
  const picky = `if (!place) throw new Error('a place is missing');`;
  await pack('@lab/picky', `export const cache = ({ place }) => { ${picky} };`);
  await mkdir(join(dir, 'specs'));
  await writeFile(join(dir, 'specs/small.yaml'), plain());
});
afterAll(async () => {
  server.close();
  await rm(dir, { recursive: true, force: true });
});

/** From a folder that is not above the packages: they are found beside the spec. */
const run = async (...args: string[]) => {
  const finished = await fewstep(['run', join(dir, 'specs/small.yaml'), '--json', ...args], {
    cwd: tmpdir(),
  });
  return { ...finished, ...(finished.code === 0 && JSON.parse(finished.stdout)) };
};
const places = (name: string) => ['--store', join(dir, name), '--results', join(dir, `${name}-results`)];

describe('a cache by a plugin', () => {
  const cached = (name: string) => run(...places(name), '--cache', http);

  it('gives a second clone everything, and says so in its report', async () => {
    const first = await cached('first');
    expect(first.tasks).toMatchObject({ local: 0, remote: 0 });
    const second = await cached('second');
    expect(second.tasks).toEqual({ computed: 0, local: 0, remote: first.tasks.computed });
    expect(second.stderr).toContain('plugin: @lab/cache-http 1.2.3\n');
    const report = JSON.parse(await readFile(join(dir, 'second-results/small/report.json'), 'utf8'));
    expect(report.plugins).toEqual([{ name: '@lab/cache-http', version: '1.2.3' }]);
    const picture = (name: string, file: string) => readFile(join(dir, `${name}-results/small`, file));
    const comparison = await picture('first', 'comparison.png');
    expect((await picture('second', 'comparison.png')).equals(comparison)).toBe(true);
    // computed or fetched, the receipt is one
    const receipt = (name: string) => readFile(join(dir, `${name}-results/small/receipt.json`), 'utf8');
    expect(await receipt('second')).toBe(await receipt('first'));
    const grid = createHash('sha256').update(await picture('first', 'euler/grid.png'));
    const [euler] = JSON.parse(await receipt('first')).points;
    expect(euler.files.grid).toBe(grid.digest('hex'));
    // a run that fails has none
    const broken = join(root, 'experiments/digits/digits-32x32.zip');
    const failed = await run(...places('first'), '--set', `dataset.checkpoint=${broken}`);
    expect(failed.code).toBe(1);
    const [beside] = (await readdir(join(dir, 'first-results'))).filter((name) => name.includes('+'));
    expect(beside).toMatch(/^small\+dataset\.checkpoint=-.*-[0-9a-f]{8}$/);
    const left = await readdir(join(dir, 'first-results', beside!));
    expect(left).toContain('report.json');
    expect(left).not.toContain('receipt.json');
    // the network, which is no result, was not fetched
    const blobs = (name: string) => readdir(join(dir, name, 'blobs'), { recursive: true });
    expect((await blobs('second')).length).toBeLessThan((await blobs('first')).length);
  });

  it('is told of once where it fails, and costs nothing else', async () => {
    const { code, stderr, tasks } = await run(...places('third'), '--cache', '@lab/dead');
    expect(code).toBe(0);
    expect(stderr.match(/the cache @lab\/dead fails \(no line\)/g)).toHaveLength(1);
    expect(tasks.computed).toBeGreaterThan(0);
  });

  it('counts in a plan', async () => {
    const args = ['--store', join(dir, 'fourth'), '--cache', http];
    const { stdout } = await fewstep(['plan', join(dir, 'specs/small.yaml'), '--json', ...args], {
      cwd: tmpdir(),
    });
    expect(JSON.parse(stdout).tasks.toCompute).toBe(0);
  });
});

it('computes by an executor of a plugin, and the records say where', async () => {
  const { code, stderr } = await run(...places('away'), '--executor', `elsewhere:${join(dir, 'other')}`);
  expect([code, stderr]).toEqual([0, expect.stringContaining('plugin: @fewstep/executor-elsewhere 1.2.3\n')]);
  const folder = join(dir, 'away/records');
  const devices: Record<string, unknown> = {};
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const record = JSON.parse(await readFile(join(entry.parentPath, entry.name), 'utf8'));
    devices[record.components.kind] = record.provenance.device;
  }
  // what reads a file from outside runs where that is
  expect(devices.denoiser).toEqual({ type: 'cpu' });
  expect(devices.samples).toBe('elsewhere');
});

it('refuses an executor that does not say how many jobs run at once, which would wait for ever', async () => {
  const { code, stderr } = await run(...places('slack'), '--executor', '@lab/slack');
  expect([code, stderr]).toEqual([
    2,
    expect.stringContaining('@lab/slack 1.2.3 is no executor: what it gives has slots undefined'),
  ]);
});

describe('a plugin that does not do', () => {
  it.each([
    [
      'folders',
      /E_PLUGIN the cache "folders" is not installed: no package @fewstep\/cache-folders from .*specs upwards, nor beside fewstep. npm install @fewstep\/cache-folders/,
    ],
    ['@lab/broken', /E_PLUGIN @lab\/broken 1.2.3 can't be loaded \(out of order\)/],
    ['@lab/other', /E_PLUGIN @lab\/other 1.2.3 is no cache: its module exports no function `cache`/],
    ['@lab/old', /E_PLUGIN @lab\/old is installed, and has no module \("exports" with "default"\)/],
    [
      '@lab/source',
      /E_PLUGIN @lab\/source is installed, and .* is not there; build it first: .*dist\/index.js/,
    ],
    ['@lab/half', /E_PLUGIN @lab\/half 1.2.3 is no cache: what it gives has no method `has`/],
    ['@lab/picky', /E_PLUGIN @lab\/picky 1.2.3 can't be used \(a place is missing\)/],
    ['../x', /E_PLUGIN "..\/x" names no cache/],
    ['', /E_PLUGIN "" names no cache/],
  ])('%s: the command says why, and nothing is made', async (name, said) => {
    const { code, stderr } = await run(...places('never'), '--cache', name);
    expect(code).toBe(2);
    expect(stderr).toMatch(said);
    expect(await readdir(dirname(join(dir, 'never')))).not.toContain('never');
  });
});
