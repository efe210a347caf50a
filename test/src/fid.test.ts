import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { imagePath } from '@fewstep/metrics';
import { writeStatistics } from '@fewstep/metrics/npz';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fewstep, root } from './command-line.js';
import { pictures } from './faults/small-data.js';

const seeds = Array.from({ length: 11 }, (_, i) => 995 + i);
/** Officially a seed is taken modulo 2³¹; with seed 2 NumPy draws of these all but one. */
const seed = 2 ** 31 + 2;
const leftOut = 995 + 8;

let dir: string;
let requests: string[];
const server = createServer();
const address = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}/fid-refs/ref.npz`;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'fewstep-'));
  const images = await pictures(seeds.length, 1);
  for (const [i, one] of seeds.entries())
    for (const set of ['all', ...(one === leftOut ? [] : ['drawn'])]) {
      const path = join(dir, set, imagePath(one));
      await mkdir(join(path, '..'), { recursive: true });
      await writeFile(path, images[i]!);
    }
  await symlink(join(root, 'experiments'), join(dir, 'experiments'));
  const dim = 224;
  const statistics = await writeStatistics({
    mu: new Float64Array(dim).fill(0.5),
    sigma: Float64Array.from({ length: dim * dim }, (_, i) => (i % (dim + 1) === 0 ? 1 : 0)),
  });
  requests = [];
  server.on('request', ({ url }, response) => {
    requests.push(url!);
    response.writeHead(200, { 'content-length': statistics.length }).end(statistics);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterAll(async () => {
  server.close();
  await rm(dir, { recursive: true, force: true });
});

const calc = (...args: string[]) =>
  fewstep(['fid', 'calc', ...args], {
    cwd: dir,
    env: { FEWSTEP_MODELS: join(dir, 'models'), NO_PROXY: '*' },
  });

describe('fid calc', () => {
  it('scores several sets, of each the images that NumPy draws, by names and addresses', async () => {
    const given = ['--features', 'digits', '--store', 'store', '--ref', `${address()}?key=secret`];
    const { code, stdout, stderr } = await calc(
      'all',
      'drawn',
      '--num',
      '10',
      '--seed',
      `${seed}`,
      '--json',
      ...given,
    );
    expect(code, stderr).toBe(0);
    const { sets } = JSON.parse(stdout);
    const { fid } = sets[0];
    expect(sets).toEqual([
      { set: 'all', fid, images: 10, of: 11, seed },
      { set: 'drawn', fid, images: 10 },
    ]);
    expect(fid).toBeGreaterThan(1);
    expect(stderr).toMatch(
      /^ref\.npz: \d\.\d MB\nto download: 1 file, .*\nmodels\/references\/[0-9a-f]{16}\/ref\.npz: get ref\.npz from http:\S+ref\.npz\?… \(/,
    );

    const again = await calc('all', '--num', '10', ...given);
    const [, other] =
      /^fid (\S+) \(10 of 11 images, drawn with seed 0, against models\S+ref\.npz\)\n$/.exec(again.stdout) ??
      [];
    expect(Math.abs(Number(other) - fid)).toBeGreaterThan(1e-3);
    // its length, and itself
    expect(requests).toEqual(new Array(2).fill('/fid-refs/ref.npz?key=secret'));
  });

  it('says at once what is not there, and how it is had', async () => {
    const { code, stderr } = await calc('nowhere', '--ref', 'cifar1');
    expect(code).toBe(2);
    const [images, features, ref] = stderr.split('\n');
    expect(images).toMatch(/^E_FILE images: there is no nowhere \(looked at \/.*\)$/);
    expect(features).toMatch(
      /^features: inception needs models\/pt_inception\S+, which is not there: fewstep models fetch inception, or get /,
    );
    expect(ref).toMatch(
      /^ref: there is no cifar1 \(.*\), and the registry has no reference_data .*; did you mean "cifar10"\?$/,
    );
  });
});
