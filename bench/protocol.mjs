// What each choice of a protocol moves a score by, on the embedded digits: the tables of docs/protocol.md.
//
//   npm run build && node bench/protocol.mjs STORE [GOLDEN]
//
// STORE: where its samples are kept, so that those of bench/fifty-thousand.mjs serve both. GOLDEN: a folder of golden metrics.
// dpmpp (order 2) at 3 evaluations, some 70,000 images of it: about 20 minutes where none is there yet.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { frechetDistance, kid, prdc, statistics } from '@fewstep/metrics';
import { readImages } from '@fewstep/metrics/images';
import { readNpz } from '@fewstep/metrics/npz';
import { inceptionCheckpoint, readSafetensors, writeSafetensors } from '@fewstep/models';
import { openSession } from '../packages/models/dist/engines/open-session.js';
import { inception } from '../packages/models/dist/networks/inception.js';
import { recordShapes } from '../packages/models/dist/networks/parameters.js';

const [store, golden] = process.argv.slice(2);
const folder = mkdtempSync(join(tmpdir(), 'fewstep-protocol-'));
const digits = resolve('experiments/digits');
const inDigits = (name) => join(digits, name);
const real = inDigits('digits-32x32.zip');

function fewstep(...args) {
  const { status, stdout } = spawnSync(process.execPath, ['packages/runner/bin/fewstep.js', ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
    maxBuffer: 2 ** 30,
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`fewstep ${args.join(' ')} ended with ${status}`);
  return stdout;
}

/** The metrics of a run of digits, with what is said otherwise. */
function scored(sample, { evaluate = '[fid]', data = real } = {}) {
  const spec = join(folder, 'spec.yaml');
  writeFileSync(
    spec,
    `name: protocol
dataset:
  checkpoint: ${inDigits('digits-edm.pkl')}
  sigma_min: 0.002
  sigma_max: 80
  reference_data: ${data}
  feature_network: ${inDigits('digits-features.onnx')}
schedule: { type: polynomial, rho: 7 }
student: { solver: dpmpp, max_order: 2, predict_x0: false, num_steps: 4 }
train: false
sample: ${sample}
evaluate: ${evaluate}
`,
  );
  const printed = fewstep('run', spec, '--store', store, '--results', join(folder, 'results'), '--json');
  return JSON.parse(printed).experiments[0].points[0].metrics;
}

const row = (...cells) => console.log(`| ${cells.join(' | ')} |`);
const header = (...cells) => {
  console.log('');
  row(...cells);
  row(...cells.map((_, i) => (i === 0 ? '---' : '---:')));
};
const digitsOf = (value, digits = 4) => (value === undefined ? '' : value.toFixed(digits));
const pm = (metrics, name, digits = 4) =>
  metrics[`${name}_se`] === undefined
    ? digitsOf(metrics[name], digits)
    : `${digitsOf(metrics[name], digits)} ± ${digitsOf(1.96 * metrics[`${name}_se`], digits)}`;

async function goldenTable() {
  const index = JSON.parse(readFileSync(join(golden, 'index.json'), 'utf8'));
  const arrays = readSafetensors(readFileSync(join(golden, index.file)));
  const set = (name, dim) => ({ dim, data: Float32Array.from(arrays[name].data, Number) });
  header('golden figures', 'official', 'ours', 'apart');
  const compare = (what, official, ours) =>
    row(what, String(official), String(ours), Math.abs((ours - official) / official).toExponential(0));
  for (const one of index.fid.filter(({ features }) => features)) {
    const [a, b] = [one.features, one.features_ref].map((name) => set(name, one.dim));
    compare(
      `FID, ${one.n} and ${one.n_ref} vectors of ${one.dim}`,
      one.fid,
      await frechetDistance(await statistics([a]), await statistics([b])),
    );
  }
  for (const one of index.kid)
    compare(
      `KID, ${one.n} and ${one.m} vectors of ${one.dim}`,
      one.kid,
      (await kid(set(one.x, one.dim), set(one.y, one.dim))).kid,
    );
  for (const one of index.prdc) {
    const found = await prdc(set(one.real, one.dim), set(one.fake, one.dim), one.nearest_k);
    for (const name of ['precision', 'recall', 'density', 'coverage'])
      compare(`${name}, ${one.n_real} and ${one.n_fake} vectors of ${one.dim}`, one[name], found[name]);
  }
}

function numberOfImages() {
  header('images', 'FID', 'FID∞', 'KID', 'recall', 'coverage');
  for (const n of [512, 1000, 2000, 5000, 10_000, 20_000, 50_000]) {
    const found = scored(`{ seeds: 0-${n - 1} }`, { evaluate: '[fid, kid, prdc]' });
    row(
      n.toLocaleString('en'),
      pm(found, 'fid'),
      pm(found, 'fid_inf'),
      pm(found, 'kid', 6),
      digitsOf(found.recall, 3),
      digitsOf(found.coverage, 3),
    );
  }
}

function seeds() {
  header('seeds', 'FID of 10,000');
  for (const first of [0, 10_000, 20_000, 30_000, 40_000])
    row(
      `${first.toLocaleString('en')}–${(first + 9999).toLocaleString('en')}`,
      pm(scored(`{ seeds: ${first}-${first + 9999} }`), 'fid'),
    );
}

function references() {
  header('reference', 'FID of 10,000');
  row('all 10,000 digits', pm(scored('{ seeds: 0-9999 }'), 'fid'));
  for (const count of [5000, 1000]) {
    const data = join(folder, `digits-${count}.zip`);
    fewstep('dataset', real, data, '--max-images', String(count));
    row(`the first ${count.toLocaleString('en')}`, pm(scored('{ seeds: 0-9999 }', { data }), 'fid'));
  }
  const data = join(folder, 'digits.npz');
  fewstep(
    'fid',
    'ref',
    real,
    '--dest',
    data,
    '--features',
    inDigits('digits-features.onnx'),
    '--store',
    store,
  );
  row('statistics of all, as .npz', pm(scored('{ seeds: 0-9999 }', { data }), 'fid'));
}

function classes() {
  header('classes', 'FID of 10,000');
  row('random, by seed', pm(scored('{ seeds: 0-9999 }'), 'fid'));
  row('as many of each', pm(scored('{ seeds: 0-9999, classes: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9] }'), 'fid'));
}

/** FID of the same images as numbers, and as bytes that are made of them in several ways. */
async function rounding() {
  const [n, each] = [2048, 256];
  scored(`{ seeds: 0-${n - 1} }`);
  const floats = [];
  for (let first = 0; first < n; first += each) {
    const out = join(folder, `inters-${first}`);
    const seeds = `${first}-${first + each - 1}`;
    const where = ['--outdir', out, '--store', store, '--seeds', seeds];
    fewstep('sample', join(folder, 'spec.yaml'), '--return-inters', ...where);
    floats.push(...(await finals(out, each)));
  }
  const signature = { what: 'features', inputs: ['images'], outputs: ['features'] };
  const session = await openSession(inDigits('digits-features.onnx'), signature, {});
  const featuresOf = async (data) =>
    (await session.run({ images: { data, shape: [1, 32, 32] } }, data.length / 1024)).features;
  const dim = 224;
  const all = [];
  for await (const { data } of readImages(real, { batch: 500, labels: false }))
    all.push({ dim, data: await featuresOf(Float32Array.from(data)) });
  const reference = await statistics(all);
  const ways = {
    'bytes, 127.5·x + 128 without its fraction (official)': (x) => Math.trunc(127.5 * x + 128),
    'bytes, 127.5·x + 127.5 without its fraction': (x) => Math.trunc(127.5 * x + 127.5),
    'numbers, 127.5·x + 127.5': (x) => 127.5 * x + 127.5,
  };
  header('x in −1 … 1 as', `FID of ${n.toLocaleString('en')}`);
  for (const [name, way] of Object.entries(ways)) {
    const sets = [];
    for (const image of floats) {
      const scaled = image.map((x) => way(Math.min(1, Math.max(-1, x))));
      sets.push({ dim, data: await featuresOf(Float32Array.from(scaled)) });
    }
    row(name, digitsOf(await frechetDistance(await statistics(sets), reference)));
  }
}

/** The last of the states, an image each. */
async function finals(out, n) {
  const { inters } = await readNpz(join(out, 'inters/inters.npz'), { choose: (names) => names });
  const last = inters.data.subarray(inters.data.length - n * 1024);
  return Array.from({ length: n }, (_, i) => last.subarray(i * 1024, (i + 1) * 1024));
}

/** FID's Inception with random weights, which shows what a resize does to features that nobody trained for digits. */
function randomInception() {
  let state = 1;
  const uniform = () => (state = (state * 48271) % 2147483647) / 2147483647;
  const normal = () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
  const weights = {};
  for (const [name, shape] of recordShapes((ops) => inception(ops, null))) {
    const size = shape.reduce((a, b) => a * b, 1);
    const fan = shape.slice(1).reduce((a, b) => a * b, 1);
    const value = /running_var$|bn\.weight$/.test(name)
      ? () => 1
      : shape.length > 1
        ? () => normal() * Math.sqrt(2 / fan)
        : () => 0;
    weights[name] = { dtype: 'F32', shape, data: Float32Array.from({ length: size }, value) };
  }
  inceptionCheckpoint(weights);
  const path = join(folder, 'inception.safetensors');
  writeFileSync(path, writeSafetensors(weights));
  return path;
}

function resizes() {
  const n = 512;
  scored(`{ seeds: 0-${n - 1} }`);
  const out = join(folder, 'samples');
  fewstep('sample', join(folder, 'spec.yaml'), '--outdir', out, '--store', store, '--seeds', `0-${n - 1}`);
  const features = randomInception();
  header('images come to 299×299 as by', 'FID of 512, Inception with random weights');
  const distance = (set, ref, resize) => {
    const args = ['--features', features, '--resize', resize, '--num', String(n), '--store', store, '--json'];
    return JSON.parse(fewstep('fid', 'calc', set, '--ref', ref, ...args)).sets[0].fid;
  };
  const few = join(folder, 'digits-few.zip');
  fewstep('dataset', real, few, '--max-images', String(2 * n));
  for (const resize of ['tensorflow', 'pytorch']) row(resize, distance(out, few, resize).toPrecision(5));
}

mkdirSync(store, { recursive: true });
if (golden) await goldenTable();
numberOfImages();
seeds();
references();
classes();
await rounding();
resizes();
