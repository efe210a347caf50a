import { execFileSync } from 'node:child_process';
import { cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fewstep, start } from './command-line.js';
import { childrenOf, computingProcess, heard, may, stopInTheMiddle } from './faults/processes.js';
import { tiny, workspace } from './small-experiment.js';

const folders: string[] = [];
const folder = async () => {
  const dir = await workspace();
  folders.push(dir);
  return dir;
};
afterAll(() => Promise.all(folders.map((dir) => rm(dir, { recursive: true, force: true }))));

/** Everything of a finished run that must not depend on what happened on the way. */
async function results(dir: string): Promise<unknown> {
  const report = JSON.parse(await readFile(join(dir, 'results/small/report.json'), 'utf8'));
  const artifacts = report.points.map(({ metrics, artifacts: { samples } }: Report) => ({
    metrics,
    samples: samples.map((path) => path.split('/').at(-1)),
  }));
  const predictor = await readFile(join(dir, 'results/small/amed/predictor.safetensors'));
  return { artifacts, predictor: predictor.toString('base64') };
}
interface Report {
  readonly metrics: unknown;
  readonly artifacts: { readonly samples: readonly string[] };
}

/** Tasks whose results a folder's store has. */
async function kept(dir: string): Promise<number> {
  const records = await readdir(join(dir, '.fewstep/records'), { recursive: true }).catch(() => []);
  return records.filter((name) => name.endsWith('.json')).length;
}

/** A run in a folder of its own, as soon as it has finished so many tasks: it is at the next. */
async function runningAt(tasks: number) {
  const dir = await folder();
  const started = start(['run', 'spec.yaml'], { cwd: dir });
  const computing = await computingProcess(started.child);
  while ((await kept(dir)) < tasks && started.child.exitCode === null) await sleep(1);
  return { dir, computing, ...started };
}

/** One that nothing happens to: where it ran, and its results. */
let whole: string;
let undisturbed: unknown;
beforeAll(async () => {
  whole = await folder();
  const { code, stderr } = await fewstep(['run', 'spec.yaml'], { cwd: whole });
  expect(code, stderr).toBe(0);
  undisturbed = await results(whole);
});

describe('a run that is killed', () => {
  it.each([1, 9])('goes on from what was finished, at least %i tasks', async (tasks) => {
    const { dir, child, finished } = await runningAt(tasks);
    child.kill('SIGKILL');
    await finished;
    const before = await kept(dir);
    expect(before).toBeGreaterThanOrEqual(tasks);
    const again = await fewstep(['run', 'spec.yaml', '--json'], { cwd: dir });
    expect(again.code, again.stderr).toBe(0);
    expect(JSON.parse(again.stdout).tasks).toMatchObject({ local: before, computed: 15 - before });
    expect(await results(dir)).toEqual(undisturbed);
  });

  it('replaces a computing process that was killed', async () => {
    const { dir, child, computing, finished } = await runningAt(1);
    expect(childrenOf(child.pid!)).toEqual([computing]);
    process.kill(computing, 'SIGKILL');
    const { code, stderr } = await finished;
    expect(code, stderr).toBe(0);
    expect(await results(dir)).toEqual(undisturbed);
  });

  it('ends on Ctrl-C with 130, keeps what is finished, and leaves no process behind', async () => {
    const { dir, child, computing, finished } = await runningAt(2);
    child.kill('SIGINT');
    const { code, stderr } = await finished;
    expect(code).toBe(130);
    expect(stderr).toContain('E_INTERRUPTED');
    const left = (name: string) => readFile(join(dir, 'results/small', name), 'utf8');
    expect(JSON.parse(await left('run.json'))).toMatchObject({ exit: 130, error: { code: 'E_INTERRUPTED' } });
    expect(await left('log.txt')).toMatch(
      /^\d{4}-.*Z fewstep run spec\.yaml\n(.*\n)*E_INTERRUPTED interrupted: \d+ of \d+ tasks are finished and kept in \.fewstep, .*\n$/,
    );
    expect(() => process.kill(computing, 0)).toThrow();
    expect((await fewstep(['run', 'spec.yaml'], { cwd: dir })).code).toBe(0);
    expect(await results(dir)).toEqual(undisturbed);
  });
});

describe('a store that was damaged', () => {
  it('is mended: a cut-off blob is computed again', async () => {
    const store = join(whole, '.fewstep');
    for (const name of await readdir(join(store, 'blobs'), { recursive: true })) {
      if (!/[0-9a-f]{64}$/.test(name)) continue;
      const path = join(store, 'blobs', name);
      const content = await readFile(path);
      await rm(path);
      await writeFile(path, content.subarray(0, content.length >> 1));
    }
    const again = await fewstep(['run', 'spec.yaml', '--json'], { cwd: whole });
    expect(again.code, again.stderr).toBe(0);
    expect(await results(whole)).toEqual(undisturbed);
  });
});

describe('two runs on one store', () => {
  it('share the work, and the one that waits ends on Ctrl-C', async () => {
    const dir = await folder();
    const first = start(['run', 'spec.yaml', '--json'], { cwd: dir });
    await stopInTheMiddle(first.child, join(dir, '.fewstep')); // holds its leases and computes nothing
    const second = start(['run', 'spec.yaml', '--results', 'second'], { cwd: dir });
    await heard(second.child, /waiting for/);
    second.child.kill('SIGINT');
    const { code, stderr } = await second.finished;
    expect(code, stderr).toBe(130);
    const third = start(['run', 'spec.yaml', '--json', '--results', 'third'], { cwd: dir });
    await heard(third.child, /waiting for/);
    first.child.kill('SIGCONT');
    const outcomes = await Promise.all([first.finished, third.finished]);
    const tasks = outcomes.map(({ stdout }) => JSON.parse(stdout).tasks);
    expect(tasks[0].computed + tasks[1].computed).toBe(tasks[0].computed + tasks[0].local);
  });
});

describe.skipIf(!may.mount)('a disk that is full (needs root, to mount a small one)', () => {
  const full = async (size: string) => {
    const dir = await folder();
    const disk = join(dir, 'disk');
    await mkdir(disk);
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', disk]);
    return { dir, disk };
  };
  const args = ['run', 'spec.yaml', '--json', '--store', 'disk/store', '--results', 'disk/results'];

  // The first has room for nothing, the second for the network and little more.
  it.each(['64k', '700k'])('of %s stops the run, which goes on when there is space', async (size) => {
    const { dir, disk } = await full(size);
    try {
      const stopped = await fewstep(args, { cwd: dir });
      expect(stopped.code, stopped.stderr).toBe(1);
      expect(stopped.stderr).toMatch(/E_STORE_FULL|E_RESULTS/);
      expect(stopped.stderr).not.toMatch(/\n\s+at .*:\d+:\d+/);
      expect(await readdir(join(disk, 'store/tmp'))).toEqual([]);
      const left = await readdir(join(disk, 'results'), { recursive: true });
      expect(left.filter((name) => name.endsWith('.part'))).toEqual([]);
      execFileSync('mount', ['-o', 'remount,size=64m', disk]);
      const again = await fewstep(args, { cwd: dir });
      expect(again.code, again.stderr).toBe(0);
      expect(JSON.parse(again.stdout).experiments[0].failures).toEqual([]);
    } finally {
      execFileSync('umount', [disk]);
    }
  });

  it('does not keep a finished experiment from being shown, nor does a read-only one', async () => {
    const { dir, disk } = await full('64m');
    try {
      await fewstep(args, { cwd: dir });
      execFileSync('mount', ['-o', 'remount,ro', disk]);
      const shown = await fewstep(['run', 'spec.yaml', '--json', '--store', 'disk/store'], { cwd: dir });
      expect(shown.code, shown.stderr).toBe(0);
      expect(JSON.parse(shown.stdout).tasks.computed).toBe(0);
      const refused = await fewstep(args, { cwd: dir });
      expect(refused.code, refused.stderr).toBe(1);
      expect(refused.stderr).toMatch(/^E_RESULTS /m);
      const elsewhere = await fewstep(['run', 'spec.yaml', '--store', 'disk/new'], { cwd: dir });
      expect(elsewhere.code, elsewhere.stderr).toBe(2);
      expect(elsewhere.stderr).toContain('E_STORE_ACCESS');
      expect(elsewhere.stderr).not.toMatch(/samples|computed/);
    } finally {
      execFileSync('umount', [disk]);
    }
  });
});

it('ends quietly when the reader of its output does', async () => {
  const { child, finished } = start(['schema']);
  child.stdout!.destroy();
  const { code, stderr } = await finished;
  expect([code, stderr]).toEqual([0, '']);
});

describe('wrong input', () => {
  let dir: string;
  beforeAll(async () => {
    dir = await folder();
    await mkdir(join(dir, 'a-folder'));
    await writeFile(join(dir, 'picture.pkl'), Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex'));
    await writeFile(join(dir, 'text.pkl'), 'hello');
    await writeFile(join(dir, 'empty.pkl'), '');
    await cp(join(dir, 'spec.yaml'), join(dir, 'cut.yaml'));
    await writeFile(join(dir, 'cut.pkl'), (await readFile(tiny)).subarray(0, 200_000));
  });

  it.each([
    ['an unknown command', ['rnu', 'spec.yaml'], 2, /rnu/],
    ['no spec', ['run'], 2, /spec/],
    ['a missing spec', ['run', 'sepc.yaml'], 2, /did you mean spec\.yaml/],
    ['a folder as spec', ['run', 'a-folder'], 2, /E_SPEC/],
    ['an unknown key', ['run', 'spec.yaml', '--set', 'student.num_stepz=4'], 2, /num_steps/],
    ['an unknown solver', ['run', 'spec.yaml', '--set', 'student.solver=amde'], 2, /amed/],
    ['a wrong type', ['run', 'spec.yaml', '--set', 'sample.batch=many'], 2, /sample\.batch/],
    ['a missing checkpoint', ['run', 'spec.yaml', '--set', 'dataset.checkpoint=none.pkl'], 2, /none\.pkl/],
    ['a picture as checkpoint', ['run', 'spec.yaml', '--set', 'dataset.checkpoint=picture.pkl'], 1, /PNG/i],
    [
      'a text as checkpoint',
      ['run', 'spec.yaml', '--set', 'dataset.checkpoint=text.pkl'],
      1,
      /E_(CHECKPOINT|PICKLE)/,
    ],
    [
      'an empty checkpoint',
      ['run', 'spec.yaml', '--set', 'dataset.checkpoint=empty.pkl'],
      1,
      /E_(CHECKPOINT|PICKLE)/,
    ],
    [
      'a cut-off checkpoint',
      ['run', 'spec.yaml', '--set', 'dataset.checkpoint=cut.pkl'],
      1,
      /E_(CHECKPOINT|PICKLE)/,
    ],
    [
      'several specs that are wrong',
      ['run', 'one.yaml', 'two.yaml'],
      2,
      /one\.yaml E_SPEC.*\n.*two\.yaml E_SPEC/,
    ],
    ['two specs of one name', ['plan', 'spec.yaml', 'cut.yaml'], 2, /cut\.yaml E_SPEC name: small/],
    [
      'results that are a file',
      ['run', 'spec.yaml', '--results', 'text.pkl'],
      1,
      /E_RESULTS.*a file is in the way/,
    ],
    [
      'images into a file',
      ['sample', 'spec.yaml', '--outdir', 'text.pkl'],
      1,
      /E_RESULTS.*nothing was computed/,
    ],
    ['a store that is a file', ['run', 'spec.yaml', '--store', 'text.pkl'], 2, /E_STORE_ACCESS/],
    [
      'images that are not there',
      ['fid', 'calc', 'nowhere', '--ref', 'x.npz', '--features', 'y.onnx'],
      2,
      /E_FILE/,
    ],
  ])('%s is an error to act on', async (_, args, expected, text) => {
    const { code, stdout, stderr } = await fewstep(args, { cwd: dir });
    expect(stderr).toMatch(text);
    expect(stderr).not.toMatch(/\n\s+at .*:\d+:\d+/);
    expect(stdout).not.toMatch(/\n\s+at .*:\d+:\d+/);
    expect(code).toBe(expected);
    const left = await readdir(join(dir, '.fewstep/tmp')).catch(() => []);
    expect(left).toEqual([]);
  });
});
