import { details, h, scrolled, select } from './dom.js';
import { count, figureText, settingText } from './format.js';
import { bestByCost, type Row, varyingKeys } from './rows.js';
import type { Page } from './view.js';

/** More rows are shown when somebody asks for them. */
const mostShown = 200;
/** Costs of which the best is said at once. */
const mostBest = 10;
/** Keys of more have no column of their own. */
const mostColumns = 4;

/** What is looked for; it stays while what it finds changes. */
export function filters(page: Page): HTMLElement {
  const { data, view, all, change } = page;
  const keys = [...varyingKeys(all)].filter(([, values]) => values.length <= 60);
  const hasSeeds = data.groups.some(({ points }) => points.length > 1);
  const text = h('input', {
    type: 'search',
    placeholder: 'words of labels and settings',
    value: view.text,
    input: () => change({ text: text.value }),
  });
  const choices = keys.map(([key, values]) =>
    select(key, [['', 'any'], ...values.map((value) => [value, value] as const)], '', (value) =>
      change({ values: { ...chosen, [key]: (chosen[key] = value) } }),
    ),
  );
  const chosen: Record<string, string> = { ...view.values };
  const grouped = h('input', {
    type: 'checkbox',
    checked: view.isGrouped,
    change: () => change({ isGrouped: grouped.checked }),
  });
  return h(
    'div',
    { class: 'controls', role: 'search', 'aria-label': 'Rows' },
    h('label', { class: 'control wide' }, h('span', {}, 'Filter'), text),
    ...choices.slice(0, mostColumns),
    choices.length > mostColumns &&
      details('more filters', () => h('div', { class: 'controls' }, ...choices.slice(mostColumns))),
    hasSeeds && h('label', { class: 'check' }, grouped, h('span', {}, 'seeds together (mean, interval, n)')),
  );
}

/** Which is best at each cost, and how sure that is. */
export function bestList({ rows, metric, open, data }: Page): HTMLElement {
  if (!metric) return h('div');
  const { name, digits } = metric;
  const [...found] = bestByCost(rows, metric);
  const others = found.splice(mostBest);
  const listOf = (those: typeof found) => h('ul', { class: 'best' }, ...those.map(itemOf));
  return h(
    'div',
    {},
    listOf(found),
    others.length > 0 && details(`the best at ${others.length} more`, () => listOf(others)),
  );

  function itemOf({ nfe, best, alike }: (typeof found)[number]): HTMLElement {
    return h(
      'li',
      {},
      h('span', { class: 'cost' }, `${nfe} NFE`),
      h('button', { class: 'link', click: () => open(best.points[0]!) }, best.label),
      h('span', { class: 'figure' }, `${name} ${figureText(best.figures[name], digits)}`),
      h('span', { class: 'faint' }, sampleText(best)),
      alike.length > 0 &&
        h(
          'span',
          { class: 'faint' },
          `not told apart: ${alike
            .slice(0, 3)
            .map(({ label }) => label)
            .join('; ')}${alike.length > 3 ? ` and ${alike.length - 3} more` : ''}`,
        ),
    );
  }

  /** How many trainings, or else images, a figure is of. */
  function sampleText({ points }: Row): string {
    const { images } = data.points[points[0]!]!;
    if (points.length > 1) return `n = ${points.length} trainings`;
    return images === undefined ? '' : `of ${count(images)} images`;
  }
}

interface Column {
  readonly by: string;
  readonly name: string;
  readonly isNumber: boolean;
  cell(row: Row): Node | string;
}

function columnsOf({ data, all, view, open }: Page): Column[] {
  const keys = [...varyingKeys(all).keys()];
  const seedsTogether = data.groups.some(({ points }) => points.length > 1);
  return [
    {
      by: 'label',
      name: 'sampler',
      isNumber: false,
      cell: (row) => h('button', { class: 'link', click: () => open(row.points[0]!) }, row.label),
    },
    ...(keys.length <= mostColumns ? keys : []).map((key) => ({
      by: `key:${key}`,
      name: key,
      isNumber: false,
      cell: ({ settings }: Row) => settingText(settings[key]),
    })),
    { by: 'nfe', name: 'NFE', isNumber: true, cell: ({ nfe }) => count(nfe) },
    ...data.metrics.map(({ name, digits }) => ({
      by: `metric:${name}`,
      name,
      isNumber: true,
      cell: ({ figures }: Row) => {
        const text = figureText(figures[name], digits);
        const rank = figures[name]?.rank;
        if (rank === 'best')
          return h(
            'strong',
            {},
            h('span', { class: 'mark', title: 'best at its NFE' }, '★ '),
            text,
            unseen(' (best at its NFE)'),
          );
        if (rank === 'alike')
          return h(
            'span',
            {},
            h('span', { class: 'mark', title: 'its interval can’t tell it from the best at its NFE' }, '≈ '),
            text,
            unseen(' (not told from the best)'),
          );
        return text;
      },
    })),
    ...(seedsTogether && view.isGrouped
      ? [{ by: 'n', name: 'n', isNumber: true, cell: ({ points }: Row) => count(points.length) }]
      : []),
    ...(data.points.some(({ trainCalls }) => trainCalls !== undefined)
      ? [
          {
            by: 'trainCalls',
            name: 'train_calls',
            isNumber: true,
            cell: ({ trainCalls }: Row) => count(trainCalls),
          },
        ]
      : []),
  ];
}

/** For those who hear the page. */
const unseen = (text: string) => h('span', { class: 'unseen' }, text);

/** The figures, a row each. */
export function resultsTable(page: Page): HTMLElement {
  const { rows, all, view, change, data } = page;
  const columns = columnsOf(page);
  const body = h('tbody');
  const fill = (shown: readonly Row[]) =>
    body.append(
      ...shown.map((row) =>
        h(
          'tr',
          {},
          ...columns.map(({ isNumber, cell }, i) =>
            h(
              i === 0 ? 'th' : 'td',
              { ...(i === 0 && { scope: 'row' }), class: isNumber ? 'number' : '' },
              cell(row),
            ),
          ),
        ),
      ),
    );
  fill(rows.slice(0, mostShown));
  const table = h(
    'table',
    {},
    h('caption', { class: 'unseen' }, 'Figures of the samplers; columns sort by their heads'),
    h(
      'thead',
      {},
      h(
        'tr',
        {},
        ...columns.map(({ by, name, isNumber }) => {
          const isSorted = view.order.by === by;
          return h(
            'th',
            {
              scope: 'col',
              class: isNumber ? 'number' : '',
              'aria-sort': isSorted ? (view.order.falls ? 'descending' : 'ascending') : undefined,
            },
            h(
              'button',
              {
                class: 'sort',
                'data-by': by,
                click: () => change({ order: { by, falls: isSorted && !view.order.falls } }),
              },
              name,
              h(
                'span',
                { class: 'arrow', 'aria-hidden': 'true' },
                isSorted ? (view.order.falls ? ' ▼' : ' ▲') : '',
              ),
            ),
          );
        }),
      ),
    ),
    body,
  );
  const shown = scrolled('Figures', table);
  const whole = h(
    'div',
    {},
    h('p', { class: 'faint', role: 'status' }, saidOf(rows, all, data.points.length)),
    shown,
  );
  if (rows.length > mostShown) {
    const more = h(
      'button',
      {
        click: () => {
          fill(rows.slice(mostShown));
          more.remove();
        },
      },
      `show all ${count(rows.length)} rows`,
    );
    whole.append(more);
  }
  return whole;
}

function saidOf(rows: readonly Row[], all: readonly Row[], points: number): string {
  const of = all.length < points ? `, of ${count(points)} points` : '';
  const some = rows.length === all.length ? '' : `${count(rows.length)} of `;
  return `${some}${count(all.length)} ${all.length === 1 ? 'row' : 'rows'}${of}`;
}
