/** Largest number of steps; near a kink the last ones gain nothing. */
const mostSteps = 500;
const mostHalvings = 40;

/**
 * Where a function of n variables is least, near `start`: BFGS, its gradients by central differences, its steps by bisection
 * to the weak Wolfe conditions, so that the function need be smooth almost everywhere only. The same bits every time.
 *
 * - Variables are of the order of 1: differences are taken 10⁻⁶ apart.
 * - Source: Lewis and Overton, Nonsmooth optimization via quasi-Newton methods, Mathematical Programming 141 (2013).
 */
export function minimum(valueAt: (x: Float64Array) => number, start: Float64Array): Float64Array {
  let at = evaluated(valueAt, start);
  let inverse = identity(start.length);
  for (let step = 0; step < mostSteps; step++) {
    const direction = inverse.map((row) => -dot(row, at.gradient));
    const slope = dot(direction, at.gradient);
    if (!(slope < -1e-12 * Math.abs(at.value))) break;
    const next = descended(valueAt, at, direction, slope);
    if (!next) break;
    const gain = at.value - next.value;
    const moved = next.x.map((value, i) => value - at.x[i]!);
    const turned = next.gradient.map((value, i) => value - at.gradient[i]!);
    if (step === 0) inverse = scaled(inverse, dot(moved, turned) / dot(turned, turned));
    update(inverse, moved, turned);
    at = next;
    if (gain < 1e-13 * Math.abs(at.value)) break;
  }
  return at.x;
}

interface Point {
  readonly x: Float64Array;
  readonly value: number;
  readonly gradient: Float64Array;
}

function evaluated(valueAt: (x: Float64Array) => number, x: Float64Array, value = valueAt(x)): Point {
  const apart = 1e-6;
  const beside = (i: number, by: number) => {
    const there = x.slice();
    there[i]! += by;
    return valueAt(there);
  };
  const gradient = x.map((_, i) => (beside(i, apart) - beside(i, -apart)) / (2 * apart));
  return { x, value, gradient };
}

/** A point along a direction that is lower by enough, and where the slope is flatter by enough. */
function descended(
  valueAt: (x: Float64Array) => number,
  from: Point,
  direction: readonly number[],
  slope: number,
): Point | undefined {
  let [near, far, length] = [0, Infinity, 1];
  for (let k = 0; k < mostHalvings; k++) {
    const x = from.x.map((value, i) => value + length * direction[i]!);
    const value = valueAt(x);
    if (value <= from.value + 1e-4 * length * slope) {
      const point = evaluated(valueAt, x, value);
      if (dot(direction, point.gradient) >= 0.9 * slope) return point;
      near = length;
    } else far = length;
    length = far < Infinity ? (near + far) / 2 : 2 * near;
  }
  return undefined;
}

/** The inverse Hessian, of what the last step shows of it: H ← H + (1 + yᵀHy/yᵀs) s sᵀ/yᵀs − (Hy sᵀ + s yᵀH)/yᵀs. */
function update(inverse: readonly Float64Array[], s: Float64Array, y: Float64Array): void {
  const curvature = dot(s, y);
  const turned = inverse.map((row) => dot(row, y));
  const stretch = 1 + dot(y, turned) / curvature;
  inverse.forEach((row, i) => {
    for (let j = 0; j < row.length; j++)
      row[j]! += (stretch * s[i]! * s[j]! - turned[i]! * s[j]! - s[i]! * turned[j]!) / curvature;
  });
}

const identity = (n: number): Float64Array[] =>
  Array.from({ length: n }, (_, i) => Float64Array.from({ length: n }, (_, j) => (i === j ? 1 : 0)));
const scaled = (matrix: readonly Float64Array[], by: number) =>
  matrix.map((row) => row.map((value) => by * value));

function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}
