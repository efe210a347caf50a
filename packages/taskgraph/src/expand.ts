import { type Digest, digestOfText } from './digest.js';
import {
  type Ref,
  type Shards,
  type ShardsInput,
  type ShardsRef,
  shardOf,
  sliceTask,
  type Task,
} from './graph.js';
import { canonicalJson, type Json } from './json.js';
import { type Versions, versionsOf } from './key.js';
import { type Range, sliceOf } from './kind.js';
import { countOfMultiples, cutAtMultiples, lengthOf, overlap, type Piece, piecesOf } from './ranges.js';
import type { ActionRecord } from './store/record.js';
import type { Store } from './store/store.js';

/** Shards of which it is known what is finished. They are ranges still: tasks are made when they are asked for. */
export interface Expansion {
  readonly shards: Shards;
  /** What all of them depend on, as a key: shards of one family fit together. */
  readonly family: Digest;
  readonly count: number;
  /** What is asked for: what finished shards hold, and the gaps between. */
  readonly pieces: readonly Piece[];
  /** Whether the store has a note of this shard. */
  isNoted(range: Range): boolean;
  /** The tasks in the order of the items asked for; of those that hold the first `first` items. */
  tasks(first?: number): Generator<Task>;
  /** Tasks that give exactly these items, in ascending order. */
  covering(span: Range): Generator<Task>;
  /** How the items of a range are cut; its ends may lie within shards. */
  cuts(span: Range): Generator<Range>;
  countOf(span: Range): number;
}

export interface Expander {
  expand(shards: Shards): Promise<Expansion>;
  /** The key that a finished shard was recorded under, where its task was made to take a slice of. */
  keyOf(task: Task): Digest | undefined;
}

/**
 * Cuts shards along what the store has of their family.
 *
 * - `digestsOf`: of an input whose tasks are known; rejects where they can't be.
 */
export function expander({
  store,
  versions,
  digestsOf,
}: {
  store: Store;
  versions: Versions;
  digestsOf: (input: Ref | ShardsRef) => Promise<readonly Digest[]>;
}): Expander {
  const expansions = new Map<string, Promise<Expansion>>();
  const tasks = new Map<string, Task>();
  const keys = new Map<string, Digest>();
  const once = (task: Task): Task => {
    const known = tasks.get(task.id);
    if (!known) tasks.set(task.id, task);
    return known ?? task;
  };

  const expand = (shards: Shards): Promise<Expansion> => {
    let expansion = expansions.get(shards.id);
    if (!expansion) {
      expansion = make(shards);
      expansions.set(shards.id, expansion);
    }
    return expansion;
  };

  const identify = async (input: ShardsInput): Promise<readonly Json[]> => {
    if ('each' in input) return [`shards ${(await expand(input.each)).family} ${input.output}`];
    if ('of' in input) return [input.identity, ...(await Promise.all(input.on.map(digestsOf))).flat()];
    return digestsOf(input);
  };

  const make = async (shards: Shards): Promise<Expansion> => {
    const { kind, params, ranges, size } = shards;
    const inputs: Record<string, Json> = {};
    let along: Expansion | undefined;
    for (const [name, list] of Object.entries(shards.inputs)) {
      const identity = (await Promise.all(list.map(identify))).flat();
      if (identity.length > 0) inputs[name] = identity;
      for (const input of list) if ('each' in input) along = await expand(input.each);
    }
    const family = digestOfText(
      canonicalJson({ shards: kind.name, params, inputs, versions: versionsOf(kind, versions) }),
    );
    const sliceKind = sliceOf(kind);
    const finished = new Map((await store.shards(family)).map((range) => [range.join('-'), range]));

    let pieces: Piece[] = [];
    for (;;) {
      pieces = piecesOf(ranges, [...finished.values()], sliceKind !== undefined);
      // What is to be cut out of a shard that is lost would cost the whole shard.
      const cut = pieces.flatMap(({ range, shard }) => (shard && shard !== range ? [shard] : []));
      const lost: Range[] = [];
      for (const shard of new Set(cut)) {
        const key = await store.shardKey(family, shard);
        const found = key === undefined ? undefined : await store.lookup(key, kind.outputs);
        if (found && (await isOfNow(shards, shard, found.record)))
          keys.set(shardOf(shards, shard).id, found.record.key);
        else lost.push(shard);
      }
      if (lost.length === 0) break;
      for (const shard of lost) finished.delete(shard.join('-'));
    }
    const ascending = [...pieces].sort((a, b) => a.range[0] - b.range[0]);

    const cutGap = (gap: Range): Iterable<Range> => (along ? along.cuts(gap) : cutAtMultiples(gap, size));
    const taskOf = ({ range, shard }: Piece): Task =>
      shard && shard !== range
        ? once(sliceTask(once(shardOf(shards, shard)), sliceKind!, range))
        : once(shardOf(shards, range));
    /** A part of a shard: sliced where that can be, else computed alone. */
    const partOf = (piece: Piece, part: Range): Task => {
      if (part[0] === piece.range[0] && part[1] === piece.range[1]) return taskOf(piece);
      const whole = piece.shard ?? piece.range;
      return sliceKind
        ? once(sliceTask(once(shardOf(shards, whole)), sliceKind, part))
        : once(shardOf(shards, part));
    };
    const segments = function* (piece: Piece): Generator<Piece> {
      if (piece.shard) yield piece;
      else for (const range of cutGap(piece.range)) yield { range };
    };
    const countOf = (span: Range): number => {
      let count = 0;
      for (let i = firstReaching(ascending, span[0]); i < ascending.length; i++) {
        const { range, shard } = ascending[i]!;
        const inside = overlap(range, span);
        if (!inside) break;
        if (shard) count++;
        else count += along ? along.countOf(inside) : countOfMultiples(inside, size);
      }
      return count;
    };
    const count = ascending.reduce((sum, { range }) => sum + countOf(range), 0);

    return {
      shards,
      family,
      count,
      pieces,
      countOf,
      *cuts(span) {
        for (let i = firstReaching(ascending, span[0]); i < ascending.length; i++) {
          const { range, shard } = ascending[i]!;
          const inside = overlap(range, span);
          if (!inside) break;
          if (shard) yield inside;
          else yield* cutGap(inside);
        }
      },
      isNoted: (range) => finished.has(range.join('-')),
      *tasks(first = Infinity) {
        let before = 0;
        for (const piece of pieces)
          for (const segment of segments(piece)) {
            if (before >= first) return;
            yield taskOf(segment);
            before += lengthOf(segment.range);
          }
      },
      *covering(span) {
        let at = span[0];
        for (let i = firstReaching(ascending, span[0]); i < ascending.length && at <= span[1]; i++) {
          const piece = ascending[i]!;
          const inside = overlap(piece.range, span);
          if (!inside) break;
          if (inside[0] > at) yield* alone([at, inside[0] - 1]);
          // a gap of millions is cut where it is looked at
          for (const segment of piece.shard ? [piece] : segmentsAt(piece.range, inside)) {
            const part = overlap(segment.range, inside);
            if (part) yield partOf(segment, part);
          }
          at = inside[1] + 1;
        }
        if (at <= span[1]) yield* alone([at, span[1]]);
      },
    };

    /** The shards of a gap that hold items of a part of it. */
    function* segmentsAt(gap: Range, part: Range): Generator<Piece> {
      const [first, last] = part;
      if (along) {
        for (const range of along.cuts(gap)) if (overlap(range, part)) yield { range };
        return;
      }
      const around: Range = [
        Math.max(gap[0], Math.floor(first / size) * size),
        Math.min(gap[1], (Math.floor(last / size) + 1) * size - 1),
      ];
      for (const range of cutGap(around)) yield { range };
    }

    /** Items that nobody asked for but whoever takes a part of a larger shard. */
    function* alone(range: Range): Generator<Task> {
      for (const piece of piecesOf([range], [...finished.values()], false))
        for (const segment of segments(piece)) yield taskOf(segment);
    }
  };

  /**
   * Whether a finished shard was made from what there is of its items now. They may have been lost and come to other bits
   * since: then the shard is of items that are no more.
   */
  const isOfNow = async (shards: Shards, range: Range, { components }: ActionRecord): Promise<boolean> => {
    for (const [name, list] of Object.entries(shards.inputs))
      for (const input of list) {
        if (!('each' in input)) continue;
        const key = await store.shardKey((await expand(input.each)).family, range);
        const found = key === undefined ? undefined : await store.lookup(key, input.each.kind.outputs);
        const now = found?.record.outputs[input.output]?.digest;
        if (now !== undefined && !components.inputs[name]?.includes(now)) return false;
      }
    return true;
  };

  return { expand, keyOf: (task) => keys.get(task.id) };
}

/** The index of the first of ascending pieces that ends at `at` or after it. */
function firstReaching(pieces: readonly Piece[], at: number): number {
  let [low, high] = [0, pieces.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (pieces[middle]!.range[1] < at) low = middle + 1;
    else high = middle;
  }
  return low;
}
