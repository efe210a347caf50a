/** Values that an output may take, and how the numbers z of a predictor's last layer, which know no bounds, become such values. */
export interface Range {
  at(z: number): number;
  /** d at / dz. */
  slope(z: number): number;
  /** The z of a value; finite for a value at the end of the range. */
  inverse(value: number): number;
  /** How far a difference goes from a value, where ε is a small part of 1. */
  step(value: number, epsilon: number): number;
}

/** The interval of a step: where it begins and ends, and the noise level that a schedule twice as fine puts between. */
export interface Span {
  readonly sigma: number;
  readonly middle: number;
  readonly sigmaNext: number;
}

/** Something that a student lets a predictor decide in each interval, for each sample. */
export interface Output {
  /** In steerings, in logs, and as `fc_NAME` the layer that gives it. */
  readonly name: string;
  /** How many numbers it is in an interval; rows of a steering are samples. */
  readonly count: number;
  readonly range: Range;
  /**
   * Whether it moves a point that the denoiser is asked at, or the noise level that it is told there. Where it does not,
   * training knows the answers already.
   */
  readonly moves: boolean;
  /** The value that training may begin at, of number `index` of `count`. */
  start(span: Span, index: number): number;
}

export const sigmoid = (z: number) => 1 / (1 + Math.exp(-z));
/** A share of an interval that has come to its end counts as this far from it. */
const least = 1e-12;
const logit = (share: number) => {
  const p = Math.min(1 - least, Math.max(least, share));
  return Math.log(p / (1 - p));
};

/** Between two values and never at them, by a sigmoid; differences stay between them, too. */
export const between = (low: number, high: number): Range => ({
  at: (z) => low + (high - low) * sigmoid(z),
  slope: (z) => (high - low) * sigmoid(z) * (1 - sigmoid(z)),
  inverse: (value) => logit((value - low) / (high - low)),
  step: (value, epsilon) => Math.min(epsilon, (value - low) / 2, (high - value) / 2),
});

/** At most `reach` away from a value, by a sigmoid. */
export const around = (centre: number, reach: number): Range => ({
  at: (z) => centre + reach * (2 * sigmoid(z) - 1),
  slope: (z) => 2 * reach * sigmoid(z) * (1 - sigmoid(z)),
  inverse: (value) => logit((value - (centre - reach)) / (2 * reach)),
  step: (_, epsilon) => epsilon,
});

/** Any number, told as the distance from a value in units of `scale`. */
export const free = (centre: number, scale: number): Range => ({
  at: (z) => centre + scale * z,
  slope: () => scale,
  inverse: (value) => (value - centre) / scale,
  step: (_, epsilon) => scale * epsilon,
});
