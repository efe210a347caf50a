// The tables of docs/leaderboard.md and its pictures: every sampler of experiments/leaderboard-*.yaml by evaluations, best first.
//
//   npm run build && node bench/leaderboard.mjs STORE [DATASET …] [> FILE]
//
// STORE: where samples are kept. What isn't there yet is sampled: some 300,000 evaluations of a data set.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import sharp from 'sharp';
import { parse } from 'yaml';

const [store, ...datasets] = process.argv.slice(2);
const specOf = (dataset) => `experiments/leaderboard-${dataset}.yaml`;
const results = (dataset) => `${store}/leaderboard-${dataset}`;
/** All that a choice could have been made for, and the teacher. */
const chosen = (dataset) =>
  parse(readFileSync(specOf(dataset), 'utf8')).grid.points.filter(
    ({ sampler, predictor, label }) => sampler || predictor || label === 'heun, 35 NFE',
  );
/** Seeds that choices may have looked at, seeds that none has, and few of the first against a finer teacher. */
const runs = {
  seen: () => ['sample.seeds=0-511'],
  unseen: (dataset) => ['sample.seeds=512-1023', `grid.points=${JSON.stringify(chosen(dataset))}`],
  finer: () => [
    'sample.seeds=0-63',
    'reference.solver=heun',
    'reference.num_steps=128',
    'reference.denoise_to_zero=true',
  ],
};

function scored(dataset, run) {
  const spec = specOf(dataset);
  const settings = runs[run](dataset);
  const sets = settings.flatMap((one) => ['--set', one]);
  const args = ['run', spec, '--store', store, '--results', results(dataset), ...sets, '--json'];
  const { status, stdout } = spawnSync(process.execPath, ['packages/runner/bin/fewstep.js', ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
    maxBuffer: 2 ** 30,
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`fewstep ${args.join(' ')} ended with ${status}`);
  return JSON.parse(stdout).experiments[0].points;
}

/** Points that differ in the seed of their training alone, as one. */
function samplersOf(points) {
  const named = points.map((point) => ({
    ...point,
    name: point.label.replace(/(, seed \d+)?, \d+ NFE$/, ''),
  }));
  const groups = {};
  for (const one of named) (groups[`${one.nfe} ${one.name}`] ??= []).push(one);
  return Object.values(groups).map((all) => ({
    name: all.length > 1 ? `${all[0].name}, ${all.length} trainings` : all[0].name,
    learned: all[0].train_calls !== undefined,
    nfe: all[0].nfe,
    all,
    rmse: mean(all.map(({ seen }) => seen.rmse_to_teacher)),
  }));
}

const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
/** Of several trainings their mean, and from where to where they lie. */
function figure(values, digits) {
  if (values.includes(undefined)) return '';
  const [low, high] = [Math.min(...values), Math.max(...values)].map((value) => value.toFixed(digits));
  return `${mean(values).toFixed(digits)}${low === high ? '' : ` (${low}–${high})`}`;
}

const row = (...cells) => console.log(`| ${cells.join(' | ')} |`);

/** A row of eight images for each sampler, from the same seeds, with its name. */
async function picture(rows, file) {
  const [side, images, label] = [64, 8, 330];
  const parts = await Promise.all(
    rows.map(async ({ name, rmse, all: [{ artifacts }] }, i) => {
      const grid = sharp(artifacts.grid);
      const { width } = await grid.metadata();
      const one = await grid
        .extract({ left: 0, top: 0, width, height: width / images })
        .resize(side * images, side, { kernel: 'nearest' })
        .toColourspace('srgb')
        .toBuffer();
      const text = `<svg width="${label}" height="${side}"><g font-family="sans-serif" fill="#222"><text x="10" y="28" font-size="17">${name}</text><text x="10" y="48" font-size="14">${rmse === 0 ? 'what RMSE is to' : `RMSE ${rmse.toFixed(2)}`}</text></g></svg>`;
      return [
        { input: Buffer.from(text), left: 0, top: i * side },
        { input: one, left: label, top: i * side },
      ];
    }),
  );
  await sharp({
    create: { width: label + side * images, height: rows.length * side, channels: 3, background: '#fff' },
  })
    .composite(parts.flat())
    .png({ palette: true })
    .toFile(file);
}

for (const dataset of datasets.length > 0 ? datasets : ['digits', 'emoji']) {
  const [unseen, finer, seen] = ['unseen', 'finer', 'seen'].map((one) => scored(dataset, one));
  const metricsIn = (points, { label }) => points.find((one) => one.label === label)?.metrics;
  const rows = samplersOf(
    seen.map((point) => ({
      ...point,
      seen: point.metrics,
      unseen: metricsIn(unseen, point),
      finer: metricsIn(finer, point),
    })),
  );
  rows.sort((a, b) => a.nfe - b.nfe || a.rmse - b.rmse);
  console.log(`\n## ${dataset[0].toUpperCase()}${dataset.slice(1)}\n`);
  const head = ['NFE', 'sampler', 'RMSE', 'FID', 'KID · 10³', 'RMSE to 255', 'calls to train'];
  row(...head, 'RMSE, 512–1023', 'FID, 512–1023');
  row('--:', '---', ...Array(7).fill('--:'));
  for (const { name, learned, nfe, all } of rows) {
    const of = (values, digits) => figure(all.map(values), digits);
    row(
      nfe,
      learned ? `**${name}**` : name,
      of((one) => one.seen.rmse_to_teacher, 2),
      of((one) => one.seen.fid, 3),
      of((one) => one.seen.kid * 1000, 2),
      of((one) => one.finer.rmse_to_teacher, 2),
      all[0].train_calls === undefined ? '' : all[0].train_calls.toLocaleString('en-US'),
      of((one) => one.unseen?.rmse_to_teacher, 2),
      of((one) => one.unseen?.fid, 3),
    );
  }
  const teacher = rows.at(-1);
  for (const nfe of new Set(rows.slice(0, -1).map((one) => one.nfe))) {
    const file = `leaderboard-${dataset}-nfe${nfe}.png`;
    await picture([...rows.filter((one) => one.nfe === nfe), teacher], `docs/${file}`);
    console.log(`\n![Seeds 0 to 7 of each sampler of ${nfe} evaluations, and of the teacher](${file})`);
  }
}
