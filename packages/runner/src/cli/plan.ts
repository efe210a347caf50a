import { type ActionRecord, plan as planTasks, type Store } from '@fewstep/taskgraph';
import { compile, rootsOf } from '../graph/compile.js';
import { readSchedule } from '../tasks/schedule-file.js';
import { readExperiments } from './experiments.js';
import { print } from './output.js';
import { openWorld, type StoreOptions } from './world.js';

export interface PlanOptions extends StoreOptions {
  readonly set: readonly string[];
  readonly why?: boolean;
  readonly json?: boolean;
}

/** `fewstep plan SPEC…`: what a run would find and what it would compute. */
export async function plan(specs: readonly string[], options: PlanOptions): Promise<void> {
  const experiments = await readExperiments(specs, options.set);
  const world = await openWorld(options);
  const plans = [];
  for (const experiment of experiments) {
    const graph = compile(experiment);
    const planned = await planTasks(rootsOf(graph), { ...world, explain: options.why === true });
    const counts = { found: 0, toCompute: 0 };
    for (const { found, count } of planned) counts[found ? 'found' : 'toCompute'] += count;
    const tasks = await Promise.all(
      planned.map(async ({ kind, title, count, found, record, why }) => ({
        kind: kind.name,
        title,
        count,
        found,
        key: record?.key,
        why,
        ...(record && kind.name === 'gits' && (await foundSchedule(record, world.store))),
      })),
    );
    plans.push({
      name: experiment.name,
      points: graph.points.length,
      ...counts,
      tasks,
    });
  }
  if (options.json) return print(plans.length === 1 ? plans[0] : plans);
  for (const { name, points, found, toCompute, tasks } of plans) {
    print(
      `${name}: ${points} ${points === 1 ? 'point' : 'points'}, ${found + toCompute} tasks: ${found} in the store, ${toCompute} to compute`,
    );
    for (const { kind, title, why, sigmas } of tasks) {
      if (why) print(`  ${kind.padEnd(18)} ${title}${options.why ? ` — ${why}` : ''}`);
      else if (sigmas) print(`  found              ${title}: ${sigmas.map(short).join(' ')}`);
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
