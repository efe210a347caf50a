import type { Tensors } from '@fewstep/models';
import type { Range } from '@fewstep/taskgraph';
import { tensorOf } from './artifacts.js';

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

/** Where a block stands, as a tensor beside what is made of it; none of one that is all. */
export const placeTensor = ({ place }: PromptBlock): Tensors =>
  place ? { place: { dtype: 'F64', shape: [2], data: Float64Array.of(place.first, place.of) } } : {};

/** Where the block of an artifact stands, of `count` prompts. */
export function placeIn(tensors: Tensors, count: number): { readonly first: number; readonly of: number } {
  const [first = 0, of = count] = tensors.place ? tensorOf(tensors, 'place', 'F64').data : [];
  return { first, of };
}
