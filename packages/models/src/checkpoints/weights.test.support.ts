import { createHash } from 'node:crypto';
import type { Tensors } from '../files/tensor.js';
import type { LatentCheckpoint } from './checkpoint.js';

/** One text for all weights, which compares sooner than they do. */
export function digestOf(weights: Tensors): string {
  const hash = createHash('sha256');
  for (const [name, { dtype, shape, data }] of Object.entries(weights).sort(([a], [b]) => (a < b ? -1 : 1)))
    hash
      .update(`${name} ${dtype} ${shape}\n`)
      .update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  return hash.digest('hex');
}

/** A model with digests of its weights in their place, and without its function. */
export function digested({ forward: _, weights, decoder, textEncoder, ...model }: LatentCheckpoint): object {
  return {
    ...model,
    weights: digestOf(weights),
    decoder: { ...decoder, weights: digestOf(decoder.weights) },
    ...(textEncoder && { textEncoder: { ...textEncoder, weights: digestOf(textEncoder.weights) } }),
  };
}
