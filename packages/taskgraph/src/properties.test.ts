import { it } from 'vitest';
import { expectAll, graphs, timeout } from './properties.test.support.js';

const count = Math.ceil(graphs * 0.75);

it(`gives what it must, whatever happens on the way (${count} graphs)`, { timeout }, () =>
  expectAll(count, [
    {},
    { kills: true },
    { failures: true },
    { damage: true },
    { kills: true, failures: true, damage: true },
    { collections: true },
    { collections: true, kills: true },
  ]),
);
