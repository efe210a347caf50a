import { join } from 'node:path';
import { aligned } from '../../report/columns.js';
import type { Answer } from '../terminal/answer.js';
import { ageText, countOf, timeText } from '../terminal/quantities.js';
import { shownPath } from './output.js';
import { jsonIn, listIn, mapIn, numberIn, resultsFolder, runsIn, textIn } from './runs.js';

/** A run of which there are results. */
interface Listed {
  readonly name: string;
  readonly folder: string;
  readonly spec?: string;
  /** How the last one ended, as an exit code; left out where it has not, or was killed. */
  readonly exit?: number;
  /** ISO 8601, UTC. */
  readonly started?: string;
  readonly seconds?: number;
  readonly points: number;
  /** Tasks that it computed. */
  readonly computed?: number;
}

/** How a run ended, by its exit code. */
const endings: Readonly<Record<number, string>> = { 0: 'done', 1: 'failed', 2: 'failed', 130: 'interrupted' };

/** `fewstep ls`: what was run, when, how it ended and where its results are; the last first. */
export async function ls({ results }: { readonly results?: string }, answer: Answer): Promise<void> {
  const folder = resultsFolder(results);
  const names = await runsIn(folder);
  const runs = await Promise.all(names.map((name) => listed(name, join(folder, name))));
  runs.sort((a, b) => (b.started ?? '').localeCompare(a.started ?? ''));
  answer.object({ results: shownPath(folder), runs });
  if (runs.length === 0)
    return answer.line(
      `nothing was run yet: there are no results in ${shownPath(folder)}. fewstep run SPEC makes some.`,
    );
  const rows = runs.map(({ name, exit, started, seconds, points }) => [
    name,
    started === undefined ? '–' : `${ageText(started)} ago`,
    exit === undefined ? 'not ended' : (endings[exit] ?? `exit ${exit}`),
    seconds === undefined ? '–' : timeText(seconds),
    countOf(points, 'point'),
  ]);
  answer.line(`results in ${shownPath(folder)}, each in a folder of its name:`);
  for (const row of aligned([['run', 'when', 'state', 'took', 'grid'], ...rows]))
    answer.line(row.join('  ').trimEnd());
}

async function listed(name: string, folder: string): Promise<Listed> {
  const record = (await jsonIn(join(folder, 'run.json'))) ?? {};
  const { computed } = mapIn(record.tasks);
  const facts = {
    spec: textIn(record.spec),
    exit: numberIn(record.exit),
    started: dateIn(record.started),
    seconds: numberIn(record.seconds),
    computed: numberIn(computed),
  };
  const known = Object.fromEntries(Object.entries(facts).filter(([, value]) => value !== undefined));
  return { name, folder: shownPath(folder), points: listIn(record.seeds).length, ...known };
}

const dateIn = (value: unknown): string | undefined => {
  const text = textIn(value);
  return text !== undefined && Number.isFinite(Date.parse(text)) ? text : undefined;
};
