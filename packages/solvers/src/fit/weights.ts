import type { Vector } from '../solver.js';

/** A sample that is farther off than so many times the median one counts by how far it is off, and no longer by the square. */
const FAR = 1.5;

/**
 * What each of n samples counts for in sums of squares, by how far it is off [n × width]: 1, and less of one that is far off.
 * Some samples lie between two that the teacher may end at, and what they say of a table is chance.
 *
 * Source: Huber 1964, doi:10.1214/aoms/1177703732, as weights of squares.
 */
export function weightsOf(error: Vector, n: number): Vector {
  const width = error.length / n;
  const off = Float64Array.from({ length: n }, (_, i) =>
    Math.sqrt(error.subarray(i * width, (i + 1) * width).reduce((sum, value) => sum + value * value, 0)),
  );
  const far = FAR * off.toSorted()[n >> 1]!;
  return off.map((distance) => (distance > far ? far / distance : 1));
}
