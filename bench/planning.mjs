/**
 * What a run of many points costs beside what is computed, by this checkout and another that is built, in turn:
 *
 *   node bench/planning.mjs BEFORE [REPETITIONS]
 *
 * - `run` and `plan` of 400 points whose 1,203 tasks are all in the store, each checkout in a store and results of its own:
 *   seconds of the processor and of the clock and their ratios, medians of the pairs;
 * - `plan` of 10,000 points of 512 images in an empty store, by this checkout alone: time and memory.
 *
 * Needs GNU time at /usr/bin/time. Ratios hold on a busy machine, times don't.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const [before, repetitions = '7'] = process.argv.slice(2);
if (before === undefined) throw new Error('usage: node bench/planning.mjs BEFORE [REPETITIONS]');
const here = fileURLToPath(new URL('..', import.meta.url));
const checkouts = { before: resolve(before), now: here };
const dir = mkdtempSync(join(tmpdir(), 'fewstep-planning-'));

const range = (count, from, step) =>
  Array.from({ length: count }, (_, i) => Number((from + i * step).toFixed(6)));
/** Samples, their score and a picture for each point; a network, a comparison and the reference's samples for all. */
const cached = `name: cached
dataset: { checkpoint: ${join(here, 'packages/models/fixtures/edm-ncsnpp-uncond.p2.pkl')} }
schedule: { type: polynomial }
student: { solver: euler, num_steps: 2 }
train: false
sample: { seeds: 0, grid: 1x1 }
reference: { solver: heun, num_steps: 3 }
evaluate: [rmse_to_teacher]
grid: { schedule.rho: [${range(400, 2, 0.01)}] }
`;
const many = `name: many
dataset: digits
schedule: { type: polynomial }
student: { solver: amed, num_steps: 4, afs: true }
train: { total_kimg: 0.5 }
sample: { seeds: 0-511 }
grid: { schedule.rho: [${range(10, 3, 1)}], train.lr: [${range(1000, 0.001, 0.00001)}] }
`;

/** Seconds of the processor and of the clock, mebibytes, and what it said. */
function timed(checkout, command, spec) {
  const cwd = join(dir, checkout);
  mkdirSync(cwd, { recursive: true });
  const bin = join(checkouts[checkout], 'packages/runner/bin/fewstep.js');
  const args = ['-f', '%U %S %e %M', process.execPath, bin, command, join(dir, spec)];
  const env = { ...process.env, FEWSTEP_STORE: join(cwd, 'store') };
  const { stdout, stderr, status } = spawnSync('/usr/bin/time', args, { cwd, env, encoding: 'utf8' });
  if (status !== 0) throw new Error(`${checkout} ${command}: ${stderr}`);
  const [user, system, wall, kilobytes] = stderr.trim().split('\n').at(-1).split(' ').map(Number);
  return { processor: user + system, wall, megabytes: kilobytes / 1024, stdout };
}
const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];

try {
  writeFileSync(join(dir, 'cached.yaml'), cached);
  writeFileSync(join(dir, 'many.yaml'), many);
  for (const checkout of Object.keys(checkouts)) timed(checkout, 'run', 'cached.yaml');
  for (const command of ['run', 'plan']) {
    const pairs = Array.from({ length: Number(repetitions) }, () =>
      ['before', 'now'].map((checkout) => timed(checkout, command, 'cached.yaml')),
    );
    for (const what of ['processor', 'wall']) {
      const [then, now] = [0, 1].map((i) => median(pairs.map((pair) => pair[i][what])).toFixed(2));
      const ratio = median(pairs.map(([a, b]) => b[what] / a[what])).toFixed(2);
      console.log(
        `${command} of 1,203 cached tasks, ${what}: ${then} s before, ${now} s now, ratio ${ratio}`,
      );
    }
  }
  const { processor, wall, megabytes, stdout } = timed('now', 'plan', 'many.yaml');
  console.log(stdout.split('\n').slice(0, 2).join('\n'));
  console.log(
    `planned in ${wall} s, ${processor.toFixed(1)} s of the processor, ${megabytes.toFixed(0)} MiB`,
  );
} finally {
  rmSync(dir, { recursive: true, force: true });
}
