import type { Event, Node } from '@fewstep/taskgraph';
import { predictor } from '../tasks/kinds.js';
import type { MethodParams } from '../tasks/sampler.js';

/**
 * Warns of each network without a bottleneck that a predictor of these tasks would read, zeros not being what was asked
 * for: once, when the network is at
 * hand, before anything is trained on it.
 */
export function bottleneckWarnings(nodes: readonly Node[]): (event: Event) => string | undefined {
  const read = new Set(
    nodes
      .filter(
        ({ kind, inputs, params }) =>
          kind === predictor || (inputs.predictor && (params as Partial<MethodParams>).bottleneck !== 'zero'),
      )
      .flatMap(({ inputs }) =>
        (inputs.graph ?? []).flatMap((input) => ('task' in input ? [input.task] : [])),
      ),
  );
  return (event) =>
    (event.type === 'found' || event.type === 'computed') &&
    event.record.meta.bottleneck === false &&
    read.delete(event.task)
      ? `warning: ${event.task.title} has no bottleneck, so that predictors read zeros and steer every image alike`
      : undefined;
}
