import { readFileSync } from 'node:fs';
import { rmseOf } from '@fewstep/metrics';
import { readSafetensors } from '@fewstep/models';
import type { Run } from '@fewstep/taskgraph';
import type { rmseKind as kind } from '../scores/scores.js';
import { tensorOf, writeValue } from './artifacts.js';

/** Root mean square difference of two sets of images of the same seeds, in 8-bit units, and of several its standard error. */
export const run: Run<typeof kind> = async ({ inputs, dir }) => {
  const { rmse, standardError } = rmseOf(inStep(inputs.images, inputs.reference));
  return writeValue(dir, {
    rmse_to_teacher: rmse,
    ...(standardError !== undefined && { rmse_to_teacher_se: standardError }),
  });
};

/**
 * The bytes of two lists of shards, which may be cut at other images, in step, and how many an image has: a shard of each is
 * held.
 */
function* inStep(
  ours: readonly string[],
  theirs: readonly string[],
): Generator<readonly [Uint8Array, Uint8Array, number]> {
  const [a, b] = [shardsOf(ours), shardsOf(theirs)];
  let [left, right] = [a.next().value ?? nothing, b.next().value ?? nothing];
  while (left.data.length > 0 && right.data.length > 0) {
    const length = Math.min(left.data.length, right.data.length);
    yield [left.data.subarray(0, length), right.data.subarray(0, length), left.bytes];
    left =
      length < left.data.length ? { ...left, data: left.data.subarray(length) } : (a.next().value ?? nothing);
    right =
      length < right.data.length
        ? { ...right, data: right.data.subarray(length) }
        : (b.next().value ?? nothing);
  }
  // what is left has no counterpart, which is said where the difference is taken
  if (left.data.length + right.data.length > 0) yield [left.data, right.data, left.bytes];
}

interface Shard {
  readonly data: Uint8Array;
  /** Of an image. */
  readonly bytes: number;
}

const nothing: Shard = { data: new Uint8Array(), bytes: 0 };

function* shardsOf(paths: readonly string[]): Generator<Shard, undefined> {
  for (const path of paths) {
    const { data, shape } = tensorOf(readSafetensors(readFileSync(path)), 'images', 'U8');
    yield { data, bytes: data.length / shape[0]! };
  }
}
