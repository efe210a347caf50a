import { between } from '../output.js';
import type { Parameter } from './generator.js';

/** Noise levels that are free between two that stay. */
interface FreeLevels {
  /** One for each level between. */
  readonly parameters: readonly Parameter[];
  /** All of them, descending, of a value for each parameter: the first and the last are always the same. */
  levels(values: ArrayLike<number>): readonly number[];
}

/** What a level keeps of where it began, so that no two ever meet. */
const KEPT = 1e-6;
const share = between(0, 1);
/** How far a difference moves the logarithm of a noise level. */
const MOVE = 1e-2;
const MOST = 0.1;

/** The step of a difference of a number that moves something with this slope: never one that bends. */
export const stepOf = (slope: number) => Math.min(MOST, MOVE / Math.abs(slope));

/**
 * Descending noise levels of numbers that know no bounds: in λ = −log σ each lies a share of what is left to the last
 * beyond the one before, by a sigmoid (stick breaking). They reach every descending grid and begin at this one.
 *
 * A level depends on the numbers up to its own alone, so a difference costs no evaluation above it.
 */
export function freeLevels(sigmas: ArrayLike<number>): FreeLevels {
  const own = Array.from(sigmas, (sigma) => -Math.log(sigma));
  const last = own.length - 1;
  const between = own.slice(1, last);
  return {
    parameters: between.map((lambda, i) => {
      const left = own[last]! - own[i]!;
      const start = share.inverse((lambda - own[i]!) / left);
      return { name: `level ${i + 1}`, start, step: stepOf(left * share.slope(start)) };
    }),
    levels(values) {
      let at = own[0]!;
      const lambdas = between.map((lambda, i) => {
        at += (own[last]! - at) * share.at(values[i]!);
        return (1 - KEPT) * at + KEPT * lambda;
      });
      return [sigmas[0]!, ...lambdas.map((lambda) => Math.exp(-lambda)), sigmas[last]!];
    },
  };
}
