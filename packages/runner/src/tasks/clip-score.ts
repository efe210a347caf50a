import { readFileSync } from 'node:fs';
import { type ClipPair, clipScore } from '@fewstep/metrics';
import { readSafetensors, type Tensors } from '@fewstep/models';
import type { Range, Run } from '@fewstep/taskgraph';
import type { clipScoreKind as kind } from '../scores/scores.js';
import { tensorOf, writeValue } from './artifacts.js';
import { placeIn } from './prompt-place.js';

export interface ClipScoreParams {
  /** Those of the images, in their order: seed s is of prompt s mod the length of their list. */
  readonly seeds: readonly Range[];
}

/** CLIP score of images whose embeddings come in the order of their seeds, each held against its own prompt. */
export const run: Run<typeof kind> = async ({ params: { seeds }, inputs, dir }) => {
  const { score, standardError } = clipScore(pairs(inputs.features, seeds, inputs.prompts));
  return writeValue(dir, {
    clip_score: score,
    ...(standardError !== undefined && { clip_score_se: standardError }),
  });
};

/** A shard of images is held, and all prompts. */
function* pairs(
  images: readonly string[],
  seeds: readonly Range[],
  prompts: readonly string[],
): Generator<ClipPair> {
  const { of, rows } = promptsIn(prompts);
  const order = seedsIn(seeds);
  for (const image of rowsOf(images)) {
    const seed = order.next().value;
    const prompt = seed === undefined ? undefined : seed % of;
    const text = prompt === undefined ? undefined : rows.get(prompt);
    if (prompt === undefined || text?.length !== image.length)
      throw new Error(`the image of seed ${seed} has no prompt among those embedded`);
    yield { prompt, cosine: image.reduce((sum, value, i) => sum + value * text[i]!, 0) };
  }
  const { value: left } = order.next();
  if (left !== undefined) throw new Error(`there is no image of seed ${left}`);
}

/** The embedding of each prompt by its place in their list, and how long that is. */
function promptsIn(paths: readonly string[]) {
  const rows = new Map<number, Float32Array>();
  let of = 0;
  for (const path of paths) {
    const tensors = tensorsAt(path);
    const embeddings = [...rowsIn(tensors)];
    const place = placeIn(tensors, embeddings.length);
    of = place.of;
    for (const [i, row] of embeddings.entries()) rows.set(place.first + i, row);
  }
  return { of, rows };
}

function* seedsIn(ranges: readonly Range[]): Generator<number, undefined> {
  for (const [first, last] of ranges) for (let seed = first; seed <= last; seed++) yield seed;
}

function* rowsOf(paths: readonly string[]): Generator<Float32Array> {
  for (const path of paths) yield* rowsIn(tensorsAt(path));
}

function* rowsIn(tensors: Tensors): Generator<Float32Array> {
  const { data, shape } = tensorOf(tensors, 'embeddings', 'F32');
  const dim = shape[1]!;
  for (let at = 0; at < data.length; at += dim) yield data.subarray(at, at + dim);
}

const tensorsAt = (path: string) => readSafetensors(readFileSync(path));
