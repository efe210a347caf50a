import type { Predict, Steering } from '../solver.js';

/** What a predictor was asked, and what it said. */
export interface Asked {
  readonly inputs: Parameters<Predict>;
  readonly steering: Steering;
}

/** A predictor that remembers every question, in order. */
export function remembering(output: Predict): {
  readonly predict: Predict;
  readonly asked: readonly Asked[];
} {
  const asked: Asked[] = [];
  return {
    asked,
    predict: (...inputs) => {
      const steering = output(...inputs);
      asked.push({ inputs, steering });
      return steering;
    },
  };
}
