import { expect, it } from 'vitest';
import { iterationOf } from './training-log.js';

it('tells mean and spread of each number of each output, interval by interval', () => {
  const steering = { r: Float64Array.of(0.25, 0.75), weights: Float64Array.of(1, 5, 3, 5) };
  const interval = { loss: 2, steering };
  expect(
    iterationOf({ iteration: 3, calls: 40, loss: 7, validation_loss: 9, n: 2, intervals: [interval] }),
  ).toEqual({
    iteration: 3,
    calls: 40,
    loss: 7,
    validation_loss: 9,
    intervals: [
      {
        loss: 2,
        outputs: { r: { mean: [0.5], spread: [0.25] }, weights: { mean: [2, 5], spread: [1, 0] } },
      },
    ],
  });
});
