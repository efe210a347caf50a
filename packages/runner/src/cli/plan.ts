import { plan as planTasks } from '../execute/plan.js';
import { compile } from '../graph/compile.js';
import type { ActionRecord, Store } from '../store/store.js';
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
    const graph = compile(experiment, world);
    const planned = await planTasks(graph.tasks, world);
    const found = planned.filter(({ record }) => record).length;
    const tasks = await Promise.all(
      planned.map(async ({ task, record, why }) => ({
        kind: task.kind,
        title: task.title,
        key: record?.key,
        why,
        ...(record && task.kind === 'gits' && (await foundSchedule(record, world.store))),
      })),
    );
    plans.push({
      name: experiment.name,
      points: graph.points.length,
      found,
      toCompute: planned.length - found,
      tasks,
    });
  }
  if (options.json) return print(plans.length === 1 ? plans[0] : plans);
  for (const { name, points, found, toCompute, tasks } of plans) {
    print(
      `${name}: ${points} ${points === 1 ? 'point' : 'points'}, ${tasks.length} tasks: ${found} in the store, ${toCompute} to compute`,
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
