import { expect, it } from 'vitest';
import { curvesOfFit, curvesOfPredictor } from './curves.js';

const outputs = (r: number, scales: number[]) => ({
  r: { mean: [r], spread: [0.1] },
  scale: { mean: scales, spread: scales.map(() => 0) },
});

it('has of a predictor its loss and what it decides, by what training asked for', () => {
  const lines = [
    {
      iteration: 1,
      images: 8,
      calls: 40,
      loss: 3,
      validation_loss: 4,
      intervals: [
        { loss: 1, outputs: outputs(0.5, [1, 2]) },
        { loss: 2, outputs: outputs(0.25, [3, 4]) },
      ],
    },
    {
      iteration: 2,
      images: 16,
      calls: 80,
      loss: 2,
      intervals: [
        { loss: 1, outputs: outputs(0.6, [5, 6]) },
        { loss: 1, outputs: { r: { mean: [0.35], spread: [0] } } },
      ],
    },
  ];
  expect(curvesOfPredictor(lines.map((line) => `${JSON.stringify(line)}\n`).join(''))).toEqual({
    x: [40, 80],
    loss: [3, 2],
    validation: [4, null],
    outputs: [
      { name: 'r', interval: 0, values: [0.5, 0.6] },
      { name: 'scale 1', interval: 0, values: [1, 5] },
      { name: 'scale 2', interval: 0, values: [2, 6] },
      { name: 'r', interval: 1, values: [0.25, 0.35] },
      { name: 'scale 1', interval: 1, values: [3, null] },
      { name: 'scale 2', interval: 1, values: [4, null] },
    ],
  });
});

it('has of a table its distance to the teacher, of what it is fitted to and of what validates', () => {
  const text =
    '{"round":1,"train":0.3,"validation":0.4,"damping":null,"calls":100}\n{"round":2,"train":0.2,"validation":0.35,"damping":1,"calls":250}\n';
  expect(curvesOfFit(text)).toEqual({
    x: [100, 250],
    loss: [0.3, 0.2],
    validation: [0.4, 0.35],
    outputs: [],
  });
});
