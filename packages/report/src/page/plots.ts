import type * as PlotModule from '@observablehq/plot';
import type { MetricData } from '../report-data.js';
import { details, h, scrolled, select } from './dom.js';
import { count, figureText, settingText } from './format.js';
import { paretoFront, type Row, varyingKeys } from './rows.js';
import type { Page } from './view.js';

declare const Plot: typeof PlotModule;

/** In every plot of the page. */
export const look = {
  style: {
    background: 'none',
    color: 'currentColor',
    fontFamily: 'inherit',
    fontSize: '12px',
    overflow: 'visible',
  },
} as const;

/** A plot with what it shows in words, and as a table behind it. */
export function figure(
  drawn: Element,
  said: string,
  heads: readonly string[],
  cells: () => readonly (readonly string[])[],
): HTMLElement {
  const svg = drawn.tagName.toLowerCase() === 'svg' ? drawn : drawn.querySelector('svg');
  // one picture to those who hear it, whose parts say nothing by themselves
  for (const part of svg?.querySelectorAll('[aria-label]') ?? []) part.removeAttribute('aria-label');
  svg?.setAttribute('role', 'img');
  svg?.setAttribute('aria-label', said);
  return h(
    'figure',
    {},
    drawn,
    h('figcaption', {}, said),
    details('as a table', () =>
      scrolled(
        said,
        h(
          'table',
          {},
          h('thead', {}, h('tr', {}, ...heads.map((head) => h('th', { scope: 'col' }, head)))),
          h(
            'tbody',
            {},
            ...cells().map(([first = '', ...others]) =>
              h(
                'tr',
                {},
                h('th', { scope: 'row' }, first),
                ...others.map((cell) => h('td', { class: 'number' }, cell)),
              ),
            ),
          ),
        ),
      ),
    ),
  );
}

interface Costed {
  readonly row: Row;
  readonly x: number;
  readonly y: number;
  readonly low: number | undefined;
  readonly high: number | undefined;
  readonly series: string;
  readonly facet: string;
  readonly isBehind: boolean;
  readonly title: string;
}

const costNames = {
  nfe: 'network evaluations of a sample (NFE)',
  trainCalls: 'samples that training asked the network for',
};

/** What is plotted; it stays while the plots change. */
export function plotControls({ data, view, all, change }: Page): HTMLElement {
  const keys = [...varyingKeys(all)].filter(([, values]) => values.length <= 8).map(([key]) => key);
  const isTrained = all.some(({ trainCalls }) => trainCalls !== undefined);
  return h(
    'div',
    { class: 'controls' },
    select(
      'Figure',
      data.metrics.map(({ name }) => [name, name] as const),
      view.metric,
      (metric) => change({ metric }),
    ),
    isTrained &&
      select(
        'Over',
        [
          ['nfe', 'NFE'],
          ['trainCalls', 'training calls'],
        ],
        view.cost,
        (cost) => change({ cost: cost as 'nfe' | 'trainCalls' }),
      ),
    keys.length > 0 &&
      select(
        'Side by side',
        [['', 'all together'], ...keys.map((key) => [key, key] as const)],
        view.facet,
        (facet) => change({ facet }),
      ),
  );
}

/** The chosen figure over what it costs, with the front of those that nothing is better than at no higher cost. */
export function costPlot(page: Page, width: number): HTMLElement {
  const { rows, metric, view, looks, open } = page;
  if (!metric) return h('p', { class: 'faint' }, 'No figures to plot.');
  const known = rows.flatMap((row): Omit<Costed, 'isBehind'>[] => {
    const figure = row.figures[metric.name];
    const x = view.cost === 'nfe' ? row.nfe : (row.trainCalls ?? 0);
    if (!figure || figure.value === null || x === undefined) return [];
    const { value, half } = figure;
    return [
      {
        ...{ row, x, y: value, series: row.series },
        low: half === undefined ? undefined : value - half,
        high: half === undefined ? undefined : value + half,
        facet: view.facet === '' ? '' : settingText(row.settings[view.facet]),
        title: `${row.label}\n${metric.name} ${figureText(figure, metric.digits)}\n${costText(row)}`,
      },
    ];
  });
  if (known.length === 0) return h('p', { class: 'faint' }, 'Nothing that is looked for has this figure.');
  const facets = [...new Set(known.map(({ facet }) => facet))];
  const fronts = facets.map((facet) =>
    metric.best
      ? paretoFront(
          known.filter((dot) => dot.facet === facet),
          metric.best,
        )
      : [],
  );
  const front = new Set(fronts.flat());
  const dots: Costed[] = known.map((dot) => ({
    ...dot,
    isBehind: metric.best !== undefined && !front.has(dot),
  }));
  const ys = dots.map(({ y }) => y);
  const isLog = Math.min(...ys) > 0 && Math.max(...ys) / Math.min(...ys) > 12;
  const xs = dots.map(({ x }) => x);
  const isWide = Math.max(...xs) > 4 * Math.min(...xs);
  const floor = Math.min(...ys) / 2;
  const clamped = (value: number) => (isLog ? Math.max(value, floor) : value);
  const faceted = view.facet === '' ? {} : { fx: 'facet' };
  const lines = dots.toSorted((a, b) => a.x - b.x);
  const isFew = dots.length <= 12 && view.facet === '' && width > 600;
  const colour = ({ series }: Costed) => looks.get(series)!.colour;
  const symbol = ({ series }: Costed) => looks.get(series)!.symbol;
  const drawn = Plot.plot({
    ...look,
    width,
    height: Math.max(300, Math.min(420, width * 0.6)),
    marginLeft: 52,
    marginRight: isFew ? 130 : 16,
    marginBottom: 42,
    x: {
      label: costNames[view.cost],
      // training calls may be none
      type: view.cost === 'trainCalls' ? 'sqrt' : isWide ? 'log' : 'linear',
      nice: view.cost === 'trainCalls',
      grid: true,
      inset: 12,
      ...(view.cost === 'nfe' ? { tickFormat: 'd', ticks: ticksOf(dots) } : { tickFormat: '~s', ticks: 5 }),
    },
    y: {
      label: metric.name,
      type: isLog ? 'log' : 'linear',
      grid: true,
      nice: !isLog,
      ...(isLog && { tickFormat: '~g' }),
      ticks: 6,
    },
    ...(view.facet === '' ? {} : { fx: { label: view.facet } }),
    opacity: { type: 'identity' },
    marks: [
      ...fronts.map((one, i) =>
        Plot.line(
          one.map((dot) => ({ ...dot, facet: facets[i]! })),
          { x: 'x', y: 'y', curve: 'step-after', stroke: 'var(--faint)', strokeDasharray: '5 4', ...faceted },
        ),
      ),
      ...(view.cost === 'nfe'
        ? [Plot.line(lines, { x: 'x', y: 'y', z: 'series', stroke: colour, strokeOpacity: 0.55, ...faceted })]
        : []),
      Plot.ruleX(
        dots.filter(({ low }) => low !== undefined),
        {
          x: 'x',
          y1: ({ low }: Costed) => clamped(low!),
          y2: ({ high }: Costed) => clamped(high!),
          stroke: colour,
          strokeOpacity: ({ isBehind }: Costed) => (isBehind ? 0.4 : 0.9),
          ...faceted,
        },
      ),
      Plot.dot(dots, {
        ...{
          x: 'x',
          y: 'y',
          symbol,
          stroke: colour,
          fill: colour,
          r: dots.length > 300 ? 3 : 4.5,
          ...faceted,
        },
        fillOpacity: ({ isBehind }: Costed) => (isBehind ? 0.12 : 0.9),
        strokeOpacity: ({ isBehind }: Costed) => (isBehind ? 0.6 : 1),
      }),
      ...(isFew
        ? [
            Plot.text(
              dots.filter(({ isBehind }) => !isBehind),
              {
                ...{
                  x: 'x',
                  y: 'y',
                  text: ({ row }: Costed) => row.label,
                  textAnchor: 'start',
                  dx: 9,
                  fill: 'currentColor',
                },
              },
            ),
          ]
        : []),
      Plot.tip(dots, Plot.pointer({ x: 'x', y: 'y', title: 'title', ...faceted })),
    ],
  });
  drawn.addEventListener('click', () => {
    const dot = (drawn as { value?: Costed }).value;
    if (dot) open(dot.row.points[0]!);
  });
  const said = `${metric.name} over ${costNames[view.cost]}${metric.best ? `, ${metric.best} is best; the dashed line is the front: nothing is better at no higher cost` : ''}`;
  return h(
    'div',
    {},
    figure(
      drawn,
      said,
      ['sampler', view.cost === 'nfe' ? 'NFE' : 'train_calls', metric.name, 'on the front'],
      () =>
        lines.map(({ row, x, isBehind }) => [
          row.label,
          count(x),
          figureText(row.figures[metric.name], metric.digits),
          isBehind ? 'no' : 'yes',
        ]),
    ),
    legend(page, dots),
  );
}

const costText = ({ nfe, trainCalls }: Row): string =>
  `${count(nfe)} NFE${trainCalls === undefined ? '' : `, ${count(trainCalls)} training calls`}`;

/** Whole numbers, and no more than there is room for. */
function ticksOf(dots: readonly Costed[]): number[] {
  const xs = [...new Set(dots.map(({ x }) => x))].sort((a, b) => a - b);
  if (xs.length <= 12) return xs;
  const step = Math.ceil(xs.length / 10);
  return xs.filter((_, i) => i % step === 0);
}

const mostNamed = 16;

function legend({ looks }: Page, dots: readonly Costed[]): HTMLElement {
  const shown = new Set(dots.map(({ series }) => series));
  const named = [...looks].filter(([series, { colour }]) => shown.has(series) && colour !== 'var(--faint)');
  const others = shown.size - named.length;
  return h(
    'ul',
    { class: 'legend' },
    ...named.slice(0, mostNamed).map(([series, { colour, symbol }]) =>
      h(
        'li',
        {},
        swatch({
          ...{ width: 16, height: 16, margin: 0, axis: null, x: { domain: [0, 1] }, y: { domain: [0, 1] } },
          marks: [Plot.dot([0], { x: 0.5, y: 0.5, symbol, fill: colour, stroke: colour, r: 4.5 })],
        }),
        series,
      ),
    ),
    others > 0 && h('li', { class: 'faint' }, `and ${others} more in grey`),
  );
}

/** A small picture beside a name, which says it all. */
function swatch(options: PlotModule.PlotOptions): Element {
  const drawn = Plot.plot(options);
  for (const part of drawn.querySelectorAll('[aria-label]')) part.removeAttribute('aria-label');
  drawn.setAttribute('aria-hidden', 'true');
  return drawn;
}

/** As much of a text as there is room for. */
const cut = (text: string, letters: number): string =>
  text.length > letters ? `${text.slice(0, letters - 1)}…` : text;

/** Keys whose plots are shown at once. */
const mostMultiples = 6;

/** Of each key that varies how the chosen figure goes with it, all else as it comes; those that all rows have first. */
export function smallMultiples(page: Page): HTMLElement {
  const { rows, metric } = page;
  if (!metric) return h('div');
  const known = rows.flatMap((row) => {
    const value = row.figures[metric.name]?.value;
    return value === undefined || value === null ? [] : [{ row, value }];
  });
  const keys = [...varyingKeys(known.map(({ row }) => row))].filter(([, values]) => values.length <= 12);
  const lacking = (values: readonly string[]) => Number(values.includes(settingText(undefined)));
  const [...first] = keys.sort(([, a], [, b]) => lacking(a) - lacking(b));
  const others = first.splice(mostMultiples);
  const gridOf = (those: typeof keys) =>
    h(
      'div',
      { class: 'multiples' },
      ...those.map(([key, values]) => multiple(page, metric, { key, values, known })),
    );
  return h(
    'div',
    {},
    gridOf(first),
    others.length > 0 && details(`by ${others.map(([key]) => key).join(', ')}`, () => gridOf(others)),
  );
}

interface Multiple {
  readonly key: string;
  readonly values: readonly string[];
  readonly known: readonly { readonly row: Row; readonly value: number }[];
}

function multiple(
  { looks }: Page,
  { name, digits }: MetricData,
  { key, values, known }: Multiple,
): HTMLElement {
  const all = known.map(({ value }) => value);
  const isLog = Math.min(...all) > 0 && Math.max(...all) / Math.min(...all) > 12;
  const isLong = values.join('  ').length > 34;
  const of = known.map(({ row, value }) => ({ row, value, at: settingText(row.settings[key]) }));
  type Dot = (typeof of)[number];
  const where = { x: 'at', y: 'value' } as const;
  const drawn = Plot.plot({
    ...look,
    width: 280,
    height: isLong ? 208 : 190,
    marginLeft: 46,
    marginBottom: isLong ? 58 : 40,
    x: {
      ...{ type: 'band', domain: values, label: key },
      tickFormat: (text: string) => cut(text, isLong ? 10 : 16),
      tickRotate: isLong ? -30 : 0,
    },
    y: {
      ...{ label: name, type: isLog ? 'log' : 'linear', grid: true, ticks: 4 },
      ...(isLog && { tickFormat: '~g' }),
    },
    marks: [
      Plot.dot(of, {
        ...where,
        r: 3,
        symbol: ({ row }: Dot) => looks.get(row.series)!.symbol,
        stroke: ({ row }: Dot) => looks.get(row.series)!.colour,
        strokeOpacity: 0.7,
      }),
      Plot.tickY(of, Plot.groupX({ y: 'median' }, { ...where, stroke: 'currentColor', strokeWidth: 2 })),
      Plot.tip(
        of,
        Plot.pointer({ ...where, title: ({ row, value }: Dot) => `${row.label}\n${name} ${value}` }),
      ),
    ],
  });
  return figure(drawn, `${name} by ${key}, the bar at the median`, [key, 'sampler', name], () =>
    of.map(({ row, at }) => [at, row.label, figureText(row.figures[name], digits)]),
  );
}
