import type { NetworkInputs, NetworkOver } from './network.js';
import type { Ops } from './ops.js';

/** What a network in discrete times predicts. */
export type Parametrization = 'eps' | 'v' | 'x0';

/**
 * How a network F is made a denoiser: D(x; σ) = c_skip x + c_out F(c_in x; c_noise).
 *
 * Source: Karras et al. 2022, table 1, arXiv:2206.00364.
 */
export type Preconditioning =
  | { readonly type: 'edm'; readonly sigmaData: number }
  /** EDM's with a thousand times its c_noise, as the networks of Consistency Models have it, arXiv:2303.01469. */
  | { readonly type: 'cm'; readonly sigmaData: number }
  /** `steps`: M, the number of noise levels of training. */
  | { readonly type: 'vp'; readonly betaD: number; readonly betaMin: number; readonly steps: number }
  | { readonly type: 've' }
  /**
   * In the discrete times of DDPM (arXiv:2006.11239), as latent diffusion is. `alphasCumprod`: ᾱ_1 down to ᾱ_M, the
   * noise levels of training; ln ᾱ is linear between them, and beyond. `timeScale`: what times are multiplied by for the
   * network, 1 by default.
   *
   * Of z = √ᾱ x₀ + √(1 − ᾱ) ε the network predicts ε by default, v = √ᾱ ε − √(1 − ᾱ) x₀ (Salimans & Ho 2022, section 4
   * and appendix D, arXiv:2202.00512), or x₀. With 1 + σ² = 1/ᾱ and z = c_in x that is D = x − σ ε,
   * D = c_in² x − σ c_in v, D = x₀.
   */
  | {
      readonly type: 'ldm';
      readonly alphasCumprod: readonly number[];
      readonly predicts?: Parametrization;
      readonly timeScale?: number;
    }
  /** `levels`: u_0 down to u_M = 0, the noise levels of training. */
  | { readonly type: 'iddpm'; readonly levels: readonly number[] }
  /** None: the network is D(x; σ) itself. `alphasCumprod`: ᾱ_1 down to ᾱ_M of its training, where it had such. */
  | { readonly type: 'denoiser'; readonly alphasCumprod?: readonly number[] };

/** The coefficients at σ; those that are left out are 1. */
interface Scaling<T> {
  readonly skip?: T | 'zero';
  readonly in?: T;
  readonly out?: T;
  readonly noise: T;
}

function scaling<T>(ops: Ops<T>, preconditioning: Preconditioning, sigma: T): Scaling<T> {
  const inverseRoot = (offset: number) => ops.power(ops.affine(ops.multiply(sigma, sigma), 1, offset), -0.5);
  const discrete = (predicts: Parametrization): Omit<Scaling<T>, 'noise'> => {
    const cIn = inverseRoot(1);
    if (predicts === 'x0') return { skip: 'zero', in: cIn };
    if (predicts === 'eps') return { in: cIn, out: ops.affine(sigma, -1, 0) };
    const out = ops.affine(ops.multiply(sigma, cIn), -1, 0);
    return { skip: ops.multiply(cIn, cIn), in: cIn, out };
  };
  switch (preconditioning.type) {
    case 'edm':
    case 'cm': {
      const { type, sigmaData } = preconditioning;
      const cIn = inverseRoot(sigmaData ** 2);
      return {
        skip: ops.affine(ops.multiply(cIn, cIn), sigmaData ** 2, 0),
        in: cIn,
        out: ops.affine(ops.multiply(sigma, cIn), sigmaData, 0),
        noise: ops.affine(ops.log(sigma), type === 'edm' ? 1 / 4 : 1000 / 4, 0),
      };
    }
    case 'vp': {
      const { betaD, betaMin, steps } = preconditioning;
      // t solves β_d t²/2 + β_min t = ln(1 + σ²)
      const l = logOnePlus(ops, ops.multiply(sigma, sigma));
      const root = ops.power(ops.affine(l, 2 * betaD, betaMin ** 2), 0.5);
      const t = ops.affine(ops.affine(root, 1, -betaMin), 1 / betaD, 0);
      return { in: inverseRoot(1), out: ops.affine(sigma, -1, 0), noise: ops.affine(t, steps - 1, 0) };
    }
    case 'ldm': {
      const { alphasCumprod, predicts = 'eps', timeScale = 1 } = preconditioning;
      const logAlphas = alphasCumprod.map((alpha) => 0.5 * Math.log(alpha));
      const logAlpha = ops.affine(logOnePlus(ops, ops.multiply(sigma, sigma)), -0.5, 0);
      const times = Array.from(logAlphas, (_, k) => k * timeScale);
      return { ...discrete(predicts), noise: ops.interpolate(logAlpha, logAlphas, times) };
    }
    case 've':
      return { out: sigma, noise: ops.log(ops.affine(sigma, 0.5, 0)) };
    case 'iddpm': {
      const { levels } = preconditioning;
      const index = ops.nearestIndex(sigma, levels);
      return {
        in: inverseRoot(1),
        out: ops.affine(sigma, -1, 0),
        noise: ops.affine(index, -1, levels.length - 2),
      };
    }
    case 'denoiser':
      return { skip: 'zero', noise: sigma };
  }
}

/** Keeps 0/0 from being no number; in a sum with anything else it is lost. */
const TINY = 1e-30;

/**
 * ln(1 + y), to the last digits where y is small, too: float32 has few of them in u = 1 + y, but ln u / (u − 1) doesn't
 * mind.
 */
function logOnePlus<T>(ops: Ops<T>, y: T): T {
  const u = ops.affine(y, 1, 1);
  const left = ops.affine(ops.affine(u, 1, -1), 1, TINY);
  return ops.multiply(ops.multiply(ops.log(u), ops.power(left, -1)), y);
}

/**
 * Changes the network's output, given what it saw, by the gradient of a log probability by z: `scale` times that is taken
 * off, so that D moves by σ² c_in of it: σ c_in of a network that gives ε, σ of one that gives v, −σ² c_in of the image.
 */
export type Guide<T> = (output: T, seen: { readonly z: T; readonly noise: T; readonly scale: T }) => T;

/**
 * D(x; σ); `bottleneck`: its mean over channels, [n, 8, 8]; `raw`: all channels of the network's output, of which those
 * after the image's tell a variance, and are dropped.
 */
export function denoise<T>(
  ops: Ops<T>,
  network: NetworkOver<T>,
  { preconditioning, channels }: { readonly preconditioning: Preconditioning; readonly channels: number },
  { x, sigma, labels, context }: Pick<NetworkInputs<T>, 'x' | 'labels' | 'context'> & { readonly sigma: T },
  guide?: Guide<T>,
) {
  const { skip, in: cIn, out, noise } = scaling(ops, preconditioning, sigma);
  const z = cIn === undefined ? x : ops.multiply(x, cIn);
  const { output: raw, bottleneck } = network(ops, { x: z, noise, labels, context });
  const image = ops.leading(raw, channels);
  const scale = () => {
    const ofNoise = cIn === undefined ? sigma : ops.multiply(sigma, cIn);
    const predicts = preconditioning.type === 'ldm' ? preconditioning.predicts : undefined;
    if (predicts === 'v') return sigma;
    return predicts === 'x0' ? ops.affine(ops.multiply(sigma, ofNoise), -1, 0) : ofNoise;
  };
  const output = guide ? guide(image, { z, noise, scale: scale() }) : image;
  const kept = skip === undefined || skip === 'zero' ? x : ops.multiply(x, skip);
  const scaled = out === undefined ? output : ops.multiply(output, out);
  return {
    denoised: skip === 'zero' ? scaled : ops.add(kept, scaled),
    bottleneck: bottleneck === undefined ? undefined : ops.channelMean(bottleneck),
    raw,
  };
}
