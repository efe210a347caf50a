import { expect, it } from 'vitest';
import { dataChoice, flag, integer, levels, withDefaults } from './options.js';

const options = {
  order: integer(1, 3, 2, 'Order.'),
  sigmas: levels('Levels.'),
  bounded: flag(true, 'Whether it keeps to bounds.'),
  bounds: dataChoice(['hard', 'soft', 'none'], { pixels: 'hard', latents: 'none' }, 'bounded', 'Which.'),
};

it.each<[Parameters<typeof withDefaults>[1], Parameters<typeof withDefaults>[2], object]>([
  [{}, undefined, { order: 2, bounded: true }],
  [{}, 'pixels', { order: 2, bounded: true, bounds: 'hard' }],
  [{}, 'latents', { order: 2, bounded: true, bounds: 'none' }],
  [{ bounds: 'soft' }, 'latents', { order: 2, bounded: true, bounds: 'soft' }],
  [{ bounds: 'soft' }, undefined, { order: 2, bounded: true, bounds: 'soft' }],
  [{ bounded: false, bounds: 'soft' }, 'pixels', { order: 2, bounded: false }],
  [{ sigmas: [2, 1], other: 3 }, undefined, { order: 2, sigmas: [2, 1], bounded: true }],
])('fills what is left out of %j, of data %s', (given, data, whole) => {
  const filled = withDefaults(options, given, data);
  expect(filled).toEqual(whole);
  expect(Object.keys(filled)).toEqual(Object.keys(whole)); // and not as undefined, which no key of a task can hold
});
