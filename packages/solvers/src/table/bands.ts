import { addProduct, transposed } from '../math/matrix.js';
import type { Vector } from '../solver.js';

/**
 * Bands of spatial frequency that an image or latent is the sum of: of the cosines (u, v) of an orthonormal DCT-II of each
 * channel those whose radius √(((u/height)² + (v/width)²)/2) is below the first edge, from there below the second, …, from
 * the last on.
 */
export interface Bands {
  /** [channels, height, width] of a sample. */
  readonly shape: readonly [number, number, number];
  /** Ascending, between 0 and 1: one less than there are bands. */
  readonly edges: readonly number[];
}

/** Edges of so many bands, octaves: 0.1, 0.2 and 0.4 of four. */
export const octaves = (count: number): number[] =>
  Array.from({ length: count - 1 }, (_, i) => 0.4 * 2 ** (i + 2 - count));

/** A batch [n × size] as the sum of so many. */
export function inBands(batch: Vector, { shape: [, height, width], edges }: Bands): Vector[] {
  const area = height * width;
  const [rows, columns] = [cosines(height), cosines(width)];
  const [rowsBack, columnsBack] = [transposed(rows, height), transposed(columns, width)];
  const whole = batch.slice();
  const parts = edges.map((edge) => {
    const part = new Float64Array(batch.length);
    for (let at = 0; at < batch.length; at += area) {
      const plane = batch.subarray(at, at + area);
      // below the edge
      const kept = product(product(rows, plane, height), columnsBack, width);
      for (let u = 0, i = 0; u < height; u++)
        for (let v = 0; v < width; v++, i++)
          if ((u / height) ** 2 + (v / width) ** 2 >= 2 * edge ** 2) kept[i] = 0;
      part.set(product(product(rowsBack, kept, height), columns, width), at);
    }
    return part;
  });
  // what is below an edge and not below the one before; the last is the rest, so that they add up
  return [...parts, whole].map((part, i) =>
    i === 0 ? part : part.map((value, at) => value - parts[i - 1]![at]!),
  );
}

/** A·B of A [rows × inner] and B [inner × columns]. */
function product(a: Vector, b: Vector, inner: number): Vector {
  const sum = new Float64Array((a.length / inner) * (b.length / inner));
  addProduct(sum, a, b, inner);
  return sum;
}

const known = new Map<number, Vector>();

/** The orthonormal DCT-II of so many numbers, [frequencies × places]. */
function cosines(size: number): Vector {
  const there = known.get(size);
  if (there) return there;
  const made = Float64Array.from({ length: size * size }, (_, i) => {
    const [u, x] = [Math.floor(i / size), i % size];
    return Math.sqrt((u === 0 ? 1 : 2) / size) * Math.cos((Math.PI * (2 * x + 1) * u) / (2 * size));
  });
  known.set(size, made);
  return made;
}
