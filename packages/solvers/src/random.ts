import { mt19937 } from './random-mt19937.js';

/** Draws in the order and to the bit that PyTorch's CPU generator makes them; numbers are float32 values. */
export interface Generator {
  /** [size] uniform in [0, 1), multiples of 2⁻²⁴. */
  rand(size: number): Float64Array;
  /** [size] standard normal, to the last few bits of float32: PyTorch's logarithm and cosine are approximations. */
  randn(size: number): Float64Array;
  /** [size] integers in [0, high), high ≤ 2³². */
  randint(high: number, size: number): Float64Array;
}

/**
 * PyTorch's CPU generator (`torch.Generator().manual_seed(seed)`), of a whole seed ≥ 0 taken modulo 2³².
 *
 * Draws of one generator go on from each other, and a normal draw of an odd number below 16 leaves one value for the
 * next such draw, as in PyTorch.
 */
export function torchCpu(seed: number): Generator {
  const word = mt19937(seed);
  const uniform = () => (word() & 0xffffff) / 2 ** 24;
  const uniformDouble = () => {
    const high = word();
    return ((high & 0x1fffff) * 2 ** 32 + word()) / 2 ** 53;
  };
  let kept: number | undefined;

  function normal() {
    if (kept !== undefined) {
      const value = kept;
      kept = undefined;
      return value;
    }
    const angle = 2 * Math.PI * uniformDouble();
    const radius = Math.sqrt(-2 * Math.log1p(-uniformDouble()));
    kept = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  }

  /** Box and Muller in place: a block's first 8 uniforms are radii, its last 8 angles. Rounded as float32 does. */
  function normalBlock(block: Float64Array) {
    const { fround, sqrt, log, cos, sin, PI } = Math;
    for (let j = 0; j < 8; j++) {
      const radius = fround(sqrt(fround(-2 * fround(log(1 - block[j]!)))));
      const angle = fround(fround(2 * PI) * block[j + 8]!);
      block[j] = fround(radius * fround(cos(angle)));
      block[j + 8] = fround(radius * fround(sin(angle)));
    }
  }

  return {
    rand: (size) => new Float64Array(size).map(uniform),
    randint: (high, size) => new Float64Array(size).map(() => word() % high),
    randn(size) {
      const values = new Float64Array(size);
      if (size < 16) return values.map(() => Math.fround(normal()));
      for (let i = 0; i < size; i++) values[i] = uniform();
      for (let i = 0; i + 16 <= size; i += 16) normalBlock(values.subarray(i, i + 16));
      if (size % 16 > 0) {
        const last = values.subarray(size - 16);
        for (let j = 0; j < 16; j++) last[j] = uniform();
        normalBlock(last);
      }
      return values;
    },
  };
}

/** What a network starts from for one seed. */
export interface Draw {
  /** [size] standard normal; the start of a solve is this times the first noise level. */
  readonly latent: Float64Array;
  /** The class, uniform in [0, labelDim), for a network that has classes. */
  readonly label?: number;
}

/**
 * The latent and then the label that the official sampler draws for a seed on a CPU, whatever its batch size.
 *
 * `shape`: of one image, [channels, height, width]. `labelDim`: number of classes; 0 or absent draws no label.
 */
export function draw(seed: number, shape: readonly number[], labelDim = 0): Draw {
  const generator = torchCpu(seed);
  const latent = generator.randn(shape.reduce((a, b) => a * b, 1));
  return labelDim > 0 ? { latent, label: generator.randint(labelDim, 1)[0]! } : { latent };
}

/** The latents of several seeds as one batch, [n × size]. Source: as `draw`. */
export function latents(seeds: ArrayLike<number>, shape: readonly number[]): Float64Array {
  const size = shape.reduce((a, b) => a * b, 1);
  const batch = new Float64Array(seeds.length * size);
  for (let i = 0; i < seeds.length; i++) batch.set(draw(seeds[i]!, shape).latent, i * size);
  return batch;
}

/** What `numpy.random.seed(seed)` and then `numpy.random.randint(1 << 31)` give: the official training seeds PyTorch with it. */
export function numpySeed(seed: number): number {
  return mt19937(seed)() & 0x7fffffff;
}
