import type { Generator } from './generator.js';
import { mt19937 } from './mt19937.js';

/**
 * PyTorch's CPU generator (`torch.Generator().manual_seed(seed)`), of a whole seed ≥ 0 taken modulo 2³².
 *
 * - `rand` and `randint`: to the bit. `randn`: to the last few bits of float32, for PyTorch's logarithm and cosine are
 *   approximations.
 * - A normal draw of an odd number below 16 leaves one value for the next such draw, as in PyTorch.
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

/** What `numpy.random.seed(seed)` and then `numpy.random.randint(1 << 31)` give: the official training seeds PyTorch with it. */
export function numpySeed(seed: number): number {
  return mt19937(seed)() & 0x7fffffff;
}
