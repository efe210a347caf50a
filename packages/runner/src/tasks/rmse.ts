import { readFileSync } from 'node:fs';
import { rmseOf } from '@fewstep/metrics';
import { readSafetensors } from '@fewstep/models';
import type { Run } from '@fewstep/taskgraph';
import type { rmseKind as kind } from '../scores/scores.js';
import { tensorOf, writeValue } from './artifacts.js';

/** Root mean square difference of two sets of images of the same seeds, in 8-bit units. */
export const run: Run<typeof kind> = async ({ inputs, dir }) =>
  writeValue(dir, { rmse_to_teacher: rmseOf(inStep(inputs.images, inputs.reference)) });

/** The bytes of two lists of shards, which may be cut at other images, in step: a shard of each is held. */
function* inStep(
  ours: readonly string[],
  theirs: readonly string[],
): Generator<readonly [Uint8Array, Uint8Array]> {
  const [a, b] = [bytesOf(ours), bytesOf(theirs)];
  let [left, right] = [a.next().value ?? nothing, b.next().value ?? nothing];
  while (left.length > 0 && right.length > 0) {
    const length = Math.min(left.length, right.length);
    yield [left.subarray(0, length), right.subarray(0, length)];
    left = length < left.length ? left.subarray(length) : (a.next().value ?? nothing);
    right = length < right.length ? right.subarray(length) : (b.next().value ?? nothing);
  }
  // what is left has no counterpart, which is said where the difference is taken
  if (left.length + right.length > 0) yield [left, right];
}

const nothing = new Uint8Array();

function* bytesOf(paths: readonly string[]): Generator<Uint8Array, undefined> {
  for (const path of paths) yield tensorOf(readSafetensors(readFileSync(path)), 'images', 'U8').data;
}
