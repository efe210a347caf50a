/** What a square grid of positions is resized from and to, and entries of an embedding. */
interface Grids {
  readonly from: number;
  readonly to: number;
  readonly width: number;
}

/** Added to the number of patches when the scale is made of it, as DINOv2's networks without registers were trained. */
const OFFSET = 0.1;
/** Of Keys' cubic, as PyTorch has it where nothing is filtered before. */
const A = -0.75;

/**
 * Position embeddings [1 + to², width] of another grid, of those [1 + from², width] that a network was trained with: the
 * first is the class token's and stays, the others are resized as an image by bicubic interpolation, not filtered before.
 *
 * A position i stands at (i + 1/2)·from/(to + 0.1) − 1/2 of the old ones: not quite (i + 1/2)·from/to − 1/2. Computed in
 * double precision and rounded once.
 *
 * Source: the `interpolate_offset` of DINOv2's published networks, and PyTorch's `interpolate` given a scale.
 */
export function resizedPositions(table: Float32Array, { from, to, width }: Grids): Float32Array {
  if (from === to) return table;
  const steps = Array.from({ length: to }, (_, i) => tapsAt(((i + 0.5) * from) / (to + OFFSET) - 0.5, from));
  const resized = new Float32Array((1 + to ** 2) * width);
  resized.set(table.subarray(0, width));
  const sum = new Float64Array(width);
  for (const [y, rows] of steps.entries())
    for (const [x, columns] of steps.entries()) {
      sum.fill(0);
      for (const [row, rowWeight] of rows)
        for (const [column, columnWeight] of columns) {
          const start = (1 + row * from + column) * width;
          for (let k = 0; k < width; k++) sum[k]! += rowWeight * columnWeight * table[start + k]!;
        }
      resized.set(sum, (1 + y * to + x) * width);
    }
  return resized;
}

/** The four positions around a place, and their weights; beyond an end stands the last one. */
function tapsAt(place: number, count: number): readonly (readonly [number, number])[] {
  const first = Math.floor(place) - 1;
  return Array.from({ length: 4 }, (_, i) => {
    const at = Math.min(count - 1, Math.max(0, first + i));
    return [at, cubic(Math.abs(place - first - i))] as const;
  });
}

const cubic = (t: number): number =>
  t <= 1 ? ((A + 2) * t - (A + 3)) * t * t + 1 : ((A * t - 5 * A) * t + 8 * A) * t - 4 * A;
