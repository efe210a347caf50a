import type { Tensors } from '@fewstep/models';
import { tensorOf } from './artifacts.js';
import type { PromptBlock } from './prompt-blocks.js';

/** Where a block stands, as a tensor beside what is made of it; none of one that is all. */
export const placeTensor = ({ place }: PromptBlock): Tensors =>
  place ? { place: { dtype: 'F64', shape: [2], data: Float64Array.of(place.first, place.of) } } : {};

/** Where the block of an artifact stands, of `count` prompts. */
export function placeIn(tensors: Tensors, count: number): { readonly first: number; readonly of: number } {
  const [first = 0, of = count] = tensors.place ? tensorOf(tensors, 'place', 'F64').data : [];
  return { first, of };
}
