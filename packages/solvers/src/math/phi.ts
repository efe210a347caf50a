/**
 * φ_k(z) of exponential integrators: φ_0 = e^z, φ_k = (φ_(k−1) − 1/(k−1)!)/z, that is Σ_j z^j/(j + k)!. k ≥ 1.
 *
 * To rounding for every z: near 0 the recurrence cancels, so it is the series there.
 */
export function phi(k: number, z: number): number {
  return Math.abs(z) < 1 ? series(k, z) : recurrence(k, z);
}

function series(k: number, z: number): number {
  let term = 1;
  for (let i = 2; i <= k; i++) term /= i;
  let sum = term;
  for (let j = 1; j < 20; j++) {
    term *= z / (j + k);
    sum += term;
  }
  return sum;
}

function recurrence(k: number, z: number): number {
  let value = Math.expm1(z) / z;
  let inverseFactorial = 1;
  for (let i = 2; i <= k; i++) {
    value = (value - inverseFactorial) / z;
    inverseFactorial /= i;
  }
  return value;
}
