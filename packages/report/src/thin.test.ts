import { expect, it } from 'vitest';
import { thinned } from './thin.js';

it('a training of many entries is means of neighbours, where there are any', () => {
  const x = Array.from({ length: 1000 }, (_, i) => i + 1);
  const {
    x: at,
    loss,
    validation,
  } = thinned({
    ...{ x, loss: x, outputs: [] },
    validation: x.map((one) => (one === 3 ? 7 : null)),
  });
  expect(at.slice(0, 3)).toEqual([3, 6, 9]);
  expect(at.at(-1)).toBe(1000);
  expect(loss.slice(0, 3)).toEqual([2, 5, 8]);
  expect(loss.at(-1)).toBe(1000); // what is left over is a bin of its own
  expect(validation!.slice(0, 3)).toEqual([7, null, null]);
});

it('one of few entries is as it is', () => {
  const curves = { x: [1, 2], loss: [3, null], outputs: [] } as const;
  expect(thinned(curves)).toBe(curves);
});
