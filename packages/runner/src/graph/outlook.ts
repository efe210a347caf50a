import {
  type ActionRecord,
  type Node,
  needed,
  type Planned,
  plan,
  type Store,
  type Versions,
} from '@fewstep/taskgraph';
import type { Experiment } from '../experiment/experiment.js';
import { evaluatesFeatures } from '../tasks/kinds.js';
import { readSchedule } from '../tasks/schedule-file.js';
import { compile, rootsOf, rootsOfPoint } from './compile.js';
import { type Cost, costsBy } from './spent.js';

/** Tasks, or shards that follow each other, of a plan. */
export interface Prospect extends Planned {
  /** How many points of the grid need them. */
  readonly points: number;
  /** Of what is to compute, where tasks like these were computed here. */
  readonly cost?: Cost;
  /** The noise levels that a search in the store found. */
  readonly sigmas?: readonly number[];
}

/** Tasks of one kind, summed up. */
export interface KindOutlook {
  readonly kind: string;
  readonly tasks: number;
  /** How many they would be if no point shared any with another. */
  readonly unshared: number;
  readonly found: number;
  /** Of those found, in the cache. */
  readonly remote: number;
  readonly toCompute: number;
  /** Of what is to compute: single images through the network that it evaluates; about. */
  readonly evaluations: number;
  /** Of what is to compute, on this machine; left out where nothing tells of all of it. */
  readonly seconds?: number;
  /** Of its files, likewise. */
  readonly bytes?: number;
}

/** What a run of an experiment would find, and what it would compute at what cost. */
export interface Outlook {
  readonly prospects: readonly Prospect[];
  /** In the order in which they are needed. */
  readonly kinds: readonly KindOutlook[];
}

/**
 * Plans an experiment without computing anything.
 *
 * - `explain`: look through the store for what made a task new, where nothing else says why.
 *
 * @throws TaskgraphError E_STORE_…
 */
export async function outlook(
  experiment: Experiment,
  options: { readonly store: Store; readonly versions: Versions; readonly explain?: boolean },
): Promise<Outlook> {
  const { store } = options;
  const graph = compile(experiment);
  const planned = await plan(rootsOf(graph), options);
  const points = new Map<Node, number>();
  for (const point of graph.points)
    for (const node of needed(rootsOfPoint(point))) points.set(node, (points.get(node) ?? 0) + 1);
  const costOf = await costsBy(store, planned);
  const prospects: Prospect[] = [];
  for (const one of planned) {
    const cost = one.found ? undefined : costOf(one);
    const sigmas = one.record && one.kind.name === 'gits' ? await foundLevels(one.record, store) : undefined;
    prospects.push({
      ...one,
      points: points.get(one.node) ?? 1,
      ...(cost && { cost }),
      ...(sigmas && { sigmas }),
    });
  }
  const byKind = new Map<string, Prospect[]>();
  for (const one of prospects) {
    const same = byKind.get(one.kind.name);
    if (same) same.push(one);
    else byKind.set(one.kind.name, [one]);
  }
  return { prospects, kinds: [...byKind].map(([kind, of]) => summedUp(kind, of)) };
}

/** Evaluations of the network that is sampled, of all kinds together. */
export const evaluationsOf = ({ prospects }: Pick<Outlook, 'prospects'>): number =>
  sum(prospects, ({ kind, found, work }) => (found || evaluatesFeatures(kind) ? 0 : work));

/** Those of one kind, or of one node. */
export function summedUp(kind: string, prospects: readonly Prospect[]): KindOutlook {
  const missing = prospects.filter(({ found }) => !found);
  const isKnown = missing.every(({ cost }) => cost);
  return {
    kind,
    tasks: sum(prospects, ({ count }) => count),
    unshared: sum(prospects, ({ count, points }) => count * points),
    found: sum(prospects, ({ found, count }) => (found ? count : 0)),
    remote: sum(prospects, ({ source, count }) => (source === 'remote' ? count : 0)),
    toCompute: sum(missing, ({ count }) => count),
    evaluations: sum(missing, ({ work }) => work),
    ...(isKnown && {
      seconds: sum(missing, ({ cost }) => cost!.seconds),
      bytes: Math.round(sum(missing, ({ cost }) => cost!.bytes)),
    }),
  };
}

const sum = <T>(all: readonly T[], of: (one: T) => number): number =>
  all.reduce((before, one) => before + of(one), 0);

/** If its file is still whole. */
async function foundLevels({ outputs }: ActionRecord, store: Store): Promise<readonly number[] | undefined> {
  const path = await store.blob(outputs.schedule!);
  return path === undefined ? undefined : (await readSchedule(path)).sigmas;
}
