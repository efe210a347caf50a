// FID's arithmetic at the size of papers: 50,000 vectors of 2048 features against statistics of as many features.
//
//   node bench/frechet.mjs [VECTORS] [FEATURES]
//
// With Debian's python3-scipy beside it, the same by numpy and scipy, as the official code has it; ratios of one run count.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
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

const shards = (seed) => ({
  *[Symbol.iterator]() {
    for (let start = 0; start < n; start += shard)
      yield { dim, data: features(Math.min(shard, n - start), seed + start) };
  },
});

async function timed(what, work) {
  const start = performance.now();
  const result = await work();
  console.log(`${what}: ${((performance.now() - start) / 1000).toFixed(2)} s`);
  return result;
}

const products = await openDoubleProducts();
const made = performance.now();
for (const _ of shards(1));
console.log(`(making the features once: ${((performance.now() - made) / 1000).toFixed(2)} s)`);
const a = await timed('statistics, the features made twice', () => statistics(shards(1), products));
const b = await statistics([{ dim, data: features(3 * dim, 7) }], products);
const distance = await timed('distance', () => frechetDistance(a, b, products));
console.log(`distance ${distance}, at most ${Math.round(process.resourceUsage().maxRSS / 1024)} MiB`);

const script = `
import sys, time, numpy as np, scipy.linalg
dim, n = int(sys.argv[2]), int(sys.argv[3])
load = lambda name: np.fromfile(sys.argv[1] + '/' + name)
ma, mb = load('ma'), load('mb')
sa, sb = load('sa').reshape(dim, dim), load('sb').reshape(dim, dim)
t = time.time()
s, _ = scipy.linalg.sqrtm(sa @ sb, disp=False)
d = np.square(ma - mb).sum() + np.trace(sa + sb - 2 * s)
print('scipy, distance: %.2f s' % (time.time() - t))
print('distance', repr(float(np.real(d))))
x = np.random.rand(1000, dim).astype(np.float32)
t = time.time()
for _ in range(n // 1000):
    f = x.astype(np.float64); f.T @ f
print('numpy, sums of products: %.2f s' % (time.time() - t))
`;
const folder = mkdtempSync(join(tmpdir(), 'fewstep-frechet-'));
try {
  for (const [name, data] of Object.entries({ ma: a.mu, sa: a.sigma, mb: b.mu, sb: b.sigma }))
    writeFileSync(join(folder, name), data);
  console.log(
    execFileSync('python3', ['-c', script, folder, `${dim}`, `${n}`], { encoding: 'utf8' }).trimEnd(),
  );
} catch {
  console.log('no python3 with numpy and scipy here: nothing to compare with');
} finally {
  rmSync(folder, { recursive: true });
}
