import { readFileSync } from 'node:fs';
import type { Execution, Store } from '@fewstep/taskgraph';
import { seedsText } from '../experiment/seeds.js';
import type { PlannedPoint } from '../graph/compile.js';
import { minimumOf, scoreNamed } from '../scores/scores.js';
import { referenceFeatures } from '../tasks/kinds.js';
import { imagesOf, tasksOf } from './image-counts.js';
import { type Columns, overRepeats } from './intervals.js';
import { leaksOf } from './leaks.js';
import { protocolOf } from './protocol.js';
import type { PointReport } from './report.js';

type Scored = Pick<PointReport, 'metrics' | 'images' | 'repeats' | 'realImages' | 'protocol' | 'leaks'>;

/** What a point's scores came to, as far as they are there, and what is to be known of them. */
export async function scoredOf(
  planned: PlannedPoint,
  ran: { readonly execution: Execution; readonly store: Store },
): Promise<Scored> {
  const { repeats, scores } = planned;
  const { execution, store } = ran;
  const { records, shards } = execution;
  const each = await Promise.all(
    repeats.map(async ({ seeds }, repeat) => ({ seeds: seedsText(seeds), metrics: await columnsOf(repeat) })),
  );
  const [first] = each;
  const isRepeated = repeats.length > 1;
  const scored = Object.values(scores)
    .flatMap(([task]) => task ?? [])
    .filter((task) => records.has(task));
  const metrics = isRepeated ? meansOf(each.map((one) => one.metrics)) : first!.metrics;
  if (scored.length === 0) return { metrics };
  const images = imagesOf(execution, shards.get(repeats[0]!.samples) ?? []);
  const read = scored.flatMap(({ inputs }) => Object.values(inputs).flatMap(tasksOf));
  const realImages = imagesOf(
    execution,
    read.filter(({ kind }) => kind === referenceFeatures),
  );
  const protocol = await protocolOf(planned, ran);
  const { fit, point } = planned;
  const ofFit = fit && records.get(fit.sampler)?.components.inputs.feature_network?.[0];
  const leaks = await leaksOf(planned, {
    scoring: Object.values(protocol?.scores ?? {}).flatMap(({ features }) => features?.sha256 ?? []),
    training: ofFit ?? point.table?.sampler.train?.features?.sha256,
  });
  return {
    metrics,
    ...(images !== undefined && { images }),
    ...(isRepeated && { repeats: each }),
    ...(realImages !== undefined && { realImages }),
    ...(protocol && { protocol }),
    ...(leaks.length > 0 && { leaks }),
  };

  /** Of one repeat, the columns of the scores that are there. */
  async function columnsOf(repeat: number): Promise<Columns> {
    const columns: Record<string, number> = {};
    for (const [score, tasks] of Object.entries(scores)) {
      const output = records.get(tasks[repeat]!)?.outputs.value;
      const path = output && (await store.blob(output));
      if (!path) continue;
      const value = JSON.parse(readFileSync(path, 'utf8'));
      Object.assign(columns, scoreNamed(score)?.shown?.(value) ?? value);
    }
    return columns;
  }
}

/** Columns over repeats, those that all of them have; the least beside where a score's papers have it. */
function meansOf(repeats: readonly Columns[]): Columns {
  const [first = {}, ...others] = repeats;
  const whole = Object.keys(first).filter((column) => others.every((one) => one[column] !== undefined));
  const means = overRepeats(
    repeats.map((one) => Object.fromEntries(whole.map((column) => [column, one[column]!]))),
  );
  return Object.fromEntries(
    Object.entries(means).flatMap(([column, mean]) => [
      [column, mean],
      ...(scoreNamed(column)?.minimum
        ? [[minimumOf(column), Math.min(...repeats.map((one) => one[column]!))]]
        : []),
    ]),
  );
}
