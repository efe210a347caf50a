import { expect, it } from 'vitest';
import { iterationOf } from './training-log.js';

it('tells mean and spread of each number of each output, interval by interval', () => {
  const steering = { r: Float64Array.of(0.25, 0.75), weights: Float64Array.of(1, 5, 3, 5) };
  const interval = { loss: 2, norm: 1.5, steering };
  const said = { iteration: 3, images: 6, calls: 40, loss: 7, validation_loss: 9 };
  expect(iterationOf({ ...said, n: 2, intervals: [interval] })).toEqual({
    ...said,
    intervals: [
      {
        loss: 2,
        norm: 1.5,
        outputs: {
          r: { mean: [0.5], spread: [Math.sqrt(0.125)] },
          weights: { mean: [2, 5], spread: [Math.sqrt(2), 0] },
        },
      },
    ],
  });
});

it('has no spread in a batch of one', () => {
  const interval = { loss: 2, norm: 1, steering: { r: Float64Array.of(0.25) } };
  const { intervals } = iterationOf({
    iteration: 1,
    images: 1,
    calls: 4,
    loss: 2,
    n: 1,
    intervals: [interval],
  });
  expect(intervals[0]!.outputs).toEqual({ r: { mean: [0.25], spread: [0] } });
});
