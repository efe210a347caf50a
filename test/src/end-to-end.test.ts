import { readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { experimentJson, jsonLines } from './command-json.js';
import { fewstep, root } from './command-line.js';
import { picturesAt } from './faults/small-data.js';
import { workspace } from './small-experiment.js';

let dir: string;
beforeAll(async () => {
  dir = await workspace();
});
afterAll(() => rm(dir, { recursive: true, force: true }));

const run = async (...args: string[]) => {
  const { code, stdout, stderr } = await fewstep(['run', 'spec.yaml', '--json', ...args], { cwd: dir });
  expect(code, stderr).toBe(0);
  return experimentJson(stdout);
};
const toCompute = async (...args: string[]) => {
  const { stdout } = await fewstep(['plan', 'spec.yaml', '--json', ...args], { cwd: dir });
  const plan = experimentJson(stdout);
  return plan.tasks
    .filter((task: { found: boolean }) => !task.found)
    .map(({ kind }: { kind: string }) => kind);
};

describe('a spec from YAML to its table', () => {
  it('runs, counts evaluations and leaves pictures and predictors', async () => {
    const report = await run();
    expect(report.points.map(({ label, nfe }: { label: string; nfe: number }) => [label, nfe])).toEqual([
      ['amed', 3],
      ['plugin', 3],
      ['euler', 3],
    ]);
    for (const { metrics, images, realImages } of report.points) {
      expect([images, realImages]).toEqual([16, undefined]);
      expect(metrics.rmse_to_teacher).toBeGreaterThan(5);
      expect(metrics.rmse_to_teacher).toBeLessThan(100);
    }
    const [amed, , euler] = report.points;
    const grid = await sharp(join(dir, amed.artifacts.grid)).metadata();
    expect([grid.width, grid.height]).toEqual([64, 64]);
    expect((await stat(join(dir, amed.artifacts.predictor))).size).toBeGreaterThan(30_000);
    expect(euler.artifacts.predictor).toBeUndefined();
    expect(await readFile(join(dir, 'results/small/table.md'), 'utf8')).toContain('| amed');
    // One teacher of 16 images in one shard serves both students: amed's default teacher is heun too.
    expect(report.tasks).toEqual({ computed: 1 + 1 + 2 + 4 + 3 + 4, local: 0, remote: 0 });
  });

  it('computes nothing the second time, to the same result', async () => {
    const [first, second] = [await run(), await run()];
    expect(second.tasks.computed).toBe(0);
    expect(second).toEqual(first);
  });

  it('leaves what it was, what it said and how it ended', async () => {
    const results = (name: string) => readFile(join(dir, 'results/small', name), 'utf8');
    const report = await run();
    expect([report.spec, report.run, report.log]).toEqual(
      ['spec.yaml', 'run.json', 'log.txt'].map((name) => `results/small/${name}`),
    );
    const record = JSON.parse(await results('run.json'));
    expect(record).toMatchObject({
      ...{ name: 'small', spec: 'spec.yaml', exit: 0, node: process.version, plugins: [] },
      command: ['fewstep', 'run', 'spec.yaml', '--json'],
      seeds: [
        { point: 'amed', sample: '0-15', train: 0 },
        { point: 'plugin', sample: '0-15', train: 0 },
        { point: 'euler', sample: '0-15' },
      ],
      ...{ device: 'cpu', executor: 'processes of this machine' },
      tasks: { computed: 0, local: report.tasks.local, remote: 0, failed: 0 },
    });
    expect(Object.keys(record.versions)).toEqual(expect.arrayContaining(['solvers', 'runner']));
    expect(Date.parse(record.finished) - Date.parse(record.started)).toBe(Math.round(1000 * record.seconds));
    // the first run computed, each after it found all; each begins with its date
    const log = await results('log.txt');
    const runs = log.split(/^(?=\d{4}-\d\d-\d\dT[\d:.]+Z fewstep run spec\.yaml --json$)/m);
    expect(runs.length).toBeGreaterThan(1);
    expect(runs[0]).toMatch(/\nstore: \.fewstep \(new\)\n(.*\n)*\[\d+\/\d+\] predictor of amed: [\d.]+ s/);
    expect(runs.at(-1)).toMatch(/Z fewstep run spec\.yaml --json\nstore: \.fewstep\n$/);
    const stats = jsonLines(await readFile(join(dir, report.points[0].artifacts.stats), 'utf8'));
    expect(stats.map(({ images }) => images)).toEqual([8, 16]);

    const { code, stdout, stderr } = await fewstep(['run', 'results/small/spec.yaml', '--json'], {
      cwd: dir,
    });
    expect(code, stderr).toBe(0);
    const again = experimentJson(stdout);
    expect(again.tasks).toEqual(report.tasks);
    const shown = ({ settings: _, ...point }: { settings: unknown }) => point;
    expect(again.points.map(shown)).toEqual(report.points.map(shown));
    expect(JSON.parse(await results('run.json')).spec).toBe('results/small/spec.yaml');
    expect((await run()).points).toEqual(report.points); // it is still the folder of spec.yaml
  });

  it('plans what a change reaches', async () => {
    expect(await toCompute()).toEqual([]);
    const retrained = await toCompute('--set', 'train.lr=0.01');
    expect(new Set(retrained)).toEqual(new Set(['predictor', 'samples', 'rmse', 'picture', 'comparison']));
    expect(await toCompute('--set', 'evaluate=[]')).toEqual([]);
    const doubled = await toCompute('--set', 'sample.seeds=0-31');
    expect(doubled).not.toContain('predictor');
    expect(doubled).not.toContain('teacher');
  });

  it('samples PNG files under the official names', async () => {
    const args = ['sample', 'spec.yaml', '--seeds', '3-5', '--outdir', 'images', '--subdirs'];
    const { code, stderr } = await fewstep(args, { cwd: dir });
    expect(code, stderr).toBe(0);
    const files = (await readdir(join(dir, 'images/euler'), { recursive: true })).sort();
    expect(files).toEqual(['000000', '000000/000003.png', '000000/000004.png', '000000/000005.png']);
    const { channels, width } = await sharp(join(dir, 'images/euler/000000/000003.png')).metadata();
    expect([channels, width]).toEqual([3, 16]);
  });

  it('gives the same image in any batch', async () => {
    for (const [batch, outdir] of [
      ['1', 'one'],
      ['3', 'three'],
    ]) {
      const args = [
        'sample',
        'spec.yaml',
        '--set',
        `sample.batch=${batch}`,
        '--seeds',
        '20-24',
        '--outdir',
        outdir!,
        '--store',
        `store-${batch}`,
      ];
      expect((await fewstep(args, { cwd: dir })).code).toBe(0);
    }
    for (const label of ['amed', 'plugin', 'euler']) {
      for (const seed of ['000020', '000022', '000024']) {
        const read = (folder: string) => readFile(join(dir, folder, label, `${seed}.png`));
        expect((await read('one')).equals(await read('three'))).toBe(true);
      }
    }
  });
});

describe('fid on disk', () => {
  const network = join(root, 'experiments/digits/digits-features.onnx');

  it('is 0 between a set and its own statistics', async () => {
    const reference = ['fid', 'ref', 'pictures/some', '--features', network, '--dest', 'ref.npz'];
    await picturesAt(join(dir, 'pictures/some'), 16, 1);
    await picturesAt(join(dir, 'pictures/others'), 16, 2);
    expect((await fewstep(reference, { cwd: dir })).code).toBe(0);
    const calc = ['fid', 'calc', 'pictures/some', '--ref', 'ref.npz', '--features', network, '--json'];
    const { stdout } = await fewstep(calc, { cwd: dir });
    const [{ fid, fid_se }] = JSON.parse(stdout).sets;
    expect(Math.abs(fid)).toBeLessThan(1e-6);
    expect(JSON.parse(stdout)).toEqual({ sets: [{ set: 'pictures/some', fid, fid_se, images: 16 }] });
    const other = await fewstep([...calc.slice(0, 2), 'pictures/others', ...calc.slice(3)], { cwd: dir });
    expect(JSON.parse(other.stdout).sets[0].fid).toBeGreaterThan(0.01);
  });
});
