import { join } from 'node:path';
import { type Execution, type Executor, execute, TaskgraphError } from '@fewstep/taskgraph';
import { codeOf, RunnerError } from '../../errors.js';
import { checkFiles } from '../../experiment/read-experiment.js';
import { compile, rootsOf } from '../../graph/compile.js';
import { report as reportOf } from '../../report/report.js';
import type { Shown } from '../../report/report-data.js';
import { type CacheOption, openWorld, type StoreOptions, type World } from '../run/world.js';
import { type Changes, readExperiments } from '../specs/experiments.js';
import type { Answer } from '../terminal/answer.js';
import { countOf } from '../terminal/quantities.js';
import { warn } from '../terminal/say.js';
import { openResults, shownPath } from './output.js';
import { drawing } from './pictures.js';
import { writeReport } from './report-files.js';
import { openResultsOf, resultsOf } from './results-folder.js';
import { resultsFolder } from './runs.js';

export interface ReportOptions extends Changes, StoreOptions, CacheOption {
  readonly results?: string;
}

/**
 * `fewstep report SPEC…`: the page of what the store has of specs, and its table as CSV, LaTeX and JSON; computes nothing.
 * Of one it is where its results are; of several, one page of all, in a folder of their names.
 *
 * @throws SpecError, RunnerError E_STORE_MISS where the store has nothing of them, E_RESULTS
 */
export async function report(
  specs: readonly string[],
  options: ReportOptions,
  answer: Answer,
): Promise<void> {
  const experiments = await readExperiments(specs, options, checkFiles);
  const world = await openWorld(options, specs[0]);
  const folder = resultsFolder(options.results);
  const shown: Shown[] = [];
  const missing: { name: string; tasks: number }[] = [];
  const [first] = experiments;
  const isOne = experiments.length === 1;
  const title = experiments.map(({ name }) => name).join('+');
  const own = isOne ? resultsOf(first!, folder) : join(folder, title);
  const results = isOne ? await openResultsOf(first!, folder) : await openResults(own);
  for (const experiment of experiments) {
    const graph = compile(experiment);
    const { found, lacking } = await lookUp(graph, world);
    if (lacking > 0) missing.push({ name: experiment.name, tasks: lacking });
    const place = isOne ? results.place : async () => undefined;
    const draw = isOne ? drawing(results, own) : async () => undefined;
    const one = await reportOf(graph, { ...world, name: experiment.name, execution: found, place, draw });
    shown.push({ experiment, graph, execution: found, store: world.store, report: one });
  }
  if (shown.every(({ execution }) => execution.records.size === 0))
    throw new RunnerError(
      'E_STORE_MISS',
      `nothing of ${title} is in ${shownPath(world.store.dir)}: fewstep run computes it, and a page that is there stays as it is.`,
    );
  for (const { name, tasks } of missing)
    warn(
      `${name}: at least ${countOf(tasks, 'task')} not computed yet; the page shows what is there (fewstep run computes them)`,
    );
  const page = await writeReport(title, shown, { results, folder: own, isItsOwn: isOne, isKept: false });
  answer.object({ page, experiments: shown.map(({ report }) => report), missing });
  answer.line(page);
}

const notThere = 'E_STORE_MISS';

/** What there is of a graph, what of that is damaged or gone, and how many tasks there is more to compute at the least. */
async function lookUp(
  graph: ReturnType<typeof compile>,
  { store, versions }: World,
): Promise<{ readonly found: Execution; readonly lacking: number }> {
  const executor: Executor = {
    slots: 1,
    run: () => Promise.reject(new Error('a report computes nothing')),
    close: async () => {},
  };
  // whoever would compute a task leases it first, or waits for another that does
  const lease = () => Promise.reject(new TaskgraphError(notThere, 'it is not computed yet'));
  const found = await execute(rootsOf(graph), { store: { ...store, lease }, versions, executor });
  const failures = new Map([...found.failures].filter(([, error]) => codeOf(error) !== notThere));
  return { found: { ...found, failures }, lacking: found.failures.size - failures.size };
}
