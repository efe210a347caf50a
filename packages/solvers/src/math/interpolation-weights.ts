import type { QuadraturePoint } from './gauss-rule.js';

/**
 * What the value at each node counts for in the integral of the polynomial through all of them: Σ over the rule of the
 * node's Lagrange polynomial.
 */
export function interpolationWeights(
  nodes: readonly number[],
  rule: readonly QuadraturePoint[],
): readonly number[] {
  const basis = (j: number, at: number) =>
    nodes.reduce((product, node, k) => (k === j ? product : (product * (at - node)) / (nodes[j]! - node)), 1);
  return nodes.map((_, j) => rule.reduce((sum, [at, weight]) => sum + weight * basis(j, at), 0));
}
