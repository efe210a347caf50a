import { type Digest, digestOfText } from './digest.js';
import {
  isShards,
  type Node,
  needed,
  type Ref,
  type Shards,
  type ShardsInput,
  type TaskInput,
} from './graph.js';
import { canonicalJson, type Json } from './json.js';
import { type Versions, versionsOf } from './key.js';
import { type Kind, type Range, sliceOf } from './kind.js';
import { once } from './maps.js';
import { overlap } from './ranges.js';
import type { Store } from './store/store.js';

/** What of a record says which node it is of. */
interface Candidate {
  readonly key: Digest;
  readonly inputs: Readonly<Record<string, readonly Digest[]>>;
  readonly outputs: Readonly<Record<string, Digest>>;
  /** Of a shard or a slice: its items. */
  readonly range?: Range;
}

/** The records that a node may have; `exactly` where it can have no other. */
interface Reached {
  readonly records: readonly Candidate[];
  readonly exactly: boolean;
}

/**
 * The keys of the records in a store that a run of these nodes would find, or would once it has computed again what is gone.
 *
 * A task whose inputs are in the store has one record. Of one whose inputs are gone the key isn't known: then every record is
 * reached that is of its kind, parameters and versions, of the inputs that are known, and else of such as no record gave. So
 * what is dear stays in reach when what it was made from, and takes more room, was collected; and of two records that differ
 * in what is gone alone both do.
 */
export async function reach(
  roots: readonly Node[],
  { store, versions }: { readonly store: Store; readonly versions: Versions },
): Promise<ReadonlySet<Digest>> {
  const nodes = needed(roots);
  // what shards need of ranges alone
  for (const node of nodes)
    if (isShards(node))
      for (const input of Object.values(node.inputs).flat())
        if ('of' in input)
          nodes.push(...needed(node.ranges.flatMap((range) => input.of(range)).flatMap(nodeOf)));
  const { candidates, made } = await candidatesOf(nodes, store);
  const reached = new Map<string, Promise<Reached>>();
  const of = (node: Node): Promise<Reached> => once(reached, node.id, () => find(node));

  /** What an input may be: `exactly` where that is certain; undefined where nothing is known of it. */
  const digestsOf = async (
    input: TaskInput | ShardsInput,
    ranges: readonly Range[],
  ): Promise<{ readonly digests: readonly Digest[]; readonly exactly: boolean } | undefined> => {
    if ('file' in input)
      return store.look(input.file, input.as).then(
        ({ digest }) => ({ digests: [digest], exactly: true }),
        () => undefined,
      );
    if ('of' in input) {
      const all = await Promise.all(
        ranges.flatMap((range) => input.of(range)).map((ref) => digestsOf(ref, ranges)),
      );
      return { digests: all.flatMap((one) => one?.digests ?? []), exactly: false };
    }
    const node = 'task' in input ? input.task : 'each' in input ? input.each : input.shards;
    const { records, exactly } = await of(node);
    if (records.length === 0) return undefined;
    // what reaches beyond the items that are asked for is only there to be sliced
    const used = 'shards' in input ? records.filter((record) => isWithin(record, input.shards)) : records;
    const digests = used.flatMap(({ outputs }) => outputs[input.output] ?? []);
    return { digests, exactly };
  };

  const find = async (node: Node): Promise<Reached> => {
    const ranges = isShards(node) ? node.ranges : [];
    const known = await Promise.all(
      Object.entries(node.inputs).map(async ([name, list]) => {
        const inputs = await Promise.all(
          list.map((input: TaskInput | ShardsInput) => digestsOf(input, ranges)),
        );
        return {
          name,
          isExact: inputs.every((one) => one?.exactly),
          exact: inputs.flatMap((one) => (one?.exactly ? one.digests : [])),
          may: new Set(inputs.flatMap((one) => one?.digests ?? [])),
        };
      }),
    );
    const agrees = ({ inputs: theirs }: Candidate) =>
      known.every(({ name, isExact, exact, may }) => {
        const then = theirs[name] ?? [];
        if (isExact) return then.join() === exact.join();
        return (
          exact.every((digest) => then.includes(digest)) &&
          then.every((one) => may.has(one) || !made.has(one))
        );
      });
    const isAsked = ({ range }: Candidate) =>
      !range || ranges.length === 0 || ranges.some((asked) => overlap(asked, range));
    const inputs = known.flatMap(({ may }) => [...may]);
    const found = candidates(idOf(node, versions), inputs).filter((one) => isAsked(one) && agrees(one));
    const slice = isShards(node) && sliceOf(node.kind);
    if (!slice) return { records: found, exactly: !isShards(node) && known.every(({ isExact }) => isExact) };
    const files = new Set(found.flatMap(({ outputs }) => Object.values(outputs)));
    const slices = candidates(idOfSlices(slice, versions), files).filter(
      (one) => isAsked(one) && inputsOf(one).every((digest) => files.has(digest) || !made.has(digest)),
    );
    return { records: [...found, ...slices], exactly: false };
  };

  const keys = new Set<Digest>();
  for (const node of nodes) for (const { key } of (await of(node)).records) keys.add(key);
  return keys;
}

const inputsOf = ({ inputs }: Candidate): readonly Digest[] => Object.values(inputs).flat();

const isWithin = ({ range }: Candidate, { ranges }: Shards): boolean =>
  !range || ranges.some(([first, last]) => first <= range[0] && range[1] <= last);

const nodeOf = (ref: Ref): Node[] => ('task' in ref ? [ref.task] : []);

/** What nodes have in common with their records, without the inputs. */
const idOf = ({ kind, params }: Node, versions: Versions): string =>
  idOfParts(kind.name, params, versionsOf(kind, versions));
const idOfSlices = (kind: Kind, versions: Versions): string =>
  idOfParts(kind.name, null, versionsOf(kind, versions));
const idOfParts = (kind: string, params: Json, versions: Readonly<Record<string, string>>): string =>
  digestOfText(canonicalJson({ kind, params, versions }));

/**
 * The records of the kinds of some nodes by what they have in common with them, but for those that read a file which a record
 * gave and `inputs` don't have; and the files that any record gave.
 */
async function candidatesOf(
  nodes: readonly Node[],
  store: Store,
): Promise<{
  candidates(id: string, inputs: Iterable<Digest>): readonly Candidate[];
  made: ReadonlySet<Digest>;
}> {
  const shardKinds = new Map<string, Kind>();
  const sliceKinds = new Set<string>();
  const kinds = new Set<string>();
  for (const node of nodes) {
    kinds.add(node.kind.name);
    if (!isShards(node)) continue;
    shardKinds.set(node.kind.name, node.kind);
    const slice = sliceOf(node.kind);
    if (slice) sliceKinds.add(slice.name);
  }
  const found = new Map<string, Candidate[]>();
  const made = new Set<Digest>();
  for await (const { key, components, outputs: files } of store.records()) {
    const { kind, params, inputs, versions } = components;
    for (const { digest } of Object.values(files)) made.add(digest);
    if (!kinds.has(kind) && !sliceKinds.has(kind)) continue;
    const outputs = Object.fromEntries(Object.entries(files).map(([name, { digest }]) => [name, digest]));
    const add = (one: Candidate, rest: Json) =>
      once(found, idOfParts(kind, rest, versions), () => []).push(one);
    const over = shardKinds.get(kind)?.over;
    const told = (params ?? {}) as Readonly<Record<string, Json>>;
    const one = { key, inputs, outputs };
    if (sliceKinds.has(kind)) add({ ...one, ...ranged(told.take) }, null);
    else add(one, params);
    if (over === undefined) continue;
    const { [over]: range, ...others } = told;
    add({ ...one, ...ranged(range) }, others);
  }
  const groups = new Map([...found].map(([id, list]) => [id, byRarestInput(list, made)]));
  return {
    made,
    candidates(id, inputs) {
      const group = groups.get(id);
      return group ? ['', ...new Set(inputs)].flatMap((digest) => group.get(digest) ?? []) : [];
    },
  };
}

/**
 * Each under that of its inputs which a record gave and the fewest of them have, or under nothing: thousands of scores differ
 * in one input alone.
 */
function byRarestInput(
  candidates: readonly Candidate[],
  made: ReadonlySet<Digest>,
): ReadonlyMap<Digest, readonly Candidate[]> {
  const counts = new Map<Digest, number>();
  for (const one of candidates)
    for (const digest of inputsOf(one)) counts.set(digest, (counts.get(digest) ?? 0) + 1);
  const groups = new Map<Digest, Candidate[]>();
  for (const one of candidates) {
    let rarest = '';
    for (const digest of inputsOf(one))
      if (made.has(digest) && (rarest === '' || counts.get(digest)! < counts.get(rarest)!)) rarest = digest;
    once(groups, rarest, () => []).push(one);
  }
  return groups;
}

/** A record may say anything. */
const ranged = (value: Json | undefined): { readonly range?: Range } =>
  Array.isArray(value) && value.length === 2 && value.every((one) => typeof one === 'number')
    ? { range: value as unknown as Range }
    : {};
