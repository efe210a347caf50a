import { stat } from 'node:fs/promises';
import { basename, dirname, relative, resolve } from 'node:path';
import { type ActionRecord, type Digest, nodeMachine, type Store } from '@fewstep/taskgraph';
import { RunnerError } from '../../errors.js';
import { shownPath } from '../reports/output.js';
import { openOwnStore, type StoreOptions } from '../run/world.js';
import type { Answer } from '../terminal/answer.js';
import { sizeText, timeText } from '../terminal/quantities.js';
import { reachedByAny } from './shown.js';

export interface CacheWhyOptions extends StoreOptions {
  readonly set?: readonly string[];
}

/** A task by what it is and its key. */
interface Maker {
  readonly kind: string;
  readonly key: Digest;
}

/** What a record says of itself, and who needs it. */
interface Why extends Maker {
  readonly params: unknown;
  readonly versions: Readonly<Record<string, string>>;
  readonly provenance: ActionRecord['provenance'];
  readonly outputs: readonly {
    readonly name: string;
    readonly digest: Digest;
    readonly size: number;
    readonly here: boolean;
  }[];
  /** Of each file that it read, the task that gave it; of one from outside none. */
  readonly inputs: readonly {
    readonly name: string;
    readonly digest: Digest;
    readonly by: readonly Maker[];
  }[];
  /** How many results of each kind were made from its files. */
  readonly usedBy: Readonly<Record<string, number>>;
  readonly pins: readonly string[];
  /** Of the specs that were named. */
  readonly reachedBy: readonly string[];
}

const shownResults = 10;

/**
 * `fewstep cache why KEY|FILE [SPEC…]`: which task made something, from what, when and on what, and which results, pins and
 * specs need it.
 *
 * @throws RunnerError E_STORE_MISS where nothing in the store is or made that
 */
export async function cacheWhy(
  what: string,
  specs: readonly string[],
  { set, ...options }: CacheWhyOptions,
  answer: Answer,
): Promise<void> {
  const store = await openOwnStore(options);
  const asked = await digestOf(what, store);
  const found: ActionRecord[] = [];
  const makers = new Map<Digest, Maker[]>();
  const readers = new Map<Digest, Maker[]>();
  const note = (among: Map<Digest, Maker[]>, digest: Digest, one: Maker): void => {
    const known = among.get(digest);
    if (known) known.push(one);
    else among.set(digest, [one]);
  };
  for await (const record of store.records()) {
    const { key, components, outputs } = record;
    const one = { kind: components.kind, key };
    const digests = [...new Set(Object.values(outputs).map(({ digest }) => digest))];
    for (const digest of digests) note(makers, digest, one);
    for (const digest of new Set(Object.values(components.inputs).flat())) note(readers, digest, one);
    if ([key, ...digests].some((one) => one.startsWith(asked))) found.push(record);
  }
  if (found.length === 0)
    throw new RunnerError(
      'E_STORE_MISS',
      `${shownPath(store.dir)} has no result that ${what} is or was made by${asked === what ? '' : ` (sha256 ${asked.slice(0, 12)}…)`}: it was collected, changed since, or is of another store; tables and reports are written by the run itself.`,
      { evidence: { what, digest: asked, store: store.dir } },
    );
  const pins = await store.pins();
  const reached = await reachedByAny(specs, set, store);
  const whys: Why[] = [];
  for (const record of found) {
    const { key, components, outputs, provenance } = record;
    const files = [];
    for (const [name, { digest, size }] of Object.entries(outputs))
      files.push({
        name,
        digest,
        size,
        here: (await stat(store.pathOf({ digest, size })).catch(() => undefined)) !== undefined,
      });
    whys.push({
      kind: components.kind,
      key,
      params: components.params,
      versions: components.versions,
      provenance,
      outputs: files,
      inputs: Object.entries(components.inputs).flatMap(([name, digests]) =>
        digests.map((digest) => ({ name, digest, by: makers.get(digest) ?? [] })),
      ),
      usedBy: usesOf(record, readers),
      pins: pins.filter(({ keys }) => keys.includes(key)).map(({ name }) => name),
      reachedBy: reached.filter(({ keys }) => keys.has(key)).map(({ spec }) => spec),
    });
  }
  answer.object({ store: store.dir, results: whys });
  for (const [i, why] of whys.slice(0, shownResults).entries()) {
    if (i > 0) answer.line('');
    for (const line of linesOf(why, specs.length > 0)) answer.line(line);
  }
  if (whys.length > shownResults) answer.line(`and ${whys.length - shownResults} more results`);
}

/** The key or digest, or its beginning, that something said on the command line is of. */
async function digestOf(what: string, { dir }: Store): Promise<string> {
  const path = resolve(what);
  const found = await stat(path).catch(() => undefined);
  if (!found?.isFile()) {
    if (/^[0-9a-f]{6,64}$/.test(what)) return what;
    throw new RunnerError(
      'E_STORE_MISS',
      `${what} is no file, and no key or digest: that is 64 hexadecimal digits, or 6 at least of its beginning.`,
      { evidence: { what } },
    );
  }
  // a file of the store is what its name says, also where it is damaged
  const isOfStore = /^(blobs|records)$/.test(relative(dir, dirname(dirname(path))));
  const name = basename(path).replace(/\.json$/, '');
  if (isOfStore && /^[0-9a-f]{64}$/.test(name)) return name;
  const { disk } = await nodeMachine();
  return (await disk.hash(path))!.digest;
}

/** How many of each kind read files of a result; one that gives a file again which it read is no use of it. */
function usesOf(
  { key, outputs }: ActionRecord,
  readers: ReadonlyMap<Digest, readonly Maker[]>,
): Readonly<Record<string, number>> {
  const used = new Map<Digest, string>();
  for (const { digest } of Object.values(outputs))
    for (const reader of readers.get(digest) ?? []) used.set(reader.key, reader.kind);
  used.delete(key);
  const counts: Record<string, number> = {};
  for (const kind of used.values()) counts[kind] = (counts[kind] ?? 0) + 1;
  return counts;
}

function linesOf({ kind, key, params, versions, provenance, ...why }: Why, isOfSpecs: boolean): string[] {
  const { host, node, device, startedAt, seconds } = provenance;
  const rows: [string, string][] = [
    ['made', `${startedAt.slice(0, 16).replace('T', ' ')} UTC in ${timeText(seconds)}, on ${host}`],
    ['device', `${typeof device === 'string' ? device : JSON.stringify(device)}, Node ${node}`],
    [
      'by',
      Object.entries(versions)
        .map(([name, version]) => (name === 'task' ? `revision ${version}` : `${name} ${version}`))
        .join(', '),
    ],
    ['params', JSON.stringify(params)],
  ];
  for (const { name, by, digest } of together(why.inputs))
    rows.push(['from', `${name}: ${by || `outside, sha256 ${digest.slice(0, 12)}…`}`]);
  for (const { name, size, digest, here } of why.outputs)
    rows.push([
      'gave',
      `${name}: ${sizeText(size)}, sha256 ${digest.slice(0, 12)}…${here ? '' : ', not here'}`,
    ]);
  const uses = Object.entries(why.usedBy).map(([one, count]) => `${count} ${one}`);
  rows.push(['used by', uses.length > 0 ? uses.join(', ') : 'no other result']);
  rows.push(['pinned', why.pins.length > 0 ? `as ${why.pins.join(', ')}` : 'no']);
  if (isOfSpecs)
    rows.push([
      'reached',
      why.reachedBy.length > 0 ? `by ${why.reachedBy.join(', ')}` : 'by none of these specs',
    ]);
  return [`${kind} ${key}`, ...rows.map(([name, text]) => `  ${name.padEnd(8)}  ${text}`)];
}

const mostShown = 3;

/** The inputs of one name that come from one kind, as one. */
function together(inputs: Why['inputs']): { name: string; by: string; digest: Digest }[] {
  const groups = new Map<string, { name: string; kind: string; keys: Digest[]; digest: Digest }>();
  for (const { name, digest, by } of inputs) {
    const [maker] = by;
    const id = maker ? `${name} ${maker.kind}` : `${name} ${digest}`;
    const one = groups.get(id) ?? { name, kind: maker?.kind ?? '', keys: [], digest };
    groups.set(id, one);
    if (maker) one.keys.push(maker.key);
  }
  return [...groups.values()].map(({ name, kind, keys, digest }) => {
    const shown = keys
      .slice(0, mostShown)
      .map((key) => `${key.slice(0, 12)}…`)
      .join(', ');
    const more = keys.length > mostShown ? ` and ${keys.length - mostShown} more` : '';
    return { name, by: kind && `${kind} ${shown}${more}`, digest };
  });
}
