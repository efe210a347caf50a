import { hostname } from 'node:os';
import {
  type ActionRecord,
  type Digest,
  isShards,
  type Kind,
  lengthOf,
  type Node,
  type Planned,
  type Range,
  type Store,
} from '@fewstep/taskgraph';

/** What tasks take: seconds on this machine, bytes that are kept. */
export interface Cost {
  readonly seconds: number;
  readonly bytes: number;
}

/** What finished tasks of one kind, on one network, took in all. */
interface Spent extends Cost {
  readonly tasks: number;
  readonly items: number;
  /** Of single items; where tasks didn't count them, none. */
  readonly evaluations: number;
}

/** So many records tell enough: keys are digests, so the first ones that are met are of any task. */
const mostRead = 400;

/**
 * What planned tasks would take, by what tasks of the same kind on the same network took on this machine: so long an
 * evaluation where they counted theirs, else an item, else a task. Undefined where there are none.
 */
export async function costsBy(
  store: Store,
  planned: readonly Planned[],
): Promise<(planned: Planned) => Cost | undefined> {
  const missing = planned.filter(({ found }) => !found);
  if (missing.length === 0) return () => undefined;
  const kinds = new Map(missing.map(({ kind }): [string, Kind] => [kind.name, kind]));
  const spent = new Map<string, Spent>();
  const [host, counted] = [hostname(), new Set<Digest>()];
  const count = (record: ActionRecord): void => {
    const kind = kinds.get(record.components.kind);
    if (!kind || record.provenance.host !== host || counted.has(record.key)) return;
    counted.add(record.key);
    const { inputs } = record.components;
    const name = nameOf(kind, (inputs.graph ?? inputs.network)?.[0]);
    spent.set(name, together(spent.get(name), spentBy(record, kind)));
  };
  for (const { record } of planned) if (record) count(record);
  let read = 0;
  for await (const record of store.records()) {
    count(record);
    if (++read === mostRead) break;
  }

  const networks = await networksOf(store, planned);
  return ({ node, kind, count: tasks, work }) => {
    const network = networks(node);
    const one = network && spent.get(nameOf(kind, network.digest));
    if (!one) return undefined;
    const each = isShards(node) ? node.workPerItem : 0;
    const byItems = one.items > 0 && each > 0 ? work / each / one.items : tasks / one.tasks;
    const byWork = one.evaluations > 0 && each > 0 ? work / one.evaluations : byItems;
    return { seconds: one.seconds * byWork, bytes: one.bytes * byItems };
  };
}

const nameOf = ({ name }: Kind, network: Digest | undefined) => `${name} ${network ?? ''}`;

function spentBy({ components, outputs, meta, provenance }: ActionRecord, { over }: Kind): Spent {
  const range = (components.params as Readonly<Record<string, unknown>>)[over ?? ''];
  const images = typeof meta.images === 'number' ? meta.images : 0;
  const items = Array.isArray(range) && range.length === 2 ? lengthOf(range as unknown as Range) : images;
  return {
    tasks: 1,
    seconds: provenance.seconds,
    bytes: Object.values(outputs).reduce((sum, { size }) => sum + size, 0),
    items,
    evaluations: items * (typeof meta.nfe === 'number' ? meta.nfe : 0),
  };
}

const together = (a: Spent | undefined, b: Spent): Spent =>
  a
    ? {
        tasks: a.tasks + b.tasks,
        seconds: a.seconds + b.seconds,
        bytes: a.bytes + b.bytes,
        items: a.items + b.items,
        evaluations: a.evaluations + b.evaluations,
      }
    : b;

/** The network that a node's tasks evaluate, as far as it is known before it is made; nothing where that is not. */
async function networksOf(
  store: Store,
  planned: readonly Planned[],
): Promise<(node: Node) => { readonly digest?: Digest } | undefined> {
  const made = new Map(planned.map(({ node, record }) => [node as Node | undefined, record]));
  const files = new Map<string, Digest | undefined>();
  const refOf = ({ inputs }: Node) => (inputs.graph ?? inputs.network)?.[0];
  for (const { node } of planned) {
    const ref = refOf(node);
    if (!ref || !('file' in ref) || files.has(ref.file)) continue;
    const seen = await store.look(ref.file, ref.as).catch(() => undefined);
    files.set(ref.file, seen?.digest);
  }
  return (node) => {
    const ref = refOf(node);
    if (!ref) return {};
    const digest =
      'file' in ref
        ? files.get(ref.file)
        : 'task' in ref
          ? made.get(ref.task)?.outputs[ref.output]?.digest
          : undefined;
    return digest === undefined ? undefined : { digest };
  };
}
