import { type Digest, digestOfText } from './digest.js';
import {
  idOfShard,
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
import { once } from './maps.js';
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
  /** The ranges of what holds the items of a span, asked for or not, in ascending order; those at its ends may reach beyond. */
  across(span: Range): Generator<Range>;
  countOf(span: Range): number;
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
}) {
  const expansions = new Map<string, Promise<Expansion>>();
  const tasks = new Map<string, Task>();
  const keys = new Map<string, Digest>();
  const one = (task: Task): Task => once(tasks, task.id, () => task);
  const shardAt = (shards: Shards, range: Range): Task =>
    once(tasks, idOfShard(shards, range), () => shardOf(shards, range));
  const expand = (shards: Shards): Promise<Expansion> => once(expansions, shards.id, () => make(shards));

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
        if (found && (await isOf(shards, shard, found.record)))
          keys.set(idOfShard(shards, shard), found.record.key);
        else lost.push(shard);
      }
      if (lost.length === 0) break;
      for (const shard of lost) finished.delete(shard.join('-'));
    }
    const ascending = [...pieces].sort((a, b) => a.range[0] - b.range[0]);

    /** The shards of a gap; of a gap of millions those that hold a part of it. */
    function* cutGap(gap: Range, part: Range = gap): Generator<Piece> {
      if (along) {
        for (const range of along.across(part)) yield { range: overlap(range, gap)! };
        return;
      }
      const before = Math.floor(part[0] / size) * size;
      const after = (Math.floor(part[1] / size) + 1) * size - 1;
      const around: Range = [Math.max(gap[0], before), Math.min(gap[1], after)];
      for (const range of cutAtMultiples(around, size)) yield { range };
    }
    /** Also of items that nobody asks for but whoever takes a part of a larger shard. */
    function* piecesAcross(span: Range): Generator<Piece> {
      let at = span[0];
      for (let i = firstReaching(ascending, span[0]); i < ascending.length; i++) {
        const piece = ascending[i]!;
        const inside = overlap(piece.range, span);
        if (!inside) break;
        if (inside[0] > at) yield* unasked([at, inside[0] - 1]);
        yield* piece.shard ? [piece] : cutGap(piece.range, inside);
        at = inside[1] + 1;
      }
      if (at <= span[1]) yield* unasked([at, span[1]]);
    }
    function* unasked(span: Range): Generator<Piece> {
      for (const piece of piecesOf([span], [...finished.values()], false))
        yield* piece.shard ? [piece] : cutGap(piece.range);
    }
    const taskOf = ({ range, shard }: Piece): Task =>
      shard && shard !== range
        ? one(sliceTask(shardAt(shards, shard), sliceKind!, range))
        : shardAt(shards, range);
    /** A part of a shard: sliced where that can be, else computed alone. */
    const partOf = (piece: Piece, part: Range): Task => {
      if (part[0] === piece.range[0] && part[1] === piece.range[1]) return taskOf(piece);
      const whole = piece.shard ?? piece.range;
      return sliceKind ? one(sliceTask(shardAt(shards, whole), sliceKind, part)) : shardAt(shards, part);
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
      *across(span) {
        for (const { range } of piecesAcross(span)) yield range;
      },
      isNoted: (range) => finished.has(range.join('-')),
      *tasks(first = Infinity) {
        let before = 0;
        for (const piece of pieces)
          for (const segment of piece.shard ? [piece] : cutGap(piece.range)) {
            if (before >= first) return;
            yield taskOf(segment);
            before += lengthOf(segment.range);
          }
      },
      *covering(span) {
        for (const piece of piecesAcross(span)) yield partOf(piece, overlap(piece.range, span)!);
      },
    };
  };

  /**
   * Whether a record is of this shard, made from what there is of its items now. A note may be damaged or another's; and the
   * items may have been lost and come to other bits since: then the shard is of items that are no more.
   */
  const isOf = async (shards: Shards, range: Range, { components }: ActionRecord): Promise<boolean> => {
    const { kind, params } = shardOf(shards, range);
    const said = { kind: kind.name, params, versions: versionsOf(kind, versions) };
    const { inputs, ...recorded } = components;
    if (canonicalJson(recorded) !== canonicalJson(said)) return false;
    for (const [name, list] of Object.entries(shards.inputs)) {
      const now = (await Promise.all(list.map((input) => digestsNow(input, range)))).flat();
      const then = inputs[name] ?? [];
      const known = now.filter((digest) => digest !== undefined);
      if (
        known.length === now.length
          ? canonicalJson(now as Digest[]) !== canonicalJson(then)
          : !known.every((digest) => then.includes(digest))
      )
        return false;
    }
    return true;
  };

  /** What an input of a shard is, as far as that is known without computing anything. */
  const digestsNow = async (input: ShardsInput, range: Range): Promise<readonly (Digest | undefined)[]> => {
    if ('of' in input) return (await Promise.all(input.of(range).map(digestsOf))).flat();
    if (!('each' in input)) return digestsOf(input);
    const key = await store.shardKey((await expand(input.each)).family, range);
    const found = key === undefined ? undefined : await store.lookup(key, input.each.kind.outputs);
    if (!found) return [undefined];
    const output = found.record.outputs[input.output];
    return output ? [output.digest] : [];
  };

  return {
    expand,
    /** The key that a finished shard was recorded under, where its task was made to take a slice of. */
    keyOf: (task: Task): Digest | undefined => keys.get(task.id),
  };
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
