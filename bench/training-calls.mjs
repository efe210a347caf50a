// What it takes to train a sampler of digits to the score of AMED-Solver, trained as published: evaluations of single images,
// the teacher's included, and seconds.
//
//   npm run build && node bench/training-calls.mjs STORE [KIMG [SEEDS [NFE …]]]
//
// STORE: where results are kept; what was trained there before has no seconds. KIMG: thousands of trajectories that AMED-Solver is
// trained on, 10 as published; nothing else of its training changes. SEEDS: what is scored, 0-511 by default. NFE: 5 and 3.
// Some 550,000 evaluations at 10 kimg, and 100,000 at 1.
//
// As near as AMED-Solver is a table in the first round that finds it so on the images that validate, which AMED-Solver is
// measured on, too. A round has no clock: its seconds are the part of all that its evaluations are.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const [store, kimg = '10', seeds = '0-511', ...only] = process.argv.slice(2);
const folder = mkdtempSync(join(tmpdir(), 'fewstep-training-'));
/** Images that a table is fitted to, and those that choose its round, whose seeds are the same for every training. */
const images = 16;
const validation = 32;
const validationSeeds = `${3 * 2 ** 30}-${3 * 2 ** 30 + validation - 1}`;
const polynomial = { type: 'polynomial', rho: 7 };

/** The one point of an experiment, and what became of its tasks. */
function ran(spec, storeIn) {
  const file = join(folder, 'spec.yaml');
  writeFileSync(file, JSON.stringify({ name: 'training-calls', dataset: 'digits', ...spec }));
  const results = mkdtempSync(join(folder, 'results-'));
  const args = ['run', file, '--store', storeIn, '--results', results, '--json'];
  const { status, stdout } = spawnSync(process.execPath, ['packages/runner/bin/fewstep.js', ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
    maxBuffer: 2 ** 30,
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`fewstep ${args.join(' ')} ended with ${status}`);
  const { experiments, tasks } = JSON.parse(stdout);
  return { ...experiments[0].points[0], tasks };
}

/** A sampler, trained in a store of its own, so that the clock is of all that it takes. */
function trained(name, spec) {
  const start = performance.now();
  const {
    tasks,
    train_calls: calls,
    nfe,
    artifacts,
  } = ran({ ...spec, sample: { seeds: '0' } }, join(store, name));
  const seconds = tasks.local === 0 ? (performance.now() - start) / 1000 : undefined;
  const { predictor, sampler, log } = artifacts;
  const file = resolve(sampler ?? predictor);
  return { nfe, calls, seconds, file, given: sampler ? { sampler: file } : { predictor: file }, log };
}

const scores = ({ given }, of, evaluate) => ran({ ...given, sample: { seeds: of }, evaluate }, store).metrics;

/** Evaluations until a fit was as near as that, those of its teacher and of the look that told so included. */
function callsUntil(rmse, { log, nfe, file }) {
  const rounds = readFileSync(log, 'utf8').trim().split('\n').map(JSON.parse);
  const first = rounds.findIndex((round) => 127.5 * round.validation <= rmse);
  if (first < 0) return undefined;
  const { teacher_calls: ofTeacher } = JSON.parse(readFileSync(file, 'utf8')).train;
  return ofTeacher + (rounds[first - 1]?.calls ?? 0) + validation * nfe;
}

const row = (...cells) => console.log(`| ${cells.join(' | ')} |`);
const count = (value) => (value === undefined ? '' : value.toLocaleString('en-US'));
const fixed = (value, digits) => (value === undefined ? '' : value.toFixed(digits));

row(
  ...['NFE', 'sampler', 'trained on', 'evaluations', 's', 'RMSE', 'FID'],
  ...['until as near as AMED-Solver', 's', 'times fewer'],
);
row('--:', '---', '---', ...Array(7).fill('--:'));
/** The settings that AMED-Solver does best by on digits (packages/digits/README.md). */
const settings = { 5: { steps: 4, M: 2 }, 3: { steps: 3, M: 3 } };
for (const wanted of only.length > 0 ? only : ['5', '3']) {
  const { steps, M } = settings[wanted];
  const amed = {
    schedule: polynomial,
    student: { solver: 'amed', num_steps: steps, afs: true, scale_dir: 0.01, scale_time: 0 },
    teacher: { solver: 'heun', M },
    train: { total_kimg: Number(kimg), batch: 32, lr: 0.005 },
  };
  const show = (name, on, fitted, until) => {
    const { nfe, calls, seconds } = fitted;
    const { rmse_to_teacher: rmse, fid } = scores(fitted, seeds, ['rmse_to_teacher', 'fid']);
    row(
      ...[nfe, name, on, count(calls), fixed(seconds, 0), fixed(rmse, 2), fixed(fid, 3), count(until)],
      fixed(until && seconds && (seconds * until) / calls, 0),
      fixed(until && published.calls / until, 1),
    );
  };
  const published = trained(`amed-${wanted}-${kimg}`, amed);
  show('AMED-Solver', `${kimg} kimg`, published);
  const { rmse_to_teacher: toReach } = scores(published, validationSeeds, ['rmse_to_teacher']);
  const starts = {
    // what AMED-Solver is before its training
    dpm: { schedule: polynomial, student: { num_steps: steps } },
    ipndm: {
      schedule: { type: 'time_uniform', rho: 1 },
      student: { max_order: 4, num_steps: published.nfe + 2 },
    },
  };
  for (const [start, { schedule, student }] of Object.entries(starts)) {
    const fitted = trained(`${start}-${wanted}`, {
      schedule,
      student: { solver: 'table', start, ...student, afs: true },
      train: { images, validation },
    });
    show(`table from ${start} on ${schedule.type}`, `${images} images`, fitted, callsUntil(toReach, fitted));
  }
}
