import type { Digest, Execution, Task } from '@fewstep/taskgraph';
import type { Graph } from '../graph/compile.js';
import type { Report } from './report.js';

/**
 * What an experiment came to, in the same bits whenever the results are the same: whether they were computed, found in the
 * store or in a cache, and wherever. So nothing of when, how, how long and on what is in it, which `run.json` tells, nor
 * paths, nor samples, whose files depend on how they were cut into shards.
 */
export interface Receipt {
  readonly name: string;
  readonly points: readonly {
    readonly label: string;
    readonly settings: Readonly<Record<string, unknown>>;
    readonly nfe?: number;
    readonly metrics: Readonly<Record<string, number>>;
    /** SHA-256 of its files among the results, by what they are. */
    readonly files: Readonly<Record<string, Digest>>;
  }[];
  /** Of the comparison its pictures, without the labels that are drawn beside them. */
  readonly files: Readonly<Record<string, Digest>>;
}

/** Of a run that found or computed everything. */
export function receiptOf(
  { points, comparison }: Graph,
  report: Pick<Report, 'name' | 'points'>,
  { records }: Pick<Execution, 'records'>,
): Receipt {
  const filesOf = (tasks: Readonly<Record<string, readonly [Task | undefined, output: string]>>) =>
    Object.fromEntries(
      Object.entries(tasks).flatMap(([name, [task, output]]) => {
        const file = task && records.get(task)?.outputs[output];
        return file ? [[name, file.digest]] : [];
      }),
    );
  return {
    name: report.name,
    points: report.points.map(({ label, settings, nfe, metrics }, i) => {
      const { picture, schedule, predictor, fit, paths } = points[i]!;
      const files = filesOf({
        grid: [picture, 'png'],
        schedule: [schedule, 'schedule'],
        predictor: [predictor, 'predictor'],
        sampler: [fit?.sampler, 'sampler'],
        paths: [paths, 'paths'],
      });
      return { label, settings, ...(nfe !== undefined && { nfe }), metrics, files };
    }),
    files: filesOf({ comparison: [comparison, 'png'] }),
  };
}
