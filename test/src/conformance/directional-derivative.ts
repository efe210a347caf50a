/** Where to differentiate, sample after sample, and in what direction. */
interface Direction {
  readonly x: Float64Array;
  readonly sigma: Float64Array;
  readonly vX: Float64Array;
  readonly vSigma: Float64Array;
}

/** Largest step, in standard deviations of noisy data and in parts of σ, which turn a time step of 250 ln σ by 1/8. */
const STEP = 5e-4;

/**
 * What the four float32 evaluations leave of it, as a part of a sample's largest derivative: their noise of 1e-6, where
 * D is as large as what it changes by over a standard deviation, is 2e-3 of the change over a step.
 */
export const DERIVATIVE_BOUND = 1e-2;

/** The same where D is known to `noise` of its largest value, which the step divides. */
export const derivativeBound = (noise: number): number => Math.max(DERIVATIVE_BOUND, (3 * noise) / STEP);

/** dD/dx v_x + dD/dσ v_σ by central differences of the fourth order. */
export async function directionalDerivative(
  denoise: (x: Float64Array, sigma: Float64Array) => Promise<ArrayLike<number>>,
  { x, sigma, vX, vSigma }: Direction,
): Promise<Float64Array> {
  const size = x.length / sigma.length;
  const steps = sigma.map((s, n) => STEP * Math.min(Math.max(1, s), s / Math.abs(vSigma[n]!)));
  const at = (count: number) =>
    denoise(
      x.map((value, i) => value + count * steps[Math.floor(i / size)]! * vX[i]!),
      sigma.map((s, n) => s + count * steps[n]! * vSigma[n]!),
    );
  const [near, far] = [
    [await at(1), await at(-1)],
    [await at(2), await at(-2)],
  ] as const;
  return x.map((_, i) => {
    const slopes = 8 * (near[0][i]! - near[1][i]!) - (far[0][i]! - far[1][i]!);
    return slopes / (12 * steps[Math.floor(i / size)]!);
  });
}
