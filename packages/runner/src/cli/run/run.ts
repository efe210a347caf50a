import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecutorOptions } from '../../execute/experiment-executor.js';
import type { Experiment } from '../../experiment/experiment.js';
import { checkFiles } from '../../experiment/read-experiment.js';
import { compile, type Graph, rootsOf } from '../../graph/compile.js';
import { jsonText } from '../../judging/shown.js';
import { relativeTo, withSettings } from '../../report/as-kept.js';
import type { PictureFormat } from '../../report/picture-format.js';
import { receiptOf } from '../../report/receipt.js';
import { type Report, report } from '../../report/report.js';
import type { Shown } from '../../report/report-data.js';
import { settingsIn } from '../../report/resolved-spec.js';
import { table } from '../../report/table.js';
import type { Results } from '../reports/output.js';
import { drawing } from '../reports/pictures.js';
import { openResultsOf, resultsOf, sayStrays } from '../reports/results-folder.js';
import { resultsFolder } from '../reports/runs.js';
import { type Changes, readExperiments, sum } from '../specs/experiments.js';
import type { Answer } from '../terminal/answer.js';
import { warn } from '../terminal/say.js';
import { recorded, recordsIn } from './run-record.js';
import type { ServedRun } from './serve.js';
import { demand, work } from './work.js';
import { type CacheOption, openWorld, type StoreOptions, sayWorld, type World } from './world.js';

/** What a run counts of its tasks. */
const taskCounts = ['computed', 'local', 'remote'] as const;

/** Beside the table of a run that lacks nothing. */
const receipt = 'receipt.json';

export interface RunOptions extends Changes, StoreOptions, CacheOption, ExecutorOptions {
  readonly results?: string;
  readonly fetch?: boolean;
  readonly format?: PictureFormat;
  /** A port, or one that is free. */
  readonly serve?: number | true;
}

/**
 * `fewstep run [SPEC…]`: computes what is not in the store yet, then the table and the pictures; with `--fetch` once what
 * the specs need of the registry is here, with `--serve` the page of it meanwhile.
 */
export async function run(specs: readonly string[], options: RunOptions, answer: Answer): Promise<void> {
  if (options.fetch) {
    const { fetchNeeded } = await import('../models/fetch-files.js'); // and what downloads only then
    await fetchNeeded(await readExperiments(specs, options));
  }
  const experiments = await readExperiments(specs, options, checkFiles);
  const world = await openWorld(options, specs[0]);
  sayWorld(world);
  const folder = resultsFolder(options.results);
  const failures = new Map();
  const reports: Report[] = [];
  const compiled = experiments.map((experiment) => ({ experiment, graph: compile(experiment) }));
  const opened = [];
  for (const one of compiled) opened.push({ ...one, results: await openResultsOf(one.experiment, folder) });
  await using served = options.serve === undefined ? undefined : await serve(options.serve, opened, world);
  for (const [i, { experiment, graph, results }] of opened.entries()) {
    const own = resultsOf(experiment, folder);
    const settings = settingsIn(experiment, own);
    let shown: Shown | undefined;
    await recorded({ experiment, results, folder: own, settings, world, options }, async (log) => {
      await results.remove(receipt); // that of a run before says nothing of this one
      const execution = await work(rootsOf(graph), world, log, served?.listen(i));
      for (const [task, error] of execution.failures) failures.set(task, error);
      // what can't be written keeps no table from being shown
      const unwritable: unknown[] = [];
      const note = (error: unknown) => void unwritable.push(error);
      const draw = drawing(results, own, options.format);
      const found = await report(graph, {
        ...world,
        name: experiment.name,
        execution,
        place: (...given) => results.place(...given).catch(note),
        draw: (...given) => draw(...given).catch(note),
      });
      const one = { ...found, ...recordsIn(own) };
      const kept = withSettings(one, experiment, settings);
      const isKept = await keepReport(kept, own, results, unwritable.length > 0).catch((error) => {
        unwritable.push(error);
        return false;
      });
      if (isKept) shown = { experiment, graph, execution, store: world.store, report: one };
      if (unwritable.length === 0 && execution.failures.size === 0)
        await results
          .write(`${jsonText(receiptOf(graph, one, execution), 2)}\n`, receipt)
          .catch((error) => unwritable.push(error));
      reports.push(kept);
      const counts = reports.map(({ tasks }) => tasks);
      answer.object({ experiments: reports, tasks: sum(counts, taskCounts) });
      for (const line of ['', ...table(one).split('\n'), '']) answer.line(line);
      if (one.comparison) answer.line(`pictures, a row for each line of the table: ${one.comparison}`);
      const elsewhere = one.tasks.remote > 0 ? `, ${one.tasks.remote} in the cache` : '';
      answer.line(
        `tasks: ${one.tasks.computed} computed, ${one.tasks.local} found in ${world.store.dir}${elsewhere}`,
      );
      await sayStrays(experiment, own);
      if (unwritable.length > 0) {
        demand({ failures }, unwritable[0]);
        throw unwritable[0];
      }
      return execution;
    });
    if (shown) await drawReport(shown, own, { results, answer });
  }
  demand({ failures });
}

const serve = async (
  port: number | true,
  those: readonly { readonly experiment: Experiment; readonly graph: Graph }[],
  { store }: World,
): Promise<ServedRun> => (await import('./serve.js')).serveRun(port === true ? 0 : port, those, store);

/** Writes the page of a run, once its record is there. What keeps that from being written fails no run. */
async function drawReport(
  shown: Shown,
  folder: string,
  { results, answer }: { readonly results: Results; readonly answer: Answer },
): Promise<void> {
  try {
    const { writeReport } = await import('../reports/report-files.js');
    const written = { results, folder, isItsOwn: true, isKept: true };
    answer.line(`report: ${await writeReport(shown.report.name, [shown], written)}`);
  } catch (error) {
    warn(`the report can't be written: ${error instanceof Error ? error.message : error}`);
  }
}

/**
 * Writes a report and its table, aside where an earlier one in the folder has what this one lacks.
 *
 * @returns whether it took the place of an earlier one
 */
async function keepReport(
  one: Report,
  folder: string,
  results: Results,
  lacksPictures: boolean,
): Promise<boolean> {
  const isPartial = lacksPictures || one.failures.length > 0;
  const aside = isPartial && (await isWorse(one, join(folder, 'report.json'))) ? '.failed' : '';
  const [written] = await Promise.all([
    results.write(`${table(one)}\n`, `table${aside}.md`),
    results.write(`${jsonText(relativeTo(folder, one), 2)}\n`, `report${aside}.json`),
  ]);
  if (aside)
    warn(`the table of an earlier run, which has what this one lacks, stays; this one is ${written}`);
  else if (!isPartial)
    for (const name of ['table.failed.md', 'report.failed.json']) await results.remove(name);
  return aside === '';
}

/** Whether an earlier run, whose report lies there, was whole or has what this one lacks. */
async function isWorse({ points }: Report, earlier: string): Promise<boolean> {
  try {
    const before = JSON.parse(await readFile(earlier, 'utf8')) as Report;
    const now = new Set(resultsIn(points));
    return before.failures.length === 0 || resultsIn(before.points).some((result) => !now.has(result));
  } catch {
    return false; // there is none, or it is none
  }
}

/** What points have to show, by name. */
const resultsIn = (points: Report['points']): string[] =>
  points.flatMap(({ label, metrics, artifacts }) =>
    [...Object.keys(metrics), ...(artifacts.grid === undefined ? [] : ['grid'])].map((name) =>
      JSON.stringify([label, name]),
    ),
  );
