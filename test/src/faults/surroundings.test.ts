import { mkdir, mkdtemp, readdir, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fewstep } from '../command-line.js';
import { zipOfPictures } from './small-data.js';
import { digits, plain, removeAll, run } from './small-store.js';

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'fewstep-'));
  await writeFile(join(dir, 'spec.yaml'), plain());
});
afterAll(() => removeAll([dir]));

describe('a variable of the environment that is empty', () => {
  it.concurrent.each([
    ['FEWSTEP_STORE', [], { FEWSTEP_STORE: '' }],
    ['--store', ['--store', ''], {}],
  ])('is none: %s', async (name, args, env) => {
    const cwd = join(dir, name);
    await mkdir(cwd);
    const { code, stderr } = await fewstep(['plan', '../spec.yaml', ...args], { cwd, env });
    expect(code, stderr).toBe(0);
    for (const found of await readdir(cwd)) expect(found).toBe('.fewstep');
  });

  it.concurrent('is none: FEWSTEP_MODELS', async () => {
    const { stderr } = await fewstep(['fid', 'calc', 'images', '--ref', 'cifar10'], {
      cwd: dir,
      env: { FEWSTEP_MODELS: '' },
    });
    expect(stderr).toContain('models/cifar10-32x32.npz');
  });
});

describe('a working folder that is gone', () => {
  const spec = () => join(dir, 'spec.yaml');
  it.concurrent.each([
    ['run', () => ['run', spec()]],
    ['plan', () => ['plan', 'spec.yaml']],
    ['sample', () => ['sample', spec(), '--outdir', join(dir, 'images')]],
    ['fid', () => ['fid', 'calc', 'images', '--ref', 'ref.npz', '--features', digits.features]],
    ['models list', () => ['models', 'list']],
  ])('is an error to act on: %s', async (_, args) => {
    const cwd = await mkdtemp(join(dir, 'gone-'));
    const through = ['sh', '-c', 'rmdir "$PWD" && exec "$@"', 'sh'];
    const { code, stderr } = await fewstep(args(), { cwd, through });
    expect(stderr).toMatch(/^E_FOLDER /);
    expect(stderr).not.toMatch(/bug of fewstep|\n\s+at .*:\d+:\d+/);
    expect(code).toBe(2);
  });
});

describe('few file handles', () => {
  it.concurrent('are enough for many points that are in the store', async () => {
    const grids = Array.from({ length: 130 }, (_, i) => `${i + 1}x1`);
    const many = plain({ name: 'many', more: `grid: { sample.grid: [${grids.join(', ')}] }\n` });
    await writeFile(join(dir, 'many.yaml'), many.replace('0-3', '0').replace(', grid: 2x2', ''));
    const first = await run(dir, ['many.yaml']);
    const through = ['sh', '-c', 'ulimit -n 128 && exec "$@"', 'sh'];
    const again = await run(dir, ['many.yaml'], { through });
    expect(again.points).toEqual(first.points);
    expect(again.tasks.computed).toBe(0);
  });
});

it.concurrent('a run that fails leaves a better table as it is', async () => {
  const dataset = `${digits.checkpoint}, reference_data: data.zip, feature_network: ${digits.features}`;
  await writeFile(
    join(dir, 'scored.yaml'),
    plain({ name: 'scored', checkpoint: dataset, more: 'evaluate: [fid]\n' }),
  );
  await writeFile(join(dir, 'data.zip'), await zipOfPictures(2, 1));
  await run(dir, ['scored.yaml']);
  const table = () => readFile(join(dir, 'results/scored/table.md'), 'utf8');
  const before = await table();
  await writeFile(join(dir, 'data.zip'), 'no zip');
  const { code, stderr } = await fewstep(['run', 'scored.yaml'], { cwd: dir });
  expect(stderr).toContain('E_IMAGES');
  expect([1, 2]).toContain(code);
  const record = JSON.parse(await readFile(join(dir, 'results/scored/run.json'), 'utf8'));
  expect(record).toMatchObject({ exit: code, error: { code: 'E_TASK' }, tasks: { failed: 1 } });
  expect(await readFile(join(dir, 'results/scored/log.txt'), 'utf8')).toMatch(
    /\nfailed: .*\n(.*\n)*.*E_IMAGES .*\n$/,
  );
  expect(await table()).toBe(before);
  const beside = async () =>
    (await readdir(join(dir, 'results/scored'))).filter((name) => name.includes('.failed.')).sort();
  expect(await beside()).toEqual(['report.failed.json', 'table.failed.md']);
  // as many results as before, but not those: rmse in the place of fid
  const other = [
    '--set',
    'evaluate=[fid, rmse_to_teacher]',
    '--set',
    'reference={ solver: euler, num_steps: 3 }',
  ];
  expect((await fewstep(['run', 'scored.yaml', ...other], { cwd: dir })).stderr).toContain('E_IMAGES');
  expect(await table()).toBe(before);
  await writeFile(join(dir, 'data.zip'), await zipOfPictures(2, 1));
  await run(dir, ['scored.yaml']);
  expect(await beside()).toEqual([]);
});
