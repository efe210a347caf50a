import { combine, scalar } from '../math/vector.js';
import { BOTTLENECK_SIZE, type Evaluation, type Request, type Vector } from '../solver.js';

/**
 * AFS: the answer to the first request of a solve without the network, for data of mean 0 and deviation 1.
 *
 * D = x − σ·x/√(1+σ²), so that the direction is x/√(1+σ²); bottleneck: zeros, [n × 64].
 *
 * Source: Dockhorn et al., arXiv:2210.05475; AMED: arXiv:2312.00094.
 */
export function analyticalFirstStep(
  { x, sigma }: Request,
  n: number,
): Evaluation & { readonly bottleneck: Vector } {
  const share = scalar((s) => 1 - s! / Math.sqrt(1 + s! * s!), sigma);
  return { denoised: combine([share, x]), bottleneck: new Float64Array(n * BOTTLENECK_SIZE) };
}
