/** Where an integrand is taken, and what its value there counts for. */
export type QuadraturePoint = readonly [position: number, weight: number];

const INNER = Math.sqrt(5 - 2 * Math.sqrt(10 / 7)) / 3;
const OUTER = Math.sqrt(5 + 2 * Math.sqrt(10 / 7)) / 3;
const INNER_WEIGHT = (322 + 13 * Math.sqrt(70)) / 900;
const OUTER_WEIGHT = (322 - 13 * Math.sqrt(70)) / 900;

/** Gauss's rule with five points between `from` and `to`, exact for polynomials up to degree 9. */
export function gaussRule(from: number, to: number): QuadraturePoint[] {
  const [middle, half] = [(from + to) / 2, (to - from) / 2];
  const unit: QuadraturePoint[] = [
    [-OUTER, OUTER_WEIGHT],
    [-INNER, INNER_WEIGHT],
    [0, 128 / 225],
    [INNER, INNER_WEIGHT],
    [OUTER, OUTER_WEIGHT],
  ];
  return unit.map(([position, weight]) => [middle + half * position, half * weight]);
}
