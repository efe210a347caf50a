import type { Run } from '@fewstep/taskgraph';
import type { clipPrompts as kind } from './kinds.js';
import { openClipOf, writeEmbeddings } from './open-clip.js';
import { placeTensor } from './prompt-place.js';

/** Embeddings of prompts; of a part of a list also where it stands. */
export const run: Run<typeof kind> = async (context) => {
  const { params, dir } = context;
  const clip = await openClipOf(context);
  const data = await clip.embedTexts(params.prompts);
  return {
    files: { embeddings: await writeEmbeddings(dir, data, clip.dim, placeTensor(params)) },
    meta: { prompts: params.prompts.length },
  };
};
