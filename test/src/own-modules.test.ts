import { cp, mkdtemp, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { experimentJson, jsonLines, planJson } from './command-json.js';
import { fewstep, root } from './command-line.js';
import { tiny } from './small-experiment.js';

/** Heun's method as the package has it. */
const heun = `import { half } from './half.mjs';
export default ({ slopeAt, axpy, add }) => ({
  name: 'own_heun',
  evaluations: 2,
  make: () => ({
    init: (x) => ({ x }),
    *step({ x }, sigma, sigmaNext) {
      const slope = slopeAt(x, (yield { x, sigma }).denoised, sigma);
      const end = axpy(sigmaNext - sigma, slope, x);
      const slopeNext = slopeAt(end, (yield { x: end, sigma: sigmaNext }).denoised, sigmaNext);
      return { x: axpy((sigmaNext - sigma) * half, add(slope, slopeNext), x) };
    },
  }),
});
`;
const spec = (solver: string, more = '') => `name: own
dataset: { checkpoint: ${tiny} }
schedule: { type: polynomial, rho: 7 }
student: { solver: ${solver}, num_steps: 3 }
sample: { seeds: 0-3, batch: 4, grid: 2x2 }
${more}`;

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'fewstep-own-'));
  await writeFile(join(dir, 'half.mjs'), 'export const half = 1 / 2;\n');
  await writeFile(join(dir, 'heun.mjs'), heun);
  for (const [, code, name] of (await readFile(join(root, 'packages/runner/README.md'), 'utf8')).matchAll(
    /```js\n(\/\/ (my-\w+\.mjs)[\s\S]*?)```/g,
  ))
    await writeFile(join(dir, name!), code!);
});
afterAll(async () => {
  for (const one of [dir, `${dir}-store`]) await rm(one, { recursive: true, force: true });
});

const env = { FEWSTEP_MODELS: join(root, 'experiments') };
const run = async (text: string, cwd = dir) => {
  await writeFile(join(cwd, 'spec.yaml'), text);
  return runAt('spec.yaml', cwd);
};
const runAt = async (path: string, cwd = dir) => {
  const args = ['run', path, '--json', '--store', `${dir}-store`];
  const { code, stdout, stderr } = await fewstep(args, { cwd, env });
  if (code !== 0) throw new Error(stderr);
  return experimentJson(stdout);
};

describe('a solver in a file', () => {
  it('computes what ours does, bit for bit, and counts as ours does', async () => {
    const own = await run(spec('./heun.mjs', 'train: false'));
    expect(own.points[0].nfe).toBe(4);
    const [ownImages] = own.points[0].artifacts.samples;
    const [images] = (await run(spec('heun', 'train: false'))).points[0].artifacts.samples;
    expect(ownImages).toBe(images);
  });

  it('is in the keys by its content and that of its helpers, wherever it lies', async () => {
    const text = spec('./heun.mjs', 'train: false');
    await utimes(join(dir, 'heun.mjs'), new Date(), new Date());
    expect((await run(text)).tasks.computed).toBe(0);
    const there = `${dir}-there`;
    await cp(dir, there, { recursive: true });
    expect((await run(text, there)).tasks.computed).toBe(0);
    await writeFile(join(there, 'half.mjs'), 'export const half = 0.4;\n');
    expect((await run(text, there)).tasks.computed).toBeGreaterThan(0);
    await rm(there, { recursive: true });
  });

  it('is trained where it is a student, on outputs of its own', async () => {
    const train = 'train: { total_kimg: 0.016, batch: 8, loss_weight: end_to_end, validation: 4 }';
    const text = spec('./my-student.mjs', train);
    const { points, tasks } = await run(text);
    expect(points[0].nfe).toBe(4);
    expect(tasks.computed).toBeGreaterThan(4);
    expect((await run(text)).tasks.computed).toBe(0);
    const log = jsonLines(await readFile(join(dir, points[0].artifacts.stats), 'utf8'));
    expect(log).toHaveLength(2);
    expect(Object.keys(log[0].intervals[0].outputs)).toEqual(['place', 'first', 'second']);
    const [begun] = log[0].intervals;
    expect(begun.outputs.second).toEqual({ mean: [expect.closeTo(1, 6)], spread: [expect.closeTo(0, 6)] });
    // 4 for the trajectory, of which the teacher asked one; 1 for place in each of both intervals; 2 for each output once more
    expect(log.map(({ calls }: { calls: number }) => calls)).toEqual([8 * 11, 16 * 11]);
    expect(log[1].validation_loss).toBeLessThan(log[0].validation_loss);
    // and sampled with in another spec, which names its file
    await cp(join(dir, points[0].artifacts.predictor), join(dir, 'trained.safetensors'));
    const trained = spec('./my-student.mjs', 'predictor: trained.safetensors');
    expect((await run(trained)).points[0].artifacts.samples).toEqual(points[0].artifacts.samples);
    const elsewhere = trained.replace(/student: .*\n/, '');
    await expect(run(elsewhere)).rejects.toThrow(/"weighed" is no student/);
  });
});

it('the README’s solver, schedule and score run, and editors know their options', async () => {
  const readme = await readFile(join(root, 'packages/runner/README.md'), 'utf8');
  const [, yaml] = /```yaml\n(name: mine[\s\S]*?)```/.exec(readme)!;
  const small = `${yaml!.replace('fid, ', '')}sample: { seeds: 0-3, batch: 4, grid: 2x2 }\n`;
  const { points } = await run(small);
  expect(points[0]).toMatchObject({
    nfe: 6,
    metrics: { contrast: expect.any(Number) },
    protocol: { scores: { contrast: { files: { module: { file: 'my-score.mjs' } } } } },
  });
  const { stdout } = await fewstep(['schema', 'spec.yaml'], { cwd: dir, env });
  const { $defs } = JSON.parse(stdout);
  expect($defs['schedule.power'].description).toMatch(/^The power\. \.\/my-schedule\.mjs: default 7\.$/);
  expect(JSON.stringify($defs)).toContain('Where in the interval the second evaluation lies.');
  const said = async (...set: string[]) =>
    (await fewstep(['validate', 'spec.yaml', ...set.flatMap((one) => ['--set', one])], { cwd: dir, env }))
      .stderr;
  expect(await said('student.at=2')).toMatch(/student\.at: found 2, expected a number above 0, at most 1\./);
  expect(await said('student.att=1')).toMatch(/names no key of the spec; did you mean "student\.at"\?/);
  expect(await said('student.solver=euler')).toMatch(/student\.at: unknown key/);
});

describe('what makes tables, in a file', () => {
  const fitted = (file: string) =>
    spec(file, 'teacher: { num_steps: 3 }\ntrain: { images: 16, validation: 16 }\n').replace(
      'num_steps: 3 }\n',
      'num_steps: 4, place: 0.4 }\n',
    );

  it('is fitted as ours are, from its own start, and found again by the spec of its results', async () => {
    const { points, spec: told } = await run(fitted('./my-generator.mjs'));
    expect(points[0]).toMatchObject({ nfe: 3, train_calls: expect.any(Number) });
    const { student, train, table } = JSON.parse(
      await readFile(join(dir, points[0].artifacts.sampler), 'utf8'),
    );
    expect(student).toEqual({
      solver: 'springboards',
      place: 0.4,
      num_steps: 4,
      afs: false,
      denoise_to_zero: false,
    });
    expect(train.rmse[1]).toBeLessThan(train.rmse[0]);
    expect(table.sigmas[0]).toBe(80);
    const again = await runAt(told);
    expect(again.tasks).toMatchObject({ computed: 0 });
  });

  it('is in the keys by its content, and may begin from a plain method', async () => {
    const text = fitted('./their-generator.mjs');
    const generator = await readFile(join(dir, 'my-generator.mjs'), 'utf8');
    const file = join(dir, 'their-generator.mjs');
    await writeFile(file, generator.replace('0.01', '0.02'));
    await writeFile(join(dir, 'spec.yaml'), text);
    const plan = async (...set: string[]) =>
      fewstep(['plan', 'spec.yaml', '--json', '--store', `${dir}-store`, ...set], { cwd: dir, env });
    const missing = planJson((await plan()).stdout).kindsToCompute;
    expect(missing).toEqual(expect.arrayContaining(['fit-start', 'fit-equations', 'sampler']));
    const started = ['--set', 'student.start=heun'];
    expect((await plan(...started)).stderr).toMatch(/student\.start: nothing reads it/);
    await writeFile(file, generator.replace(/evaluations: .*/, ''));
    expect((await plan(...started)).code).toBe(0);
    await writeFile(file, generator.replace('step: 0.01', 'step: 0'));
    expect((await plan()).stderr).toMatch(
      /^spec\.yaml:4:20 E_SPEC student\.solver: .*their-generator\.mjs: its family parameters 0 step: found 0/,
    );
  });
});

it('what is wrong with a file ends a command with its place, its name and what it exports', async () => {
  const wrong = join(dir, 'wrong.mjs');
  await writeFile(wrong, 'export const solver = 1;');
  await writeFile(join(dir, 'spec.yaml'), spec('./wrong.mjs', 'train: false'));
  const validated = await fewstep(['validate', 'spec.yaml'], { cwd: dir });
  expect([validated.code, validated.stderr]).toEqual([
    2,
    expect.stringContaining(
      `spec.yaml:4:20 E_SPEC student.solver: "./wrong.mjs" can't be used. ${wrong}: its default export is missing, and must be a function`,
    ),
  ]);
  await writeFile(wrong, 'export default () => ({\n  name: }');
  expect((await fewstep(['validate', 'spec.yaml'], { cwd: dir })).stderr).toMatch(
    /wrong\.mjs: it can't be loaded, line 2: Unexpected token/,
  );
  // and of one that computes nonsense, when it does
  const nonsense = `export default () => ({ name: 'own', evaluations: 1, make: () => ({ init: (x) => ({ x }), *step() { return {}; } }) });`;
  await writeFile(wrong, nonsense);
  const told =
    /E_MODULE .*wrong\.mjs: its step from σ 80 gives no state \{ x \}, a Float64Array of 3072 numbers/;
  await expect(run(spec('./wrong.mjs', 'train: false'))).rejects.toThrow(told);
});
