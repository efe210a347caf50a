import { page, type ReportData } from '@fewstep/report';
import { type Event, isShards, needed, type Store } from '@fewstep/taskgraph';
import { liveExecution } from '../../execute/live-execution.js';
import type { Experiment } from '../../experiment/experiment.js';
import { type Graph, rootsOf } from '../../graph/compile.js';
import { report } from '../../report/report.js';
import type { ImageFile } from '../../report/sheet.js';
import { sheetOf } from '../../report/sheet.js';
import { livePageData } from '../reports/report-files.js';
import { say } from '../terminal/say.js';
import { type Served, serveLoopback } from './loopback.js';

/** The page of a run, served while it goes on. */
export interface ServedRun {
  /** What hears of the tasks of an experiment, by its number. */
  listen(experiment: number): (event: Event) => void;
  /** Ends it; where somebody looks, once they have seen how the run ended. */
  [Symbol.asyncDispose](): Promise<void>;
}

const address = '/data.json';
/** A page asks every two seconds; what nobody has asked for in so long, nobody looks at. */
const [askedEveryMs, lookedAtMs] = [2500, 10_000];

/**
 * Serves the report of experiments that are run, on the loopback interface: how far they are, and what is there of them.
 *
 * @param port 0 takes one that is free
 * @throws RunnerError E_SERVE
 */
export async function serveRun(
  port: number,
  experiments: readonly { readonly experiment: Experiment; readonly graph: Graph }[],
  store: Store,
): Promise<ServedRun> {
  const title = experiments.map(({ experiment }) => experiment.name).join(', ');
  const live = experiments.map(({ graph }) =>
    liveExecution(needed(rootsOf(graph)).filter((node) => !isShards(node)).length),
  );
  let hasEnded = false;
  const sheets = new Map<string, ReturnType<typeof sheetOf>>();
  const sheetOnce = (files: readonly ImageFile[], most: number) => {
    const key = JSON.stringify([most, files.map(({ path }) => path)]);
    const sheet = sheets.get(key) ?? sheetOf(files, most);
    sheets.set(key, sheet);
    return sheet;
  };
  const found = async () => {
    const shown = [];
    for (const [i, { experiment, graph }] of experiments.entries()) {
      const execution = live[i]!.soFar();
      const nowhere = async () => undefined;
      const { name } = experiment;
      const one = await report(graph, { name, execution, store, place: nowhere, draw: nowhere });
      shown.push({ experiment, graph, execution, store, report: one });
    }
    return livePageData(title, shown, sheetOnce);
  };
  /** Made once however many ask, until there is something new. */
  let kept: { readonly at: string; readonly data: ReturnType<typeof found> } | undefined;
  const current = async (): Promise<ReportData> => {
    const at = JSON.stringify(live.map((one) => one.changes()));
    if (kept?.at !== at) kept = { at, data: found() };
    const data = await kept.data;
    const each = live.map((one) => one.progress());
    const sum = (of: 'done' | 'of') => each.reduce((total, one) => total + one[of], 0);
    const progress = { done: sum('done'), of: sum('of'), now: each.flatMap((one) => one.now) };
    return hasEnded ? data : { ...data, progress };
  };
  const server = await serveLoopback(port, async (path): Promise<Served | undefined> => {
    if (path === address)
      return { type: 'application/json; charset=utf-8', body: JSON.stringify(await current()) };
    if (path !== '/') return undefined;
    return { type: 'text/html; charset=utf-8', body: await page(await current(), { live: address }) };
  });
  say(`report, while this runs: ${server.address}`);
  return {
    listen: (experiment) => live[experiment]!.onEvent,
    async [Symbol.asyncDispose]() {
      hasEnded = true;
      const asked = server.askedAt();
      if (asked !== undefined && Date.now() - asked < lookedAtMs)
        await new Promise((resolve) => setTimeout(resolve, askedEveryMs));
      await server.close();
    },
  };
}
