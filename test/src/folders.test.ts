import { mkdir, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fewstep, root } from './command-line.js';
import { workspace } from './small-experiment.js';

const network = join(root, 'experiments/digits/digits-features.onnx');
const spec = (numSteps: number) => `name: exp
dataset: { checkpoint: ${join(root, 'experiments/digits/digits-edm.pkl')} }
schedule: { type: polynomial, rho: 7 }
student: { solver: euler, num_steps: ${numSteps} }
train: false
sample: { seeds: 0-3, batch: 4, grid: 2x2 }
`;

let dir: string;
beforeAll(async () => {
  dir = await workspace(spec(2));
  await writeFile(join(dir, 'other.yaml'), spec(3));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

const command = (...args: string[]) => fewstep(args, { cwd: dir });

describe('a folder for samples that was used', () => {
  const images = async () =>
    Promise.all(
      (await readdir(join(dir, 'out'), { recursive: true }))
        .sort()
        .map(async (name) => [name, await readFile(join(dir, 'out', name), 'base64')] as const),
    );
  const sample = (...args: string[]) => command('sample', 'spec.yaml', '--outdir', 'out', ...args);

  it('takes those of the same seeds anew, and refuses to hold others beside them', async () => {
    expect((await sample()).code).toBe(0);
    const first = await images();
    expect(first.map(([name]) => name)).toEqual(['000000.png', '000001.png', '000002.png', '000003.png']);
    for (const args of [
      ['--seeds', '0-1,3'],
      ['--set', 'grid={train: [false], student.num_steps: [2, 3]}'],
    ]) {
      const { code, stderr } = await sample(...args);
      expect([code, stderr]).toEqual([
        2,
        expect.stringMatching(/^E_RESULTS out has images .*as 00000[02]\.png \([14] in all\)/m),
      ]);
      expect(await images()).toEqual(first);
    }
    expect((await sample('--set', 'student.num_steps=3')).code).toBe(0);
    const second = await images();
    expect(second.map(([name]) => name)).toEqual(first.map(([name]) => name));
    for (const [i, [, bytes]] of second.entries()) expect(bytes).not.toBe(first[i]![1]);
  });
});

describe('results of an experiment', () => {
  it('are of one spec, and their table is shown in any case', async () => {
    // something in the way of a picture
    await mkdir(join(dir, 'results/exp/euler/grid.png'), { recursive: true });
    await mkdir(join(dir, 'results/exp/earlier'));
    const { code, stdout, stderr } = await command('run', 'spec.yaml');
    expect([code, stdout, stderr]).toEqual([
      1,
      expect.stringContaining('| euler   |   1 |'),
      expect.stringMatching(
        /left as they are: results\/exp\/earlier\n(.*\n)*E_RESULTS .*grid\.png can't be written/,
      ),
    ]);
    expect(await readFile(join(dir, 'results/exp/table.md'), 'utf8')).toContain('| euler   |   1 |');
    const refused = await command('run', 'other.yaml');
    expect(refused).toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringMatching(/^E_RESULTS results\/exp has results of spec\.yaml, .*other\.yaml/m),
    });
    // the next run is the same spec's under another name
    await rename(join(dir, 'spec.yaml'), join(dir, 'renamed.yaml'));
    await rm(join(dir, 'results/exp/euler'), { recursive: true });
  });
});

describe('a score', () => {
  it('is the same of a run and of its images, and says how many: those behind links, nothing of the store and the results beside them', async () => {
    const set = join(dir, 'set');
    await mkdir(set);
    await symlink(join(dir, 'out'), join(set, 'linked'));
    await symlink(join(dir, 'out/000000.png'), join(set, 'again.png'));
    await symlink(join(dir, 'results'), join(set, 'results'));
    const given = ['--ref', '.', '--features', network, '--store', '.fewstep'];
    const calc = ['fid', 'calc', join(dir, 'out'), ...given];
    const { stdout, stderr } = await fewstep(calc, { cwd: set });
    const [, fid] = /^fid ([\d.]+), standard error \S+ \(4 images against 5\)\n$/.exec(stdout) ?? [];
    expect(Number(fid), stderr).toBeGreaterThan(0);
    const sampled = 'student.num_steps=3';
    const real = [
      sampled,
      'evaluate=[fid]',
      'dataset.reference_data=set',
      `dataset.feature_network=${network}`,
    ];
    const ran = await command('run', 'renamed.yaml', '--json', ...real.flatMap((one) => ['--set', one]));
    expect(JSON.parse(ran.stdout).experiments[0].points, ran.stderr).toMatchObject([
      { metrics: { fid: Number(fid) }, images: 4, realImages: 5 },
    ]);
    const kept = (await readdir(join(dir, 'results'))).find((name) => name.startsWith('exp+'));
    const table = await readFile(join(dir, 'results', kept!, 'table.md'), 'utf8');
    expect(table).toMatch(/\nOf 4 images, against 5 real images\.\n(.*\n)*fid is higher of fewer images/);
  });
});
