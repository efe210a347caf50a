import { inputNodes, type Node } from '@fewstep/taskgraph';
import { withoutSecrets } from '@fewstep/taskgraph/secrets';
import { type KindOutlook, type Outlook, type Prospect, summedUp } from './outlook.js';

/** Tasks of one kind: one, the shards of one thing, or all of a kind that has many. */
export interface Box extends KindOutlook {
  readonly id: string;
  readonly title: string;
}

/** What is needed to what needs it, by the ids of boxes. */
type Edge = readonly [from: string, to: string];

/** A graph of tasks as it is drawn. */
export interface Boxes {
  readonly boxes: readonly Box[];
  readonly edges: readonly Edge[];
}

/**
 * A box for each task, and for the shards of one thing.
 *
 * @param most kinds that have more of them are one box
 */
export function boxesOf({ prospects }: Outlook, most = Infinity): Boxes {
  const nodesOf = new Map<string, Set<Node>>();
  for (const { node } of prospects) {
    const { name } = node.kind;
    nodesOf.set(name, (nodesOf.get(name) ?? new Set()).add(node));
  }
  const ids = new Map<Node, string>();
  for (const [kind, nodes] of nodesOf) {
    const isOne = nodes.size > most;
    for (const [i, node] of [...nodes].entries())
      ids.set(node, isOne || nodes.size === 1 ? kind : `${kind}-${i + 1}`);
  }
  const parts = new Map<string, Prospect[]>();
  const edges = new Map<string, Edge>();
  for (const prospect of prospects) {
    const id = ids.get(prospect.node)!;
    const same = parts.get(id);
    if (same) same.push(prospect);
    else parts.set(id, [prospect]);
  }
  for (const [node, to] of ids)
    for (const source of inputNodes(node)) {
      const from = ids.get(source);
      if (from !== undefined && from !== to) edges.set(`${from} ${to}`, [from, to]);
    }
  const boxes = [...parts].map(([id, of]): Box => {
    const [{ node }] = of as [Prospect];
    const isMany = of.some((other) => other.node !== node);
    const title = isMany
      ? `all ${nodesOf.get(node.kind.name)!.size} of this kind`
      : withoutSecrets(node.title);
    return { id, title, ...summedUp(node.kind.name, of) };
  });
  return { boxes, edges: [...edges.values()] };
}

/** Without what another way already tells: of a → b → c and a → c the latter. */
export function reduced({ boxes, edges }: Boxes): Boxes {
  const after = new Map<string, Set<string>>(boxes.map(({ id }) => [id, new Set()]));
  for (const [from, to] of edges) after.get(from)!.add(to);
  const leads = (from: string, to: string, seen: Set<string>): boolean =>
    [...after.get(from)!].some((next) => {
      if (next === to) return true;
      if (seen.has(next)) return false;
      seen.add(next);
      return leads(next, to, seen);
    });
  const kept = edges.filter(([from, to]) => {
    after.get(from)!.delete(to);
    if (leads(from, to, new Set([from]))) return false;
    after.get(from)!.add(to);
    return true;
  });
  return { boxes, edges: kept };
}
