import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { PicturesData, ReportData } from './report-data.js';
import { styles } from './styles.js';
import { thinned } from './thin.js';

/** What a page is for. */
export interface PageOptions {
  /** Of a page that a server shows while a run goes on: where the page, every two seconds, asks for `ReportData` anew. */
  readonly live?: string;
  /** What the page is made of, to be found again among its first 4,096 bytes. */
  readonly digest?: string;
}

/**
 * The report as one HTML page. It needs neither a server nor a network, and its Content-Security-Policy allows none: scripts
 * are those whose digests it has, pictures are in it. Every text of the data stays text.
 *
 * @throws Error if a sheet is no picture as a data URL, or a file is none beside the page
 */
export async function page(data: ReportData, { live, digest = '' }: PageOptions = {}): Promise<string> {
  const [libraries, own] = await (scripts ??= readScripts());
  const sheets: string[] = [];
  const parts = new Map<string, number>();
  const kept = withParts(
    withSheets(data, (sheet) => `#${sheets.push(sheet) - 1}`),
    (text) => {
      const at = parts.get(text) ?? parts.size;
      parts.set(text, at);
      return at;
    },
  );
  const policy = [
    "default-src 'none'",
    `script-src ${[...libraries, own].map((script) => `'sha256-${sha256(script)}'`).join(' ')}`,
    // of which nothing can ask for anything: pictures and fonts are not to be had
    "style-src 'unsafe-inline'",
    'img-src data:',
    ...(live === undefined ? [] : ["connect-src 'self'"]),
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');
  return [
    '<!doctype html>',
    `<html lang="en"${live === undefined ? '' : ` data-live="${escaped(live)}"`}>`,
    '<head>',
    '<meta charset="utf-8">',
    `<meta http-equiv="Content-Security-Policy" content="${escaped(policy)}">`,
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    '<meta name="color-scheme" content="light dark">',
    '<meta name="generator" content="@fewstep/report">',
    `<meta name="digest" content="${escaped(digest)}">`,
    `<title>${escaped(data.title)}</title>`,
    '<link rel="icon" href="data:,">',
    `<style>${styles}</style>`,
    '</head>',
    '<body>',
    `<noscript><p>This page draws itself by a script. The same figures are beside it, in results.csv and table.tex.</p></noscript>`,
    '<main id="report"></main>',
    ...sheets.map((sheet, i) => `<script type="text/plain" id="sheet-${i}">${sheet}</script>`),
    ...[...parts.keys()].map((text, i) => jsonElement(`part-${i}`, text)),
    jsonElement('data', JSON.stringify(kept)),
    ...[...libraries, own].map((script) => `<script>${script}</script>`),
    '</body>',
    '</html>',
    '',
  ].join('\n');
}

const jsonElement = (id: string, text: string): string =>
  `<script type="application/json" id="${id}">${text.replaceAll('<', '\\u003c')}</script>`;

let scripts: Promise<readonly [libraries: readonly string[], own: string]> | undefined;

/** Libraries as they are published for pages, and the page's own modules as one. */
async function readScripts() {
  const { linked } = await import('./link.js'); // a run that writes no page needs none of it
  const published = async (module: string, file: string) =>
    inline(await readFile(new URL(module.replace(/(?:src|dist)\/[^/]+$/, `dist/${file}`)), 'utf8'));
  return [
    [
      await published(import.meta.resolve('d3'), 'd3.min.js'),
      await published(import.meta.resolve('@observablehq/plot'), 'plot.umd.min.js'),
    ],
    inline(await linked(new URL('./page/main.js', import.meta.url).href)),
  ] as const;
}

/** A script in an element: nothing in it ends that. */
const inline = (script: string): string => script.replace(/<(?=\/script|!--|script)/gi, '\\x3c');

const sha256 = (script: string): string => createHash('sha256').update(script).digest('base64');

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');

/** What is looked at of one point at a time, and the digits that can be seen of its numbers. */
const looked = { paths: 4, intervals: 5, curves: 5, table: 6, protocol: 6, spec: 6 } as const;

/** The same with what is looked at of one point at a time put elsewhere, once where several have it, and read only then. */
function withParts(data: ReportData, put: (text: string) => number): object {
  const partOf = (value: unknown, digits: number) => ({
    part: put(
      JSON.stringify(value, (_, one) => (typeof one === 'number' ? Number(one.toPrecision(digits)) : one)),
    ),
  });
  return {
    ...data,
    points: data.points.map((point) => {
      const { paths, curves } = point;
      // the teacher's are those of all points of its seeds
      const shared = paths && { ...paths, teacher: partOf(paths.teacher, looked.paths) };
      const seen = { ...point, ...(shared && { paths: shared }), ...(curves && { curves: thinned(curves) }) };
      const parts = Object.entries(seen).map(([name, value]) => {
        const digits = looked[name as keyof typeof looked];
        return [name, digits === undefined || value === undefined ? value : partOf(value, digits)];
      });
      return Object.fromEntries(parts);
    }),
  };
}

/** The same with each sheet put elsewhere, so that a browser reads no picture as JSON. */
function withSheets(data: ReportData, put: (sheet: string) => string): ReportData {
  const kept = <T extends { readonly pictures?: PicturesData }>(one: T): T => {
    if (!one.pictures) return one;
    const { sheet, file } = one.pictures;
    if (!/^data:image\/(webp|png|jpeg);base64,[A-Za-z0-9+/]+=*$/.test(sheet))
      throw new Error('a sheet of pictures is a data URL of WebP, PNG or JPEG');
    if (file !== undefined && !/^(?!\/)[^:?#\\]+$/.test(file))
      throw new Error(`${file} is no file beside the page`);
    return { ...one, pictures: { ...one.pictures, sheet: put(sheet) } };
  };
  return { ...data, points: data.points.map(kept), teachers: data.teachers.map(kept) };
}
