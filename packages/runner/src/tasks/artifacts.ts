import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readSafetensors, type Tensor, type Tensors, writeSafetensors } from '@fewstep/models';
import type { Range } from '@fewstep/taskgraph';
import { RunnerError } from '../errors.js';

/** Images of one or more shards, in order. */
export interface Images {
  /** uint8 NCHW. */
  readonly data: Uint8Array;
  readonly n: number;
  readonly channels: number;
  readonly height: number;
  readonly width: number;
}

/** Writes tensors as one output. @throws RunnerError E_NONFINITE: an artifact never holds NaN or infinities. */
export async function writeTensors(dir: string, file: string, tensors: Tensors): Promise<string> {
  for (const [name, { dtype, data }] of Object.entries(tensors)) {
    if ((dtype === 'F32' || dtype === 'F64') && !data.every(Number.isFinite)) {
      const at = data.findIndex((value) => !Number.isFinite(value));
      throw new RunnerError('E_NONFINITE', `${name}[${at}] is ${data[at]}: the result is not kept`, {
        exitCode: 1,
        evidence: { tensor: name, index: at },
      });
    }
  }
  await writeFile(join(dir, file), writeSafetensors(tensors));
  return file;
}

/**
 * Some of the items that an artifact's tensors hold, as an artifact: those of `take`, of a shard of the items `of`.
 *
 * - `axisOf`: which axis of a tensor counts items; undefined where none does.
 */
export async function sliceTensors(
  path: string,
  { of, take }: { readonly of: Range; readonly take: Range },
  axisOf: (name: string) => number | undefined,
): Promise<Tensors> {
  const [first, end] = [take[0] - of[0], take[1] - of[0] + 1];
  const sliced = Object.entries(await readTensors(path)).map(([name, tensor]): [string, Tensor] => {
    const axis = axisOf(name);
    if (axis === undefined) return [name, tensor];
    const { dtype, shape, data } = tensor;
    const inner = shape.slice(axis + 1).reduce((a, b) => a * b, 1);
    const outer = shape.slice(0, axis).reduce((a, b) => a * b, 1);
    const items = shape[axis] ?? 0;
    const size = (end - first) * inner;
    const part = new (data.constructor as new (length: number) => typeof data)(outer * size);
    for (let o = 0; o < outer; o++)
      part.set(data.subarray((o * items + first) * inner, (o * items + end) * inner) as never, o * size);
    return [name, { dtype, shape: shape.with(axis, end - first), data: part } as Tensor];
  });
  return Object.fromEntries(sliced);
}

/** What a slice counts for itself; the rest is as its shard counted. */
export const countOf = ({ take }: { readonly take: Range }) => ({ images: take[1] - take[0] + 1 });

export async function readTensors(path: string): Promise<Tensors> {
  return readSafetensors(await readFile(path));
}

/** A tensor that an artifact of ours holds, of the type that it has. */
export function tensorOf<D extends Tensor['dtype']>(
  tensors: Tensors,
  name: string,
  dtype: D,
): Extract<Tensor, { dtype: D }> {
  const tensor = tensors[name];
  if (tensor?.dtype !== dtype) throw new Error(`artifact without ${dtype} tensor "${name}"`);
  return tensor as Extract<Tensor, { dtype: D }>;
}

export function writeImages(dir: string, { data, n, channels, height, width }: Images): Promise<string> {
  return writeTensors(dir, 'images.safetensors', {
    images: { dtype: 'U8', shape: [n, channels, height, width], data },
  });
}

/** The images of shards of one size, joined. `limit`: no more than these. */
export async function readImages(paths: readonly string[], limit = Infinity): Promise<Images> {
  const parts: Uint8Array[] = [];
  let shape: readonly number[] = [];
  let n = 0;
  for (const path of paths) {
    if (n >= limit) break;
    const images = tensorOf(await readTensors(path), 'images', 'U8');
    shape = images.shape;
    const [count = 0, ...size] = shape;
    const taken = Math.min(count, limit - n);
    parts.push(images.data.subarray(0, taken * size.reduce((a, b) => a * b, 1)));
    n += taken;
  }
  const [, channels = 0, height = 0, width = 0] = shape;
  return { data: joined(parts, Uint8Array), n, channels, height, width };
}

/** Arrays one behind the other. */
export function joined<A extends Uint8Array | Float32Array | Float64Array>(
  parts: readonly ArrayLike<number>[],
  make: new (length: number) => A,
): A {
  const whole = new make(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** A score as its own artifact: one JSON object of numbers. */
export async function writeValue(
  dir: string,
  value: Readonly<Record<string, number>>,
): Promise<{ files: { value: string }; meta: Record<string, never> }> {
  for (const [name, number] of Object.entries(value)) {
    if (!Number.isFinite(number)) {
      throw new RunnerError('E_NONFINITE', `${name} is ${number}: the result is not kept`, { exitCode: 1 });
    }
  }
  await writeFile(join(dir, 'value.json'), `${JSON.stringify(value)}\n`);
  return { files: { value: 'value.json' }, meta: {} };
}
