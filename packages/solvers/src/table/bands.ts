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

/** The orthonormal DCT-II of each channel of a batch [n × size]: [height × width] frequencies where its places were. */
export function spectrumOf(batch: Vector, { shape: [, height, width] }: Bands): Vector {
  const [rows, columnsBack] = [cosines(height), transposed(cosines(width), width)];
  return planeByPlane(batch, height * width, (plane) =>
    product(product(rows, plane, height), columnsBack, width),
  );
}

/** The batch of a spectrum. */
export function fromSpectrum(spectrum: Vector, { shape: [, height, width] }: Bands): Vector {
  const [rowsBack, columns] = [transposed(cosines(height), height), cosines(width)];
  return planeByPlane(spectrum, height * width, (plane) =>
    product(product(rowsBack, plane, height), columns, width),
  );
}

/** The band of each frequency of a channel, [height × width]. */
export function bandsOf({ shape: [, height, width], edges }: Bands): Uint8Array {
  return Uint8Array.from({ length: height * width }, (_, i) => {
    const [u, v] = [Math.floor(i / width), i % width];
    const band = edges.findIndex((edge) => (u / height) ** 2 + (v / width) ** 2 < 2 * edge ** 2);
    return band < 0 ? edges.length : band;
  });
}

/** √Σ x² of each band of each channel: [n × channels × bands] of a batch [n × size]. */
export function bandNorms(batch: Vector, bands: Bands): Vector {
  const band = bandsOf(bands);
  const count = bands.edges.length + 1;
  const squares = new Float64Array((batch.length / band.length) * count);
  for (const [i, value] of spectrumOf(batch, bands).entries())
    squares[Math.floor(i / band.length) * count + band[i % band.length]!]! += value ** 2;
  return squares.map(Math.sqrt);
}

function planeByPlane(batch: Vector, area: number, made: (plane: Vector) => Vector): Vector {
  const all = new Float64Array(batch.length);
  for (let at = 0; at < batch.length; at += area) all.set(made(batch.subarray(at, at + area)), at);
  return all;
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
