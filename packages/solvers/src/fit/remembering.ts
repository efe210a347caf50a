import { concatenate } from '../math/vector.js';
import type { Vector } from '../solver.js';
import type { BlockDenoise } from './block.js';

/** What the network was asked and what it answered, [size] each. */
interface Remembered {
  readonly x: Vector;
  readonly sigma: number;
  readonly denoised: Vector;
}

/** Answers that are kept, so that memory has an end: more than a round at 5 evaluations asks for. */
const MOST = 80;

/**
 * A network that is not asked again for what it answered one sample lately: a fit looks at where it stands three times a
 * round, and its steps may differ in what comes after an answer alone.
 *
 * `calls`: what the network was asked for until now.
 */
export function remembering(denoise: BlockDenoise): {
  readonly denoise: BlockDenoise;
  readonly calls: () => number;
} {
  // the last that was of use at the end
  let known: readonly Remembered[] = [];
  let calls = 0;
  const recalled = ({ x, sigma }: Omit<Remembered, 'denoised'>) =>
    known.find((one) => one.sigma === sigma && one.x.every((value, i) => value === x[i]));
  return {
    calls: () => calls,
    async denoise({ x, sigma, owners }) {
      const size = x.length / owners.length;
      const of = (values: Vector, i: number) => values.slice(i * size, (i + 1) * size);
      const asked = owners.map((owner, i) => ({ owner, x: of(x, i), sigma: sigma[i]! }));
      const unknown = asked.filter((one) => recalled(one) === undefined);
      if (unknown.length > 0) {
        const { denoised } = await denoise({
          x: concatenate(unknown.map((one) => one.x)),
          sigma: Float64Array.from(unknown, (one) => one.sigma),
          owners: unknown.map(({ owner }) => owner),
        });
        known = [...known, ...unknown.map((one, i) => ({ ...one, denoised: of(denoised, i) }))];
        calls += unknown.length;
      }
      const found = asked.map((one) => recalled(one)!);
      known = [...known.filter((one) => !found.includes(one)), ...new Set(found)].slice(-MOST);
      return { denoised: concatenate(found.map(({ denoised }) => denoised)) };
    },
  };
}
