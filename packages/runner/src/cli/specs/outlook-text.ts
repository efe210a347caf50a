import type { KindOutlook } from '../../graph/outlook.js';
import { countOf, grouped, roughSize, roughTime } from '../terminal/quantities.js';

type Counted = Pick<KindOutlook, 'tasks' | 'found' | 'remote' | 'toCompute'>;

/** How many tasks there are, and where: `3 tasks: 1 in the store, 2 to compute`. */
export const countsText = (counted: Counted): string =>
  `${countOf(counted.tasks, 'task')}: ${statesText(counted)}`;

/** Where they are; what there is none of is left out, but not everything. */
function statesText({ found, remote, toCompute }: Counted): string {
  const parts = [
    [found - remote, 'in the store'],
    [remote, 'in the cache'],
    [toCompute, 'to compute'],
  ] as const;
  return parts
    .filter(([count]) => count > 0)
    .map(([count, where]) => `${grouped(count)} ${where}`)
    .join(', ');
}

/** What is to be computed costs, as far as it is known; nothing where nothing is. */
export const costText = ({ evaluations, seconds, bytes, toCompute }: KindOutlook): string =>
  toCompute === 0
    ? ''
    : [
        ...(evaluations > 0 ? [countOf(Math.round(evaluations), 'evaluation')] : []),
        ...(seconds === undefined ? [] : [roughTime(seconds)]),
        ...(bytes === undefined ? [] : [roughSize(bytes)]),
      ].join(', ');
