import type { Range } from './kind.js';

/** A part of what is wanted: in a finished shard, wholly or as a slice of it, or in none. */
export type Piece =
  | { readonly range: Range; readonly shard: Range }
  | { readonly range: Range; readonly shard?: undefined };

/**
 * Wanted ranges as pieces, in their order: what finished shards hold is taken from them, what lies between is a gap.
 *
 * - `finished`: in any order, possibly overlapping.
 * - `sliced`: whether a part of a finished shard can be had without the rest.
 */
export function piecesOf(wanted: readonly Range[], finished: readonly Range[], sliced: boolean): Piece[] {
  const sorted = [...finished].sort(([a, b], [c, d]) => a - c || b - d);
  return wanted.flatMap((range) => [...within(range, sorted, sliced)]);
}

function* within([first, last]: Range, sorted: readonly Range[], sliced: boolean): Generator<Piece> {
  let next = 0;
  let reaching: Range | undefined;
  for (let at = first; at <= last; ) {
    // the longest that begins here and fits, and the one that reaches furthest of all that hold this item
    let fitting: Range | undefined;
    for (; next < sorted.length && sorted[next]![0] <= at; next++) {
      const one = sorted[next]!;
      if (one[0] === at && one[1] <= last) fitting = one;
      if (!reaching || one[1] > reaching[1]) reaching = one;
    }
    if (fitting) {
      yield { range: fitting, shard: fitting };
      at = fitting[1] + 1;
    } else if (sliced && reaching && reaching[1] >= at) {
      const end = Math.min(reaching[1], last);
      yield { range: [at, end], shard: reaching };
      at = end + 1;
    } else {
      const end = Math.min(last, (sorted[next]?.[0] ?? Infinity) - 1);
      yield { range: [at, end] };
      at = end + 1;
    }
  }
}

/** A gap cut at multiples of `size`, so that more items, or another batch, find the same shards again. */
export function* cutAtMultiples([first, last]: Range, size: number): Generator<Range> {
  for (let at = first; at <= last; ) {
    const end = Math.min((Math.floor(at / size) + 1) * size - 1, last);
    yield [at, end];
    at = end + 1;
  }
}

/** How many those are. */
export const countOfMultiples = ([first, last]: Range, size: number): number =>
  Math.floor(last / size) - Math.floor(first / size) + 1;

export const lengthOf = ([first, last]: Range): number => last - first + 1;

/** What two ranges share; undefined where nothing. */
export function overlap([a, b]: Range, [c, d]: Range): Range | undefined {
  const [first, last] = [Math.max(a, c), Math.min(b, d)];
  return first <= last ? [first, last] : undefined;
}
