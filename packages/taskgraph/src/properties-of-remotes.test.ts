import { it } from 'vitest';
import { expectAll, graphs, timeout } from './properties.test.support.js';

const count = Math.floor(graphs * 0.25);

it(
  `finds on another machine what a remote has, and computes what it hasn't (${count} graphs)`,
  { timeout },
  () =>
    expectAll(count, [
      { remote: 'sound' },
      { remote: 'failing', kills: true, failures: true },
      { remote: 'failing', damage: true },
    ]),
);
