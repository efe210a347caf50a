import {
  type GraphBuilder,
  graphBuilder,
  type OutputRef,
  output,
  type Range,
  type Task,
} from '@fewstep/taskgraph';
import type { ClipConfig } from '../experiment/experiment.js';
import { fileOf } from '../files-of.js';
import { clipScoreKind } from '../scores/scores.js';
import * as kinds from '../tasks/kinds.js';
import type { ClipParams } from '../tasks/open-clip.js';
import { blocksOf, titleOfBlock } from '../tasks/prompt-blocks.js';
import { type ImageSet, inParts } from './reference.js';

/** What every task of a CLIP is told. */
export const clipParams = ({ network }: ClipConfig): ClipParams => (network ? { network } : {});

/** Embeddings of the prompts of seeds, in blocks of their list. */
export const promptEmbeddings = (
  graph: GraphBuilder,
  clip: ClipConfig,
  prompts: readonly string[],
  seeds: readonly Range[],
): readonly OutputRef[] =>
  blocksOf(prompts, seeds).map((block) => {
    const task = graph.task(kinds.clipPrompts, {
      title: `embedded ${titleOfBlock(block)}`,
      params: { ...block, ...clipParams(clip) },
      inputs: { network: fileOf(clip.file, 'model') },
    });
    return output(task, 'embeddings');
  });

/** Images on disk, and the seed of each, in their order. */
export interface SeededSet extends ImageSet {
  readonly seeds: readonly number[];
}

/** The CLIP score of each of several sets of images, against the prompts of their seeds. */
export function compileClip(
  sets: readonly SeededSet[],
  prompts: readonly string[],
  { clip, batch }: { readonly clip: ClipConfig; readonly batch?: number },
): readonly Task<typeof clipScoreKind>[] {
  const graph = graphBuilder();
  return sets.map(({ seeds: each, ...set }) => {
    const seeds = rangesOf(each);
    const features = inParts(set, 'embeddings', (title, which, work) =>
      output(
        graph.task(kinds.clipSetEmbeddings, {
          title,
          params: { ...which, ...clipParams(clip) },
          inputs: { network: fileOf(clip.file, 'model'), data: fileOf(set.data, 'images') },
          hints: batch === undefined ? {} : { batch },
          work,
        }),
        'embeddings',
      ),
    );
    return graph.task(clipScoreKind, {
      title: `clip_score of ${set.data}`,
      params: { seeds },
      inputs: { features, prompts: promptEmbeddings(graph, clip, prompts, seeds) },
    });
  });
}

/** Numbers in their order as ranges of those that follow each other. */
function rangesOf(numbers: readonly number[]): Range[] {
  const ranges: [number, number][] = [];
  for (const number of numbers) {
    const last = ranges.at(-1);
    if (last?.[1] === number - 1) last[1] = number;
    else ranges.push([number, number]);
  }
  return ranges;
}
