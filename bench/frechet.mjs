// FID's arithmetic at the size of papers: 50,000 vectors of 2048 features against statistics of as many features.
//
//   node bench/frechet.mjs [VECTORS] [FEATURES]
//
// With Debian's python3-scipy beside it, the same by numpy and scipy on the same files. Seconds depend on what else the
// machine does; the ratios of one run count.
import { execFileSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { frechetDistance, statistics } from '@fewstep/metrics';
import { openDoubleProducts } from '@fewstep/metrics/onnx';

const [n = 50_000, dim = 2048] = process.argv.slice(2).map(Number);
const shard = 1000;

/** Features that depend on each other, as a network's do: their covariance has eigenvalues over five decades. */
function features(count, seed) {
  let state = seed;
  const next = () => (state = (state * 48271) % 2147483647) / 2147483647;
  const data = new Float32Array(count * dim);
  for (let at = 0; at < data.length; at += dim) {
    let last = 0;
    for (let i = 0; i < dim; i++) {
      last = 0.9 * last + next() - 0.5;
      data[at + i] = Math.max(0, last + 0.3) * 10 ** ((-2 * i) / dim);
    }
  }
  return data;
}

const folder = mkdtempSync(join(tmpdir(), 'fewstep-frechet-'));
const file = join(folder, 'features');
const starts = Array.from({ length: Math.ceil(n / shard) }, (_, i) => i * shard);
const countFrom = (start) => Math.min(shard, n - start);

/** The features in the file, a shard at a time. */
const shards = {
  *[Symbol.iterator]() {
    const opened = openSync(file, 'r');
    for (const start of starts) {
      const data = new Float32Array(countFrom(start) * dim);
      readSync(opened, data);
      yield { dim, data };
    }
    closeSync(opened);
  },
};

async function timed(work) {
  const start = performance.now();
  const result = await work();
  return [result, (performance.now() - start) / 1000];
}

/** Times are printed; statistics are those of the files, as the official code sums them. */
const script = `
import sys, time, numpy as np, scipy.linalg
folder, dim, shard = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
load = lambda name: np.fromfile(folder + '/' + name)
def timed(work):
    start = time.time()
    result = work()
    return result, time.time() - start
def statistics():
    total, products, n = np.zeros(dim), np.zeros([dim, dim]), 0
    with open(folder + '/features', 'rb') as file:
        while True:
            x = np.fromfile(file, np.float32, shard * dim).reshape(-1, dim).astype(np.float64)
            if len(x) == 0:
                break
            total += x.sum(0); products += x.T @ x; n += len(x)
    mu = total / n
    return mu, (products - n * np.outer(mu, mu)) / (n - 1)
ma, sa, mb, sb = load('ma'), load('sa').reshape(dim, dim), load('mb'), load('sb').reshape(dim, dim)
traces = np.square(ma - mb).sum() + np.trace(sa) + np.trace(sb)
def official():
    root, _ = scipy.linalg.sqrtm(sa @ sb, disp=False)
    return traces - 2 * np.real(np.trace(root))
def symmetric():
    half = scipy.linalg.cholesky(sa, lower=True)
    return traces - 2 * np.sqrt(np.maximum(0, scipy.linalg.eigvalsh(half.T @ sb @ half))).sum()
_, summing = timed(statistics)
root, rooting = timed(official)
value, eigen = timed(symmetric)
print(summing, rooting, root, eigen, value)
`;

try {
  const written = openSync(file, 'w');
  for (const start of starts) writeSync(written, features(countFrom(start), 1 + start));
  closeSync(written);
  const products = await openDoubleProducts();
  const b = await statistics([{ dim, data: features(3 * dim, 7) }], products);

  const [a, summing] = await timed(() => statistics(shards, products));
  const [distance, eigen] = await timed(() => frechetDistance(a, b, products));
  console.log(`statistics of ${n} × ${dim}: ${summing.toFixed(2)} s`);
  console.log(`distance: ${eigen.toFixed(2)} s, ${distance}`);
  console.log(
    `together: ${(summing + eigen).toFixed(2)} s, at most ${Math.round(process.resourceUsage().maxRSS / 1024)} MiB`,
  );

  for (const [name, data] of Object.entries({ ma: a.mu, sa: a.sigma, mb: b.mu, sb: b.sigma }))
    writeFileSync(join(folder, name), data);
  const theirs = python(folder, dim, shard);
  if (theirs === undefined) console.log('no python3 with numpy and scipy here: nothing to compare with');
  else {
    const [theirSumming, rooting, root, theirEigen, value] = theirs;
    const ratio = (ours, other) => `${other.toFixed(2)} s, ours ${(ours / other).toFixed(2)} times that`;
    console.log(`numpy, statistics: ${ratio(summing, theirSumming)}`);
    console.log(`scipy, distance by sqrtm: ${ratio(eigen, rooting)}, ${root}`);
    console.log(`scipy, distance by eigvalsh: ${ratio(eigen, theirEigen)}, ${value}`);
    console.log(
      `numpy and scipy by eigvalsh, together: ${ratio(summing + eigen, theirSumming + theirEigen)}`,
    );
  }
} finally {
  rmSync(folder, { recursive: true });
}

/** What the script prints; undefined without Python or its packages. */
function python(...args) {
  try {
    execFileSync('python3', ['-c', 'import numpy, scipy.linalg'], { stdio: 'ignore' });
  } catch {
    return undefined;
  }
  return execFileSync('python3', ['-c', script, ...args.map(String)], { encoding: 'utf8' })
    .trim()
    .split(' ')
    .map(Number);
}
