import { type ActionRecord, plan as planTasks, type Store } from '@fewstep/taskgraph';
import { withoutSecrets } from '@fewstep/taskgraph/secrets';
import { compile, rootsOf } from '../graph/compile.js';
import { readSchedule } from '../tasks/schedule-file.js';
import type { Answer } from './answer.js';
import { pointsOf, readExperiments, sum } from './experiments.js';
import { type CacheOption, openWorld, type StoreOptions } from './world.js';

export interface PlanOptions extends StoreOptions, CacheOption {
  readonly set: readonly string[];
  readonly why?: boolean;
}

/** `fewstep plan SPEC…`: what a run would find and what it would compute. */
export async function plan(specs: readonly string[], options: PlanOptions, answer: Answer): Promise<void> {
  const experiments = await readExperiments(specs, options.set);
  const world = await openWorld(options, specs[0]);
  const plans = [];
  for (const experiment of experiments) {
    const graph = compile(experiment);
    const planned = await planTasks(rootsOf(graph), { ...world, explain: options.why === true });
    const counts = { found: 0, toCompute: 0 };
    for (const { found, count } of planned) counts[found ? 'found' : 'toCompute'] += count;
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
      planned: told,
    });
    const all = plans.map(({ tasks }) => tasks);
    answer.object({ experiments: plans, tasks: sum(all, ['found', 'toCompute']) });
  }
  for (const { name, points, tasks, planned } of plans) {
    answer.line(
      `${name}: ${points.length} ${points.length === 1 ? 'point' : 'points'}, ${tasks.found + tasks.toCompute} tasks: ${tasks.found} in the store, ${tasks.toCompute} to compute`,
    );
    for (const { kind, title, count, why, sigmas } of planned) {
      const many = count > 1 ? ` (${count} tasks)` : '';
      if (why) answer.line(`  ${kind.padEnd(18)} ${title}${many}${options.why ? ` — ${why}` : ''}`);
      else if (sigmas) answer.line(`  found              ${title}: ${sigmas.map(short).join(' ')}`);
    }
  }
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
