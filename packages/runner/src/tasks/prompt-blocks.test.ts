import { expect, it } from 'vitest';
import { blocksOf, titleOfBlock } from './prompt-blocks.js';

it('takes of a long list the blocks that seeds are of, each once, and a short one whole', () => {
  const prompts = Array.from({ length: 600 }, (_, i) => `${i}`);
  const placesOf = (...seeds: [number, number][]) =>
    blocksOf(prompts, seeds).map(({ place }) => place?.first);
  expect(placesOf([0, 255])).toEqual([0]);
  expect(placesOf([255, 256])).toEqual([0, 256]);
  expect(placesOf([599, 600], [1200, 1201])).toEqual([512, 0]);
  expect(placesOf([5, 2 ** 32 - 1])).toEqual([0, 256, 512]);
  const [last] = blocksOf(prompts, [[512, 512]]);
  expect(last).toEqual({ prompts: prompts.slice(512), place: { first: 512, of: 600 } });
  expect(titleOfBlock(last!)).toBe('prompts 512-599 of 600');
  const few = prompts.slice(0, 256);
  expect(blocksOf(few, [[3, 3]])).toEqual([{ prompts: few }]);
});
