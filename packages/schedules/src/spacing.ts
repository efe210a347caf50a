import { number } from './options.js';
import type { Span } from './schedule.js';

/** Largest ρ: rounding moves levels by about ρ·2⁻⁵³ of themselves, and far beyond by more than the steps themselves. */
export const mostRho = 1e6;

/** Declares ρ, the exponent of a spacing. */
export const exponent = (byDefault: number, description = 'Exponent.') =>
  number({ exclusiveMinimum: 0, maximum: mostRho }, byDefault, description);

/**
 * `numSteps` values from `first` to `last`, evenly spaced in value^(1/ρ).
 *
 * v_i = (first^(1/ρ) + i/(numSteps − 1) · (last^(1/ρ) − first^(1/ρ)))^ρ
 */
export function evenInRoot(first: number, last: number, numSteps: number, rho: number): Float64Array {
  const from = first ** (1 / rho);
  const to = last ** (1 / rho);
  return Float64Array.from(
    { length: numSteps },
    (_, i) => (from + (i / (numSteps - 1)) * (to - from)) ** rho,
  );
}

/** `numSteps` values from `first` to `last`, evenly spaced in their logarithm. */
export function evenInLog(first: number, last: number, numSteps: number): Float64Array {
  return Float64Array.from({ length: numSteps }, (_, i) => first * (last / first) ** (i / (numSteps - 1)));
}

/** Each interval of a list divided in `parts`, evenly in log σ; every `parts`-th level is one of the list, bit for bit. */
export function divided(list: ArrayLike<number>, parts: number): Float64Array {
  const intervals = list.length - 1;
  const levels = new Float64Array(parts * intervals + 1);
  for (let i = 0; i < intervals; i++) {
    levels.set(evenInLog(list[i]!, list[i + 1]!, parts + 1), i * parts);
    levels[i * parts] = list[i]!;
  }
  levels[parts * intervals] = list[intervals]!;
  return levels;
}

/** Levels whose ends are those of the span to the bit. */
export function between({ numSteps, sigmaMin, sigmaMax }: Span, levels: Float64Array): Float64Array {
  levels[0] = sigmaMax;
  levels[numSteps - 1] = sigmaMin;
  return levels;
}
