import type { Interval } from './train-step.js';

/** One iteration in the log of a training: the same form whatever is trained, and by whichever loss. */
export interface Iteration {
  /** From 1. */
  readonly iteration: number;
  /** Trajectories of the teacher that training has seen so far, this batch among them. */
  readonly images: number;
  /** Evaluations of single samples that training has asked the network for so far. */
  readonly calls: number;
  /** What is minimised, before the weights moved. */
  readonly loss: number;
  /** Σ (student − teacher)² of a sample where it ends, on seeds that nothing is trained on, after the weights moved. */
  readonly validation_loss?: number;
  /** Of a student whose points are no noisy images, as a table, the last alone has a loss. */
  readonly intervals: readonly (Partial<Pick<Interval, 'loss' | 'norm'>> & {
    /** Over the batch, of each of an output's numbers: mean, and spread as its unbiased standard deviation (0 of one sample). */
    readonly outputs: Readonly<Record<string, { readonly mean: number[]; readonly spread: number[] }>>;
  })[];
}

/** An iteration as logs have it. `n`: samples in the batch; `intervals`: of each its loss and its steering, [n × count]. */
export function iterationOf({
  intervals,
  n,
  ...said
}: Omit<Iteration, 'intervals'> & {
  readonly intervals: readonly (Pick<Interval, 'steering'> & Partial<Pick<Interval, 'loss' | 'norm'>>)[];
  readonly n: number;
}): Iteration {
  return {
    ...said,
    intervals: intervals.map(({ loss, norm, steering }) => ({
      ...(loss !== undefined && { loss }),
      ...(norm !== undefined && { norm }),
      outputs: Object.fromEntries(
        Object.entries(steering).map(([name, values]) => {
          const count = values.length / n;
          const each = Array.from({ length: count }, (_, at) => values.filter((_, i) => i % count === at));
          const mean = each.map((own) => sum(own) / n);
          const spread = each.map((own, at) =>
            Math.sqrt(sum(own.map((value) => (value - mean[at]!) ** 2)) / Math.max(1, n - 1)),
          );
          return [name, { mean, spread }];
        }),
      ),
    })),
  };
}

const sum = (values: Float64Array) => values.reduce((total, value) => total + value, 0);
