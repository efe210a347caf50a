import { join, resolve } from 'node:path';
import type { Execution, Store } from '@fewstep/taskgraph';
import { compile, type Graph, rootsOf } from '../graph/compile.js';
import { type Report, report } from '../report/report.js';
import { table } from '../report/table.js';
import { checkFiles } from '../spec/read-experiment.js';
import { readExperiments } from './experiments.js';
import { openResults, print, type Results } from './output.js';
import { type DeviceOption, demand, deviceOf, work } from './work.js';
import { openWorld, type StoreOptions } from './world.js';

export interface RunOptions extends StoreOptions, DeviceOption {
  readonly set: readonly string[];
  readonly results: string;
  readonly json?: boolean;
}

/** `fewstep run SPEC…`: computes what is not in the store yet, then the table and the pictures. */
export async function run(specs: readonly string[], options: RunOptions): Promise<void> {
  const device = await deviceOf(options);
  const experiments = await readExperiments(specs, options.set, checkFiles);
  const world = await openWorld(options);
  const failures = new Map();
  const reports = [];
  for (const experiment of experiments) {
    const results = await openResults(join(resolve(options.results), experiment.name));
    const graph = compile(experiment);
    const execution = await work(rootsOf(graph), world, device);
    for (const [task, error] of execution.failures) failures.set(task, error);
    const one = await writeReport(
      graph,
      { name: experiment.name, execution, store: world.store },
      results,
    ).catch((error: unknown) => {
      demand({ failures }, error);
      throw error;
    });
    reports.push(one);
    if (options.json) continue;
    print(`\n${table(one)}\n`);
    if (one.comparison) print(`pictures, a row for each line of the table: ${one.comparison}`);
    print(`tasks: ${one.tasks.computed} computed, ${one.tasks.local} found in ${world.store.dir}`);
  }
  if (options.json) print(reports.length === 1 ? reports[0] : reports);
  demand({ failures });
}

async function writeReport(
  graph: Graph,
  found: { readonly name: string; readonly execution: Execution; readonly store: Store },
  results: Results,
): Promise<Report> {
  const one = await report(graph, { ...found, place: results.place });
  await results.write(`${table(one)}\n`, 'table.md');
  await results.write(`${JSON.stringify(one, null, 2)}\n`, 'report.json');
  return one;
}
