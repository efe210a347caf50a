import { featureFault } from './errors.js';

/** Feature vectors of single images: `data` [n × dim], row-major. */
export interface FeatureSet {
  readonly dim: number;
  readonly data: Float32Array;
}

/** How many vectors two comparable sets hold. */
export function counts(a: FeatureSet, b: FeatureSet): [number, number] {
  if (a.dim !== b.dim || !(Number.isSafeInteger(a.dim) && a.dim > 0))
    throw featureFault(
      `sets of ${a.dim} and of ${b.dim} features can't be compared; compute both with the same feature network`,
      { dims: [a.dim, b.dim] },
    );
  for (const { data, dim } of [a, b]) checkVectors(data, dim);
  return [a.data.length / a.dim, b.data.length / b.dim];
}

/** That they are whole vectors of finite numbers. */
export function checkVectors(data: Float32Array, dim: number): void {
  if (data.length % dim !== 0)
    throw featureFault(
      `${data.length} numbers are no whole number of feature vectors of ${dim}; was another feature network used?`,
      { dim, length: data.length },
    );
  const bad = data.findIndex((value) => !Number.isFinite(value));
  if (bad < 0) return;
  const [vector, feature, value] = [Math.floor(bad / dim), bad % dim, data[bad]];
  throw featureFault(
    `feature ${feature} of vector ${vector} is ${value}, not a finite number; the image or the network is broken`,
    { vector, feature, value },
  );
}

/** √ Σ (x_i − y_i)² of row `i` of a and row `j` of b, in double. Differences are taken first: equal rows have 0. */
export function distance(a: FeatureSet, i: number, b: FeatureSet, j: number): number {
  const { dim } = a;
  const [x, y] = [a.data, b.data];
  const [p, q] = [i * dim, j * dim];
  let [s0, s1, s2, s3] = [0, 0, 0, 0];
  let k = 0;
  for (; k + 3 < dim; k += 4) {
    s0 += (x[p + k]! - y[q + k]!) ** 2;
    s1 += (x[p + k + 1]! - y[q + k + 1]!) ** 2;
    s2 += (x[p + k + 2]! - y[q + k + 2]!) ** 2;
    s3 += (x[p + k + 3]! - y[q + k + 3]!) ** 2;
  }
  for (; k < dim; k++) s0 += (x[p + k]! - y[q + k]!) ** 2;
  return Math.sqrt(s0 + s1 + (s2 + s3));
}
