import { mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ReportData } from '@fewstep/report';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { fewstep } from './command-line.js';
import { tiny, workspace } from './small-experiment.js';

const spec = (name: string, grid: string) => `name: ${name}
dataset: { checkpoint: ${tiny} }
schedule: { type: polynomial, rho: 7 }
student: { solver: euler, num_steps: 3 }
train: false
sample: { seeds: 0-5, batch: 4, grid: 2x2 }
evaluate: [rmse_to_teacher]
grid: { ${grid} }
`;

let dir: string;
beforeAll(async () => {
  dir = await workspace(spec('a', 'student.solver: [euler, heun], sample.seeds: [0-5, 6-11]'));
  await writeFile(join(dir, 'b.yaml'), spec('b', 'student.num_steps: [3, 4]'));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

const points = async (name: string): Promise<ReportData> =>
  JSON.parse(await readFile(join(dir, 'results', name, 'points.json'), 'utf8'));
/** The data of a page, as it reads them. */
const shownIn = async (path: string): Promise<ReportData> => {
  const html = await readFile(join(dir, path), 'utf8');
  return JSON.parse(/id="data">(.*?)<\/script>/s.exec(html)![1]!);
};

it('a page is of what the store has, and computes nothing', async () => {
  const nothing = await fewstep(['report', 'spec.yaml', '--json'], { cwd: dir });
  expect([nothing.code, JSON.parse(nothing.stdout).error.code]).toEqual([2, 'E_STORE_MISS']);

  const run = await fewstep(['run', 'spec.yaml'], { cwd: dir });
  expect(run.code, run.stderr).toBe(0);
  expect(run.stdout.trimEnd().split('\n').at(-1)).toBe('report: results/a/report.html');
  const { points: all, groups, teachers, tasks, run: by } = await points('a');
  const { points: reported } = JSON.parse(await readFile(join(dir, 'results/a/report.json'), 'utf8'));
  expect(all.map(({ label, nfe, figures }) => [label, nfe, figures.rmse_to_teacher!.value])).toEqual(
    reported.map((one: { label: string; nfe: number; metrics: Record<string, number> }) => [
      ...[one.label, one.nfe, one.metrics.rmse_to_teacher],
    ]),
  );
  // the seeds of a grid together: their mean, with an interval by their spread (t of one degree of freedom)
  expect(groups.map(({ label, points }) => [label, points])).toEqual([
    ['euler', [0, 1]],
    ['heun', [2, 3]],
  ]);
  const [first, second] = all.map(({ figures }) => figures.rmse_to_teacher!.value!);
  expect(groups[0]!.figures.rmse_to_teacher!.value).toBeCloseTo((first! + second!) / 2, 10);
  expect(groups[0]!.figures.rmse_to_teacher!.half).toBeCloseTo((12.7062 * Math.abs(first! - second!)) / 2, 3);
  expect(groups[1]!.settings).toEqual({ 'student.solver': 'heun' });
  // seeds of the pictures, and the teacher's of the same
  expect(all.map(({ pictures }) => pictures!.seeds)).toEqual([
    ...[
      [0, 1, 2, 3, 4, 5],
      [6, 7, 8, 9, 10, 11],
    ],
    ...[
      [0, 1, 2, 3, 4, 5],
      [6, 7, 8, 9, 10, 11],
    ],
  ]);
  expect(all.map(({ teacher }) => teachers[teacher!]!.pictures.seeds[0])).toEqual([0, 6, 0, 6]);
  expect(teachers[0]!.label).toMatch(/^the teacher: heun, \d+ NFE$/);
  expect(all[0]!.pictures!.file).toBe('euler-seeds-0-5/grid.png');
  await stat(join(dir, 'results/a', all[0]!.pictures!.file!));
  expect(tasks.every(({ computed, found }) => computed > 0 && found === 0)).toBe(true);
  expect(by).toContainEqual(['command', 'fewstep run spec.yaml']);

  // again: nothing is computed, and the page of the run that did stays
  const before = await stat(join(dir, 'results/a/report.html'));
  const again = await fewstep(['run', 'spec.yaml'], { cwd: dir });
  expect(again.stdout.trimEnd().split('\n').at(-1)).toBe('report: results/a/report.html');
  expect((await stat(join(dir, 'results/a/report.html'))).ino).toBe(before.ino);

  // and it links the pictures that are there, in another format, too
  expect((await fewstep(['run', 'spec.yaml', '--format', 'webp'], { cwd: dir })).code).toBe(0);
  const { file } = (await points('a')).points[0]!.pictures!;
  expect(file).toBe('euler-seeds-0-5/grid.webp');
  await stat(join(dir, 'results/a', file!));

  // what shows something else takes its place, though all names are the same
  const text = await readFile(join(dir, 'spec.yaml'), 'utf8');
  await writeFile(join(dir, 'spec.yaml'), text.replace('rho: 7', 'rho: 5'));
  expect((await fewstep(['run', 'spec.yaml', '--format', 'webp'], { cwd: dir })).code).toBe(0);
  const changed = await points('a');
  expect(changed.points.map(({ label }) => label)).toEqual(all.map(({ label }) => label));
  expect(changed.points[0]!.figures.rmse_to_teacher!.value).not.toBe(first);
  expect((await shownIn('results/a/report.html')).points[0]!.figures).toEqual(changed.points[0]!.figures);

  const other = await fewstep(['run', 'b.yaml'], { cwd: dir });
  expect(other.code, other.stderr).toBe(0);
  const both = await fewstep(['report', 'spec.yaml', 'b.yaml'], { cwd: dir });
  expect([both.code, both.stdout]).toEqual([0, 'results/a+b/report.html\n']);
  const data = await shownIn('results/a+b/report.html');
  expect(data.points.map(({ experiment }) => experiment)).toEqual(['a', 'a', 'a', 'a', 'b', 'b']);
  expect(data.tasks.every(({ computed }) => computed === 0)).toBe(true);

  // what keeps it from being written fails no run
  await rm(join(dir, 'results/b/report.html'));
  await mkdir(join(dir, 'results/b/report.html/in-the-way'), { recursive: true });
  const unwritten = await fewstep(['run', 'b.yaml'], { cwd: dir });
  expect([unwritten.code, unwritten.stderr]).toEqual([
    0,
    expect.stringContaining("the report can't be written"),
  ]);
  expect(await readFile(join(dir, 'results/b/table.md'), 'utf8')).toContain('rmse_to_teacher');
});
