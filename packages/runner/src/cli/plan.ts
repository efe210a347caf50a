import { plan as planTasks } from '../execute/plan.js';
import { compile } from '../graph/compile.js';
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
    const tasks = planned.map(({ task, record, why }) => ({
      kind: task.kind,
      title: task.title,
      key: record?.key,
      why,
    }));
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
    for (const { kind, title, why } of tasks) {
      if (why) print(`  ${kind.padEnd(18)} ${title}${options.why ? ` — ${why}` : ''}`);
    }
  }
}
