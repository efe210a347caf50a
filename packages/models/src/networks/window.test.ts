import { expect, it } from 'vitest';
import { windowOf } from './window.js';

it.each([
  ['keeps the size by default', { kernel: 3 }, { kernel: [3, 3], padding: [1, 1], stride: 1, size: [9, 8] }],
  [
    'of two extents',
    { kernel: [1, 7] as const },
    { kernel: [1, 7], padding: [0, 3], stride: 1, size: [9, 8] },
  ],
  [
    'with a stride',
    { kernel: 3, stride: 2, padding: 0 },
    { kernel: [3, 3], padding: [0, 0], stride: 2, size: [4, 3] },
  ],
  [
    'of even size',
    { kernel: 2, padding: [1, 0] as const },
    { kernel: [2, 2], padding: [1, 0], stride: 1, size: [10, 7] },
  ],
])('a window %s', (_, shape, expected) => {
  expect(windowOf(shape, [9, 8])).toEqual(expected);
});
