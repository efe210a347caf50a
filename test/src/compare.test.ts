import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { decodeImage } from '@fewstep/metrics/images';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { experimentJson, planJson } from './command-json.js';
import { fewstep } from './command-line.js';
import { tiny, workspace } from './small-experiment.js';

const spec = `name: ways
dataset: { checkpoint: ${tiny} }
schedule: { type: polynomial, rho: 7 }
student: { solver: euler, num_steps: 4 }
train: false
sample: { seeds: 2-7, batch: 4, grid: 2x2, paths: 3 }
reference: { solver: heun, num_steps: 5 }
evaluate: [rmse_to_teacher]
grid:
  student.num_steps: [4, 3]
`;

let cwd: string;
let planned: ReturnType<typeof planJson>;
// biome-ignore lint/suspicious/noExplicitAny: what a command prints
let points: any[];
beforeAll(async () => {
  cwd = await workspace(spec);
  const env = { FEWSTEP_STORE: join(cwd, 'store') };
  planned = planJson((await fewstep(['plan', 'spec.yaml', '--json'], { cwd, env })).stdout);
  const { code, stdout, stderr } = await fewstep(['run', 'spec.yaml', '--json'], { cwd, env });
  expect(code, stderr).toBe(0);
  ({ points } = experimentJson(stdout));
}, 120_000);
afterAll(() => rm(cwd, { recursive: true, force: true }));

it('keeps the ways of the first samples beside the reference, which is solved once', async () => {
  expect(planned.kindsToCompute).toContain('paths');
  const [first, second] = await Promise.all(
    points.map(async ({ artifacts }) => JSON.parse(await readFile(join(cwd, artifacts.paths), 'utf8'))),
  );
  expect(first.seeds).toEqual([2, 3, 4]);
  expect(first.sigmas.student).toHaveLength(4);
  expect(second.sigmas.student).toHaveLength(3);
  expect(second.teacher).toEqual(first.teacher);
  expect(first.sigmas.teacher).toHaveLength(5);
  // from the same noise, and away from the teacher ever since
  expect(first.intervals.rmse[0]).toBe(0);
  expect(first.intervals.rmse.at(-1)).toBeGreaterThan(0);
});

it('sets points side by side: how they differ, and how sure that is', async () => {
  const told = ['compare', 'ways/num_steps-4', 'results/ways/num_steps-3'];
  const { code, stdout, stderr } = await fewstep([...told, '--outdir', 'side', '--json'], { cwd });
  expect(code, stderr).toBe(0);
  const { protocol, settings, differences, page, pictures } = JSON.parse(stdout);
  expect([page, pictures]).toEqual(['side/comparison.html', 'side/comparison.png']);
  const html = await readFile(join(cwd, page), 'utf8');
  const [, data] = /<script type="application\/json" id="data">(.*?)<\/script>/s.exec(html) ?? [];
  for (const [i, shown] of JSON.parse(data!).points.entries()) {
    expect(shown.figures.rmse_to_teacher.value).toBe(points[i].metrics.rmse_to_teacher);
    expect(shown.pictures.seeds).toEqual([2, 3, 4, 5, 6, 7]);
  }
  expect(protocol).toEqual([]);
  expect(settings).toEqual([
    {
      key: 'student.num_steps',
      values: [
        { value: 4, of: ['A'] },
        { value: 3, of: ['B'] },
      ],
    },
  ]);
  const [{ difference, half, paired }] = differences;
  const [a, b] = points.map(({ metrics }) => metrics);
  expect(difference).toBeCloseTo(b.rmse_to_teacher - a.rmse_to_teacher, 9);
  expect(paired).toBe('images');
  expect(half).toBeLessThan(1.96 * Math.hypot(a.rmse_to_teacher_se, b.rmse_to_teacher_se));
});

it('says what of protocols differs before it shows figures', async () => {
  // a report of somebody else's, whose images aren't here
  const report = JSON.parse(await readFile(join(cwd, 'results/ways/report.json'), 'utf8'));
  const [point] = report.points;
  const others = { ...point, protocol: { ...point.protocol, seeds: '0-5' }, artifacts: { samples: ['/a'] } };
  await writeFile(join(cwd, 'report.json'), JSON.stringify({ ...report, name: 'theirs', points: [others] }));
  const { code, stdout } = await fewstep(['compare', 'ways/num_steps-4', '.'], { cwd });
  expect(code).toBe(0);
  const lines = stdout.split('\n');
  expect(lines[0]).toBe('The protocols differ, so figures are not of the same:');
  expect(lines[1]).toBe('  seeds  A 2-7 · B 0-5');
  expect(stdout.indexOf('seeds  A')).toBeLessThan(stdout.indexOf('| sampler'));
  expect(stdout).toMatch(/\| B \| +\+0\.00 ± \d+\.\d\d +\|/);
});

it('samples as WebP, without loss', async () => {
  const told = ['sample', 'spec.yaml', '--set', 'grid=null', '--seeds', '2-3', '--outdir'];
  const env = { FEWSTEP_STORE: join(cwd, 'store') };
  for (const format of ['png', 'webp'])
    expect((await fewstep([...told, format, '--format', format], { cwd, env })).code).toBe(0);
  const decoded = async (name: string) => decodeImage(await readFile(join(cwd, name)), name);
  for (const seed of ['000002', '000003'])
    expect(await decoded(`webp/${seed}.webp`)).toEqual(await decoded(`png/${seed}.png`));
  // what would stand beside them twice is refused
  const { code, stderr } = await fewstep([...told, 'webp'], { cwd, env });
  expect([code, stderr]).toEqual([2, expect.stringContaining('E_RESULTS')]);
});

it.each([
  [['ways/none', 'ways'], 'E_RESULTS', /^results\/ways has no point "none"\. It has "/],
  [['ways/num_steps-4'], 'E_USAGE', /is one point/],
])('refuses %j', async (told, code, message) => {
  const { code: exit, stdout } = await fewstep(['compare', ...told, '--json'], { cwd });
  expect(exit).toBe(2);
  const { error } = JSON.parse(stdout);
  expect(error.code).toBe(code);
  expect(error.message).toMatch(message);
});
