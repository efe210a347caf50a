import { join, resolve } from 'node:path';
import { compile } from '../graph/compile.js';
import { report } from '../report/report.js';
import { table } from '../report/table.js';
import { checkFiles, readExperiment } from '../spec/read-experiment.js';
import { openResults, print } from './output.js';
import { demand, work } from './work.js';
import { openWorld, type StoreOptions } from './world.js';

export interface RunOptions extends StoreOptions {
  readonly set: readonly string[];
  readonly results: string;
  readonly json?: boolean;
}

/** `fewstep run SPEC…`: computes what is not in the store yet, then the table and the pictures. */
export async function run(specs: readonly string[], options: RunOptions): Promise<void> {
  const experiments = await Promise.all(specs.map((spec) => readExperiment(spec, { set: options.set })));
  experiments.forEach(checkFiles);
  const world = await openWorld(options);
  const failures = new Map();
  const reports = [];
  for (const experiment of experiments) {
    const results = await openResults(join(resolve(options.results), experiment.name));
    const graph = compile(experiment, world);
    const { comparison, points } = graph;
    const roots = points.flatMap(({ scores, picture, predictor }) => [
      ...Object.values(scores),
      picture,
      ...(predictor ? [predictor] : []),
    ]);
    const execution = await work([...roots, comparison], world);
    for (const [task, error] of execution.failures) failures.set(task, error);
    const one = await report(graph, {
      name: experiment.name,
      execution,
      store: world.store,
      place: results.place,
    });
    const text = table(one);
    await results.write(`${text}\n`, 'table.md');
    await results.write(`${JSON.stringify(one, null, 2)}\n`, 'report.json');
    reports.push(one);
    if (options.json) continue;
    print(`\n${text}\n`);
    if (one.comparison) print(`pictures, a row for each line of the table: ${one.comparison}`);
    print(`tasks: ${one.tasks.computed} computed, ${one.tasks.local} found in ${world.store.dir}`);
  }
  if (options.json) print(reports.length === 1 ? reports[0] : reports);
  demand({ failures });
}
