import type { MetricData, ReportData } from '../report-data.js';
import { protocolCards, tasksTable } from './about.js';
import { h, pairs } from './dom.js';
import { count } from './format.js';
import { intervalsPlotOf, planesOf, timesPlot } from './inside.js';
import { costPlot, plotControls, smallMultiples } from './plots.js';
import { openPoint } from './point.js';
import { bestList, filters, resultsTable } from './results.js';
import { type Row, rowsOf, sorted, wantedOf } from './rows.js';
import { samples } from './samples.js';
import { looksOf, type Page, type View, whole } from './view.js';

const root = document.getElementById('report')!;
const { live } = document.documentElement.dataset;
let data: ReportData = JSON.parse(document.getElementById('data')!.textContent);

let view: View = {
  text: '',
  values: {},
  isGrouped: data.groups.some(({ points }) => points.length > 1),
  order: { by: 'nfe', falls: false },
  metric: (data.metrics.find(({ best }) => best) ?? data.metrics[0])?.name ?? '',
  cost: 'nfe',
  facet: '',
  seed: undefined,
  over: undefined,
};

/** What is drawn anew whenever somebody looks for something else, by its place. */
const parts: Part[] = [];

interface Part {
  readonly place: HTMLElement;
  /** Whether others wait until the browser has shown it. */
  readonly isHeavy: boolean;
  draw(page: Page): Node | undefined;
}

/** Draws one part after the other, so that what is drawn is seen and used before all is; or all at once. */
function draw(atOnce = false): void {
  clearTimeout(drawing);
  const page = pageOf();
  const [...left] = parts;
  const next = () => {
    const part = left.shift();
    if (!part) return;
    drawPart(part, page);
    if (atOnce || !part.isHeavy) next();
    else drawing = setTimeout(next);
  };
  next();
}

function drawPart({ place, draw }: Part, page: Page): void {
  const focused = place.contains(document.activeElement)
    ? (document.activeElement as HTMLElement).dataset.by
    : undefined;
  place.replaceChildren(draw(page) ?? '');
  if (focused !== undefined) place.querySelector<HTMLElement>(`[data-by="${CSS.escape(focused)}"]`)?.focus();
}

function pageOf(): Page {
  const all = rowsOf(data, view.isGrouped);
  const metric = data.metrics.find(({ name }) => name === view.metric);
  // what costs the same is in the order of the figure that is looked at
  const ordered = metric ? bestFirst(wantedOf(all, view), metric) : wantedOf(all, view);
  const rows = sorted(ordered, view.order);
  return {
    data,
    view,
    rows,
    all,
    metric,
    looks: looksOf(seriesOf(all, metric)),
    change,
    open: (point) => openPoint(pageOf(), point),
  };
}

let drawing: ReturnType<typeof setTimeout> | undefined;

function change(what: Partial<View>): void {
  view = { ...view, ...what };
  clearTimeout(drawing);
  // as somebody types, only what is typed in the end
  drawing = setTimeout(draw, what.text === undefined ? 0 : 120);
}

/** The best of each first, so that those that matter have colours of their own. */
function seriesOf(rows: readonly Row[], metric: MetricData | undefined): string[] {
  const ordered = metric ? bestFirst(rows, metric) : rows;
  return [...new Set(ordered.map(({ series }) => series))];
}

const bestFirst = (rows: readonly Row[], { name, best }: MetricData): Row[] =>
  sorted(rows, { by: `metric:${name}`, falls: best === 'highest' });

const width = () => Math.max(300, Math.min(1100, root.clientWidth - 2));

/** A part of the page: `fixed` stays, `drawn` follows what is looked for. */
function section(
  id: string,
  title: string,
  fixed: Node | undefined,
  ...drawn: readonly ((page: Page) => Node | undefined)[]
) {
  const places = drawn.map((draw) => {
    const place = h('div');
    parts.push({ place, isHeavy: true, draw });
    return place;
  });
  return h(
    'section',
    { id, 'aria-labelledby': `${id}-title` },
    h('h2', { id: `${id}-title` }, title),
    fixed,
    ...places,
  );
}

function inside(page: Page): Node | undefined {
  const times = timesPlot(page, width());
  const errors = page.rows
    .filter(({ points: [point] }) => page.data.points[point!]!.intervals)
    .slice(0, 12)
    .map(({ points: [point], series }) => {
      const { label, intervals } = whole(page.data.points[point!]!);
      return { label, colour: page.looks.get(series)!.colour, intervals: intervals! };
    });
  const deep = page.rows.filter(({ points: [point] }) => {
    const { table, paths, curves } = page.data.points[point!]!;
    return table ?? paths ?? curves;
  });
  if (!times && errors.length === 0 && deep.length === 0) return undefined;
  return h(
    'section',
    { id: 'inside', 'aria-labelledby': 'inside-title' },
    h('h2', { id: 'inside-title' }, 'Inside the samplers'),
    times,
    errors.length > 0 && intervalsPlotOf(errors, width()),
    planesOf(page),
    deep.length > 0 &&
      h(
        'p',
        {},
        'Coefficients, paths and training: ',
        ...deep
          .slice(0, 24)
          .map(({ label, points }) =>
            h('button', { class: 'chip', click: () => page.open(points[0]!) }, label),
          ),
      ),
  );
}

function build(): void {
  const first = pageOf();
  parts.length = 0;
  const kinds = [...new Set(data.points.map(({ experiment }) => experiment))];
  const progress = h('div');
  parts.push({ place: progress, isHeavy: false, draw: progressOf });
  const anyInside = h('div');
  root.replaceChildren(
    h(
      'header',
      {},
      h('h1', {}, data.title),
      h(
        'p',
        { class: 'faint' },
        `${count(data.points.length)} ${data.points.length === 1 ? 'point' : 'points'}${kinds.length > 1 ? ` of ${kinds.length} experiments` : ''}, ${count(data.metrics.length)} ${data.metrics.length === 1 ? 'figure' : 'figures'}`,
      ),
      h(
        'nav',
        { 'aria-label': 'Parts' },
        ...(
          [
            ['results', 'Results', true],
            ['plots', 'Plots', data.metrics.length > 0],
            ['samples', 'Samples', true],
            [
              'inside',
              'Inside',
              data.points.some(
                ({ table, paths, intervals, curves }) => table ?? paths ?? intervals ?? curves,
              ),
            ],
            ['about', 'Protocol and cost', true],
          ] as const
        ).map(([id, name, isThere]) => isThere && h('a', { href: `#${id}` }, name)),
      ),
      themeButton(),
    ),
    progress,
    data.failures.length > 0
      ? h(
          'div',
          { class: 'alert', role: 'alert' },
          h('strong', {}, 'Failed: '),
          h('ul', {}, ...data.failures.map((text) => h('li', {}, text))),
        )
      : '',
    section('results', 'Results', filters(first), bestList, resultsTable),
    data.notes.length > 0 ? h('ul', { class: 'notes' }, ...data.notes.map((note) => h('li', {}, note))) : '',
    data.metrics.length > 0
      ? section(
          'plots',
          'What it takes',
          plotControls(first),
          (page) => costPlot(page, width()),
          smallMultiples,
        )
      : '',
    section('samples', 'Samples', undefined, samples),
    anyInside,
    h(
      'section',
      { id: 'about', 'aria-labelledby': 'about-title' },
      h('h2', { id: 'about-title' }, 'Protocol and cost'),
      data.points.some(({ protocol }) => protocol) ? protocolCards(data) : undefined,
      data.tasks.length > 0 ? tasksTable(data) : undefined,
      data.run.length > 0 ? pairs(data.run) : undefined,
    ),
  );
  parts.push({ place: anyInside, isHeavy: true, draw: inside });
  draw();
}

function progressOf(): Node | undefined {
  const { progress } = data;
  if (!progress) return undefined;
  const { done, of, now } = progress;
  return h(
    'div',
    { class: 'progress', role: 'status' },
    h('progress', { max: of, value: done, 'aria-label': 'tasks' }),
    ` ${count(done)} of ${count(of)} tasks${now.length > 0 ? `: ${now.join(', ')}` : ''}`,
  );
}

/** As the system has it, until somebody says otherwise. */
function themeButton(): HTMLElement {
  const isDark = () => {
    const { theme } = document.documentElement.dataset;
    return theme === undefined ? matchMedia('(prefers-color-scheme: dark)').matches : theme === 'dark';
  };
  const button = h('button', {
    class: 'theme',
    click: () => {
      document.documentElement.dataset.theme = isDark() ? 'light' : 'dark';
      say();
    },
  });
  const say = () => {
    button.textContent = isDark() ? '☀ light' : '☾ dark';
  };
  say();
  return button;
}

/** Asks for the figures anew, while a server that has them is there. */
async function follow(address: string): Promise<void> {
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, 2000));
    let text: string;
    try {
      const answer = await fetch(address, { cache: 'no-store' });
      if (!answer.ok) return;
      text = await answer.text();
    } catch {
      return; // the run has ended, and its server with it
    }
    const found: ReportData = JSON.parse(text);
    const isNew = found.points.length !== data.points.length || found.metrics.length !== data.metrics.length;
    const hasChanged = text !== before;
    before = text;
    if (!hasChanged || document.querySelector('dialog[open]')) continue;
    data = found;
    if (view.metric === '') view = { ...view, metric: data.metrics[0]?.name ?? '' };
    if (isNew) build();
    else draw();
  }
}
let before = '';

build();
addEventListener('beforeprint', () => draw(true));
let wide = root.clientWidth;
new ResizeObserver(() => {
  if (Math.abs(root.clientWidth - wide) < 8) return;
  wide = root.clientWidth;
  change({});
}).observe(root);
if (live !== undefined) void follow(live);
