// The tables of docs/leaderboard.md: every sampler of experiments/leaderboard-*.yaml by evaluations, best first.
//
//   npm run build && node bench/leaderboard.mjs STORE [DATASET …]
//
// STORE: where samples are kept. Digits take some ten minutes where none is there yet, emoji as long.
import { spawnSync } from 'node:child_process';

const [store, ...datasets] = process.argv.slice(2);
/** Seeds that every choice may have looked at, and those that none has. */
const blocks = ['0-511', '512-1023'];

function scored(dataset, seeds) {
  const spec = `experiments/leaderboard-${dataset}.yaml`;
  const args = ['run', spec, '--store', store, '--set', `sample.seeds=${seeds}`, '--json'];
  const { status, stdout } = spawnSync(process.execPath, ['packages/runner/bin/fewstep.js', ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
    maxBuffer: 2 ** 30,
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`fewstep ${args.join(' ')} ended with ${status}`);
  return JSON.parse(stdout).experiments[0].points;
}

const row = (...cells) => console.log(`| ${cells.join(' | ')} |`);
const rounded = (value, digits) => (value === undefined ? '' : value.toFixed(digits));

for (const dataset of datasets.length > 0 ? datasets : ['digits', 'emoji']) {
  const [seen, unseen] = blocks.map((seeds) => scored(dataset, seeds));
  console.log(`\n## ${dataset[0].toUpperCase()}${dataset.slice(1)}\n`);
  row(
    'NFE',
    'sampler',
    'RMSE',
    'FID',
    'KID · 10³',
    'calls to train',
    ...['RMSE', 'FID'].map((of) => `${of} of ${blocks[1]}`),
  );
  row('--:', '---', ...Array(6).fill('--:'));
  const rows = seen.map((point, i) => ({ ...point, unseen: unseen[i].metrics }));
  rows.sort((a, b) => a.nfe - b.nfe || a.metrics.rmse_to_teacher - b.metrics.rmse_to_teacher);
  for (const { label, nfe, metrics, train_calls: calls, unseen: other } of rows)
    row(
      nfe,
      label.replace(/, \d+ NFE$/, ''),
      rounded(metrics.rmse_to_teacher, 2),
      rounded(metrics.fid, 3),
      rounded(metrics.kid * 1000, 2),
      calls === undefined ? '' : calls.toLocaleString('en-US'),
      rounded(other.rmse_to_teacher, 2),
      rounded(other.fid, 3),
    );
}
