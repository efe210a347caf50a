import { existsSync } from 'node:fs';
import { open, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Finished, fewstep, root, start } from './command-line.js';
import { tiny, workspace } from './small-experiment.js';

const plain = (name: string, more = '') => `name: ${name}
dataset: { checkpoint: ${tiny} }
schedule: { type: polynomial, rho: 7 }
student: { solver: euler, num_steps: 3 }
train: false
sample: { seeds: 0-3, batch: 4, grid: 2x2 }
${more}`;

let dir: string;
beforeAll(async () => {
  dir = await workspace(plain('a'));
  await writeFile(join(dir, 'b.yaml'), plain('b', 'grid: { student.num_steps: [3, 4] }'));
  await writeFile(join(dir, 'wrong.yaml'), `${plain('wrong')}grid: { student.solvr: [heun] }\n`);
  await writeFile(
    join(dir, 'broken.yaml'),
    plain('broken').replace(tiny, join(root, 'experiments/digits/digits-32x32.zip')),
  );
});
afterAll(() => rm(dir, { recursive: true, force: true }));

/** A command whose reader is gone before it says anything. */
function unread(...args: string[]): Promise<Finished> {
  const { child, finished } = start(args, { cwd: dir });
  child.stdout!.destroy();
  return finished;
}

describe('a reader that has read enough', () => {
  it('ends nothing: the rest is computed, and the exit code is the command’s', async () => {
    const { code, stderr } = await unread('run', 'spec.yaml', 'b.yaml');
    expect([code, stderr.match(/^(E_|this is a bug).*/gm)]).toEqual([0, null]);
    expect(await readdir(join(dir, 'results/b'))).toContain('report.json');
  });

  it.each([
    [1, ['run', 'broken.yaml', 'spec.yaml']],
    [2, ['validate', 'spec.yaml', 'wrong.yaml', 'spec.yaml']],
    [0, ['--help']],
  ])('leaves exit code %i', async (code, args) => {
    expect((await unread(...args)).code).toBe(code);
  });

  it('hears everything first, where there is much and it is slow', async () => {
    const { child, finished } = start(['schema']);
    child.stdout!.pause();
    await sleep(150);
    child.stdout!.resume();
    expect(JSON.parse((await finished).stdout)).toMatchObject({ type: 'object' });
  });
});

it.skipIf(!existsSync('/dev/full'))(
  'that can’t be written is E_OUTPUT, once what was asked is done',
  async () => {
    const full = await open('/dev/full', 'w');
    const { finished } = start(['run', 'spec.yaml', '--results', 'full'], { cwd: dir, stdout: full.fd });
    const { code, stderr } = await finished;
    await full.close();
    expect([code, stderr.trimEnd().split('\n').at(-1)]).toEqual([
      1,
      expect.stringMatching(/^E_OUTPUT standard output can't be written \(ENOSPC/),
    ]);
    expect(await readdir(join(dir, 'full/a'))).toContain('report.json');
  },
);

/** The one object that a command prints with --json. */
async function said(...args: string[]) {
  const { code, stdout, stderr } = await fewstep([...args, '--json'], { cwd: dir });
  return { code, stderr, ...JSON.parse(stdout) };
}

describe('--json', () => {
  const settings = [{ label: 'num_steps 3', settings: { 'student.num_steps': 3 } }, expect.anything()];

  it('gives one object whatever the number of specs: run', async () => {
    const one = await said('run', 'b.yaml');
    expect(one).toMatchObject({
      code: 0,
      experiments: [{ name: 'b', points: settings, comparison: expect.any(String), failures: [] }],
    });
    expect(one.error).toBeUndefined();
    // the one that is kept has its paths from where it lies
    const kept = JSON.parse(await readFile(join(dir, 'results/b/report.json'), 'utf8'));
    const { comparison } = one.experiments[0];
    expect([comparison, kept.comparison]).toEqual(['results/b/comparison.png', 'comparison.png']);
    const results = ({ label, settings, nfe, metrics }: (typeof kept.points)[0]) => ({
      label,
      settings,
      nfe,
      metrics,
    });
    expect(kept.points.map(results)).toEqual(one.experiments[0].points.map(results));
    expect([kept.varies, kept.points[1].settings['student.num_steps']]).toEqual([['student.num_steps'], 4]);
    expect(kept.points[1].settings['sample.rng']).toBe('torch-cpu'); // a default
    const two = await said('run', 'spec.yaml', 'b.yaml');
    expect(two.experiments.map(({ name }: { name: string }) => name)).toEqual(['a', 'b']);
    const [a, b] = two.experiments;
    expect(two.tasks).toEqual({ computed: 0, local: a.tasks.local + b.tasks.local, remote: 0 });
  });

  it('plan', async () => {
    const { experiments, tasks } = await said('plan', 'spec.yaml', 'b.yaml', '--set', 'sample.seeds=0-4');
    expect(experiments).toMatchObject([
      // of the seeds one is new, which takes two steps of one evaluation
      { name: 'a', points: [{ label: 'euler', settings: {} }], evaluations: 2, missing: [] },
      { name: 'b', points: settings },
    ]);
    const [{ planned, tasks: counted }, b] = experiments;
    expect(planned).toContainEqual({
      kind: 'denoiser',
      title: expect.any(String),
      count: 1,
      found: true,
      source: 'local',
      points: 1,
      key: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
    expect(planned).toContainEqual({
      kind: 'samples',
      title: expect.any(String),
      count: 1,
      found: false,
      points: 1,
      why: expect.any(String),
      // as those that were computed here took
      seconds: expect.any(Number),
      bytes: expect.any(Number),
    });
    expect(counted.found + counted.toCompute).toBe(planned.length);
    expect(tasks).toEqual({
      found: counted.found + b.tasks.found,
      remote: 0,
      toCompute: counted.toCompute + b.tasks.toCompute,
    });
  });

  it('graph', async () => {
    const { boxes, edges } = await said('graph', 'spec.yaml', '--set', 'sample.seeds=0-4');
    expect(boxes.find(({ id }: { id: string }) => id === 'samples')).toMatchObject({
      ...{ kind: 'samples', tasks: 2, found: 1, remote: 0, toCompute: 1, evaluations: 2 },
    });
    expect(edges).toContainEqual(['denoiser', 'samples']);
    const drawn = (...args: string[]) => fewstep(['graph', 'spec.yaml', ...args], { cwd: dir });
    expect((await drawn('--out', 'pictures/a.svg')).stdout).toBe('a: pictures/a.svg\n');
    const svg = await readFile(join(dir, 'pictures/a.svg'), 'utf8');
    expect(svg).toMatch(/^<svg xmlns.*>samples of euler<.*>1 task: 1 in the store<.*<\/svg>\n$/s);
    // one arrow for each edge that no other way tells
    expect(svg.match(/marker-end/g)).toHaveLength(3);
    const { stdout } = await drawn('--format', 'mermaid');
    expect(stdout).toContain('["samples<br>samples of euler<br>1 task: 1 in the store"]:::there\n');
    expect(stdout).toContain('  t1 --> t2\n');
  });

  it('sample', async () => {
    expect(await said('sample', 'b.yaml', '--outdir', 'images')).toMatchObject({
      code: 0,
      experiments: [
        { name: 'b', points: [{ label: 'num_steps 3', folder: 'images/num_steps-3', images: 4 }, {}] },
      ],
      tasks: { computed: 0, local: expect.any(Number), remote: 0 },
    });
  });

  const problem = { file: 'wrong.yaml', line: 7, column: 9, path: 'grid.student.solvr' };

  it('validate', async () => {
    expect(await said('validate', 'b.yaml')).toMatchObject({
      code: 0,
      experiments: [{ file: 'b.yaml', name: 'b', points: settings, problems: [] }],
    });
    expect(await said('validate', 'b.yaml', 'wrong.yaml')).toMatchObject({
      code: 2,
      experiments: [{ name: 'b' }, { file: 'wrong.yaml', problems: [problem] }],
      error: { code: 'E_SPEC', problems: [problem] },
    });
  });

  it('tells an error in the same form, beside the text', async () => {
    const none = { computed: 0, local: 0, remote: 0 };
    const sentence = expect.stringMatching(/^names no key of the spec; did you mean/);
    const wrong = await said('run', 'wrong.yaml', 'b.yaml', 'nowhere.yaml');
    expect(wrong).toMatchObject({ code: 2, experiments: [], tasks: none, error: { code: 'E_SPEC' } });
    expect(wrong.error.problems).toMatchObject([
      { ...problem, sentence },
      { file: 'nowhere.yaml', line: 0, column: 0, path: '' },
    ]);
    expect(wrong.stderr).toBe(`${wrong.error.message}\n`);
    expect(await said('sample', 'wrong.yaml', '--outdir', 'x')).toMatchObject({
      experiments: [],
      tasks: none,
    });
    expect(await said('plan', 'wrong.yaml')).toMatchObject({
      experiments: [],
      tasks: { found: 0, toCompute: 0 },
      error: { problems: [problem] },
    });
    expect(await said('run', 'spec.yaml', 'broken.yaml')).toMatchObject({
      code: 1,
      experiments: [
        { name: 'a', failures: [] },
        { name: 'broken', failures: [{ code: 'E_CHECKPOINT' }] },
      ],
      tasks: { computed: 0, local: expect.any(Number) },
      error: { code: 'E_TASK', message: expect.stringContaining('E_CHECKPOINT') },
    });
  });

  it.each([
    ['E_USAGE', 2, ['run', 'spec.yaml', '--stor', 'x']],
    ['E_FILE', 2, ['fid', 'calc', 'nowhere', '--ref', 'x.npz', '--features', 'y.onnx']],
    ['E_MODELS', 2, ['models', 'fetch', 'cfar10']],
    ['E_PICKLE', 2, ['models', 'inspect', 'spec.yaml']],
    ['E_ENGINE', 2, ['run', 'spec.yaml', '--device', 'gpu']],
    ['E_STORE_ACCESS', 2, ['plan', 'spec.yaml', '--store', 'b.yaml']],
  ])('tells %s of a command of any kind', async (code, exitCode, args) => {
    const message = expect.any(String);
    expect(await said(...args)).toMatchObject({ code: exitCode, error: { code, message } });
  });
});
