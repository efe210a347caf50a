import { type ActionRecord, plan as planTasks, type Store } from '@fewstep/taskgraph';
import { withoutSecrets } from '@fewstep/taskgraph/secrets';
import type { NeededFile } from '../experiment/experiment.js';
import { missingFiles } from '../experiment/missing-files.js';
import { sourceOf } from '../experiment/published-models.js';
import { compile, rootsOf } from '../graph/compile.js';
import { evaluatesFeatures } from '../tasks/kinds.js';
import { readSchedule } from '../tasks/schedule-file.js';
import type { Answer } from './answer.js';
import { pointsOf, readExperiments, sum } from './experiments.js';
import { megabytes, shownPath } from './output.js';
import { writeTasks } from './task-list.js';
import { type CacheOption, openWorld, type StoreOptions, settle } from './world.js';

export interface PlanOptions extends StoreOptions, CacheOption {
  readonly set: readonly string[];
  readonly why?: boolean;
  /** A file to write what is ready to. */
  readonly tasks?: string;
}

/** `fewstep plan SPEC…`: what a run would find, what it would compute and at what cost, and which files it lacks. */
export async function plan(specs: readonly string[], options: PlanOptions, answer: Answer): Promise<void> {
  const experiments = await readExperiments(specs, options.set);
  const world = await openWorld(options, specs[0]);
  const plans = [];
  for (const experiment of experiments) {
    const graph = compile(experiment);
    const planned = await planTasks(rootsOf(graph), { ...world, explain: options.why === true });
    const counts = { found: 0, toCompute: 0 };
    for (const { found, count } of planned) counts[found ? 'found' : 'toCompute'] += count;
    const evaluations = planned.reduce(
      (sum, { kind, found, work }) => sum + (found || evaluatesFeatures(kind) ? 0 : work),
      0,
    );
    const told = await Promise.all(
      planned.map(async ({ kind, title, count, found, record, why }) => ({
        kind: kind.name,
        title: withoutSecrets(title),
        count,
        found,
        ...(record && { key: record.key }),
        ...(why !== undefined && { why: withoutSecrets(why) }),
        ...(record && kind.name === 'gits' && (await foundSchedule(record, world.store))),
      })),
    );
    plans.push({
      name: experiment.name,
      points: pointsOf(experiment),
      tasks: counts,
      evaluations,
      missing: missingFiles(experiment).map(asMissing),
      planned: together(told),
    });
    const all = plans.map(({ tasks }) => tasks);
    answer.object({ experiments: plans, tasks: sum(all, ['found', 'toCompute']) });
  }
  const ready = options.tasks === undefined ? undefined : await writeTasks(options.tasks, experiments, world);
  await settle(world);
  for (const { name, points, tasks, evaluations, missing, planned } of plans) {
    answer.line(
      `${name}: ${points.length} ${points.length === 1 ? 'point' : 'points'}, ${tasks.found + tasks.toCompute} tasks: ${tasks.found} in the store, ${tasks.toCompute} to compute`,
    );
    for (const { kind, title, count, why, sigmas } of planned) {
      const many = count > 1 ? ` (${count} tasks)` : '';
      if (why) answer.line(`  ${kind.padEnd(18)} ${title}${many}${options.why ? ` — ${why}` : ''}`);
      else if (sigmas) answer.line(`  found              ${title}: ${sigmas.map(short).join(' ')}`);
    }
    if (evaluations > 0)
      answer.line(
        `  cost               about ${evaluations.toLocaleString('en-US')} evaluations of single images`,
      );
    for (const { role, file, bytes, how } of missing) {
      const size = bytes === undefined ? '' : ` (${megabytes(bytes)})`;
      answer.line(`  missing            ${role} ${file}${size}: ${how}`);
    }
    if (missing.some(({ address }) => address !== undefined))
      answer.line('  fetched            by fewstep run --fetch, what has an address');
  }
  if (ready !== undefined) answer.line(`ready: ${ready}, a line of ${options.tasks} each`);
}

interface Shown {
  readonly kind: string;
  readonly title: string;
  readonly count: number;
  readonly found: boolean;
  /** Of a single task that is in the store. */
  readonly key?: string;
  readonly why?: string;
  readonly sigmas?: readonly number[];
}

/** Those of one kind and title that aren't there as one, at the place of the first: a round of a fit is as another. */
function together(planned: readonly Shown[]): Shown[] {
  const shown = new Map<string, Shown>();
  for (const one of planned) {
    const id = JSON.stringify([one.kind, one.title, one.found, one.key]);
    const before = shown.get(id);
    shown.set(id, before ? { ...before, count: before.count + one.count } : one);
  }
  return [...shown.values()];
}

/** A file that isn't there: where it belongs, and how it is had. */
function asMissing({ role, path, published, ifMissing }: NeededFile) {
  const file = withoutSecrets(shownPath(path));
  if (!published) return { role, file, how: ifMissing.sentence };
  const { address, bytes } = published.file;
  const fetch = address === undefined ? '' : `fewstep models fetch ${published.dataset}, or `;
  return {
    role,
    file,
    ...(address !== undefined && { address }),
    ...(bytes !== undefined && { bytes }),
    how: `${fetch}${sourceOf(published.file)}`,
  };
}

/** The noise levels that a search in the store found, if its file is still whole. */
async function foundSchedule(
  { outputs }: ActionRecord,
  store: Store,
): Promise<{ readonly sigmas?: readonly number[] }> {
  const path = await store.blob(outputs.schedule!);
  return path === undefined ? {} : { sigmas: (await readSchedule(path)).sigmas };
}

const short = (sigma: number) => String(Number(sigma.toPrecision(4)));
