import type { Evaluation, Request, Sigma, Vector } from '../solver.js';

/** D(x; σ), asked of whoever drives the step: `const { denoised } = yield* evaluate(x, sigma)`. */
export function* evaluate(x: Vector, sigma: Sigma): Generator<Request, Evaluation, Evaluation> {
  return yield { x, sigma };
}
