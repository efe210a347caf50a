import { open, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { ReportData } from '@fewstep/report';
import { digestOfText } from '@fewstep/taskgraph';
import { foldersOf } from '../../report/folders.js';
import type { Drawn, Shown } from '../../report/report-data.js';
import type { ImageFile } from '../../report/sheet.js';
import { packageVersions } from '../../versions.js';
import { type Results, shownPath } from './output.js';

/** Of all pictures together, bytes of the page. */
const mostPictured = 16e6;

interface Where {
  readonly results: Results;
  /** Where that is. */
  readonly folder: string;
  /** Of the only experiment, the folders of its points are there, too. */
  readonly isItsOwn: boolean;
  /** Whether a page that shows the same stays as it is. */
  readonly isKept: boolean;
}

/**
 * Writes what experiments came to as `report.html`, `results.csv`, `table.tex` and `points.json`.
 *
 * @returns where the page is
 * @throws RunnerError E_RESULTS
 */
export async function writeReport(
  title: string,
  those: readonly Shown[],
  { results, folder, isItsOwn, isKept }: Where,
): Promise<string> {
  const files = isItsOwn ? picturesOf(those) : [];
  const digest = digestOf(title, those, files);
  const path = join(folder, 'report.html');
  if (isKept && (await startOf(path)).includes(digest)) return shownPath(path);
  const { page, pointsJson, resultsCsv, resultsTex } = await import('@fewstep/report'); // and what makes pages only then
  const { reportData } = await import('../../report/report-data.js');
  const drawn = reportData(title, those, isItsOwn ? await runOf(folder) : []);
  const data = await withDetails(await withPictures(drawn, { files }), those);
  await results.write(resultsCsv(data), 'results.csv');
  await results.write(resultsTex(data), 'table.tex');
  await results.write(pointsJson(data), 'points.json');
  return results.write(await page(data, { digest }), 'report.html');
}

/** Of all that a page is made of, but for the run that made it: the same digest, the same page. */
function digestOf(title: string, those: readonly Shown[], files: readonly (string | undefined)[]): string {
  const { report, runner } = packageVersions();
  const shown = those.map(({ experiment: { name, specs }, execution, report: found }) => {
    const { points, trainings, digits, plugins, failures } = found;
    // where artifacts lie tells nothing of them
    const figures = points.map(({ artifacts: _, ...point }) => point);
    const records = [...execution.records.values()].map(({ key, outputs, provenance }) =>
      JSON.stringify([key, outputs, provenance.seconds]),
    );
    return { name, specs, figures, trainings, digits, plugins, failures, records: records.sort() };
  });
  return digestOfText(JSON.stringify({ title, shown, files, report, runner }));
}

/** Of a file its first bytes; nothing where there is none. */
async function startOf(path: string): Promise<string> {
  const file = await open(path).catch(() => undefined);
  if (!file) return '';
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(4096), 0, 4096, 0);
    return buffer.toString('utf8', 0, bytesRead);
  } finally {
    await file.close();
  }
}

/** What a page of experiments shows while they are run; thumbnails by `sheetOf`. */
export const livePageData = async (
  title: string,
  those: readonly Shown[],
  sheetOf: SheetOf,
): Promise<ReportData> => {
  const { reportData } = await import('../../report/report-data.js');
  return withDetails(await withPictures(reportData(title, those, []), { sheetOf }), those);
};

/** Of each point, by its number, where its picture is in full size, beside a page among the results. */
function picturesOf(those: readonly Shown[]): (string | undefined)[] {
  const points = those.flatMap(({ report }) => report.points);
  const folders = foldersOf(points.map(({ label }) => label));
  return points.map(
    ({ artifacts: { grid } }, i) => grid && `${encodeURIComponent(folders[i]!)}/${basename(grid)}`,
  );
}

/** With what is known of each point beside its figures. */
async function withDetails(data: ReportData, those: readonly Shown[]): Promise<ReportData> {
  const { detailsOf } = await import('../../report/point-details.js');
  const all = those.flatMap((shown) => shown.graph.points.map((planned) => ({ planned, shown })));
  const points = [];
  for (const [i, { planned, shown }] of all.entries())
    points.push({ ...data.points[i]!, ...(await detailsOf(planned, shown).catch(() => ({}))) }); // as of sheets
  return { ...data, points };
}

type SheetOf = typeof import('../../report/sheet.js').sheetOf;

/** With thumbnails; `files`: by a point's number, its picture in full size. */
async function withPictures(
  { data, images }: Drawn,
  { files = [], sheetOf }: { readonly files?: readonly (string | undefined)[]; readonly sheetOf?: SheetOf },
): Promise<ReportData> {
  const { mostOfSheet, sheetOf: made } = await import('../../report/sheet.js'); // what scales pictures only then
  const make = sheetOf ?? made;
  const count = images.points.length + images.teachers.length;
  const most = Math.min(mostOfSheet, mostPictured / count);
  const sheets = async (all: readonly (readonly ImageFile[])[]) => {
    const made = [];
    for (const files of all) made.push(await make(files, most).catch(() => undefined)); // a file may be gone by now
    return made;
  };
  const [points, teachers] = [await sheets(images.points), await sheets(images.teachers)];
  // a teacher without pictures is of no use to look at, and nobody names it
  const kept = teachers.flatMap((pictures, i) => (pictures ? [i] : []));
  return {
    ...data,
    points: data.points.map(({ teacher, ...point }, i) => {
      const pictures = points[i];
      const file = files[i];
      const at = kept.indexOf(teacher ?? -1);
      return {
        ...point,
        ...(at >= 0 && { teacher: at }),
        ...(pictures && { pictures: { ...pictures, ...(file !== undefined && { file }) } }),
      };
    }),
    teachers: kept.map((i) => ({ ...data.teachers[i]!, pictures: teachers[i]! })),
  };
}

/** What the record of a run says of it, a name and a text each; nothing where there is none. */
async function runOf(folder: string): Promise<[name: string, text: string][]> {
  try {
    const record = JSON.parse(await readFile(join(folder, 'run.json'), 'utf8')) as Readonly<
      Record<string, unknown>
    >;
    const { command, started, seconds, device, executor, node, platform, versions } = record;
    const texts = {
      command: Array.isArray(command) ? command.join(' ') : undefined,
      started,
      'took, in seconds': seconds,
      device,
      executor,
      node,
      platform,
      versions:
        typeof versions === 'object' && versions
          ? Object.entries(versions)
              .map((one) => one.join(' '))
              .join(', ')
          : undefined,
    };
    return Object.entries(texts).flatMap(([name, text]): [string, string][] =>
      text === undefined ? [] : [[name, String(text)]],
    );
  } catch {
    return []; // there is none, or it is none
  }
}
