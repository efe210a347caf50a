import type { PointData, ReportData } from '../report-data.js';
import { h, pairs, scrolled } from './dom.js';
import { count, duration } from './format.js';
import { whole } from './view.js';

/** What was computed, what was found, and how long that took. */
export function tasksTable({ tasks }: ReportData): HTMLElement {
  const sum = (of: (one: ReportData['tasks'][number]) => number) =>
    tasks.reduce((all, one) => all + of(one), 0);
  const total = {
    kind: 'in all',
    computed: sum(({ computed }) => computed),
    found: sum(({ found }) => found),
    remote: sum(({ remote }) => remote),
    seconds: sum(({ seconds }) => seconds),
    evaluations: sum(({ evaluations }) => evaluations ?? 0),
  };
  const line = ({ kind, computed, found, remote, seconds, evaluations }: (typeof tasks)[number]) =>
    h(
      'tr',
      {},
      h('th', { scope: 'row' }, kind),
      ...[count(computed), count(found), count(remote), duration(seconds), count(evaluations)].map((text) =>
        h('td', { class: 'number' }, text),
      ),
    );
  const heads = [
    'task',
    'computed',
    'found in the store',
    'in the cache',
    'took',
    'images through the network',
  ];
  return scrolled(
    'Tasks',
    h(
      'table',
      {},
      h('caption', { class: 'unseen' }, 'Tasks by kind'),
      h(
        'thead',
        {},
        h('tr', {}, ...heads.map((head, i) => h('th', { scope: 'col', class: i > 0 ? 'number' : '' }, head))),
      ),
      h('tbody', {}, ...tasks.map(line)),
      h('tfoot', {}, line(total)),
    ),
  );
}

/** A card for each protocol, with the points that have it. */
export function protocolCards({ points }: ReportData): HTMLElement {
  const cards = new Map<string, PointData[]>();
  for (const point of points)
    if (point.protocol) {
      const key = JSON.stringify(point.protocol); // in a page the number of its part, which says as much
      const same = cards.get(key);
      if (same) same.push(point);
      else cards.set(key, [point]);
    }
  const all = [...cards.values()];
  const shown = all.slice(0, mostCards).map((those) => ({ those, protocol: whole(those[0]!).protocol! }));
  /** What not all cards say alike. */
  const differing = new Set(
    shown.flatMap(({ protocol }) =>
      protocol
        .filter(([name, text]) => !shown.every((other) => textOf(other.protocol, name) === text))
        .map(([name]) => name),
    ),
  );
  return h(
    'div',
    { class: 'cards' },
    ...shown.map(({ those, protocol }) =>
      h(
        'article',
        { class: 'card' },
        h(
          'h3',
          {},
          those.length === points.length
            ? 'All points'
            : `${count(those.length)} of ${count(points.length)} points`,
        ),
        those.length < points.length && h('p', { class: 'faint' }, listOf(those)),
        pairs(protocol.map(([name, text]) => [differing.has(name) ? `≠ ${name}` : name, text] as const)),
      ),
    ),
    all.length > mostCards &&
      h('p', { class: 'faint' }, `and ${all.length - mostCards} more protocols: each point tells its own`),
  );
}

const mostCards = 6;
const mostListed = 6;

const textOf = (protocol: NonNullable<PointData['protocol']>, name: string) =>
  protocol.find(([one]) => one === name)?.[1];

const listOf = (those: readonly PointData[]): string =>
  those
    .slice(0, mostListed)
    .map(({ label }) => label)
    .join('; ') + (those.length > mostListed ? ` and ${those.length - mostListed} more` : '');
