import type { Range } from '@fewstep/taskgraph';

/** Prompts that are worked on together: all of a list, or a part of it. */
export interface PromptBlock {
  readonly prompts: readonly string[];
  /** Where they stand in the list that they are a part of; left out: they are all of it. */
  readonly place?: { readonly first: number; readonly of: number };
}

/** 60 MB of what Stable Diffusion is told. */
const promptBlock = 256;

/** The blocks of a list that images are of, seed s of entry s mod its length; of a short list all of it. */
export function blocksOf(prompts: readonly string[], seeds: readonly Range[]): PromptBlock[] {
  const of = prompts.length;
  if (of <= promptBlock) return [{ prompts }];
  const blocks = new Set<number>();
  for (const [first, last] of seeds)
    for (let seed = first; seed <= last && blocks.size * promptBlock < of; seed++)
      blocks.add(Math.floor((seed % of) / promptBlock));
  return [...blocks].map((block) => {
    const first = block * promptBlock;
    return { prompts: prompts.slice(first, first + promptBlock), place: { first, of } };
  });
}

/** As people call a block. */
export const titleOfBlock = ({ prompts, place }: PromptBlock): string =>
  place ? `prompts ${place.first}-${place.first + prompts.length - 1} of ${place.of}` : 'prompts';
