import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readSafetensors, type Tensors } from '@fewstep/models';

/** One folder of golden figures: its parsed index, its arrays, and the other files beside them. */
export interface Golden {
  readonly folder: string;
  // biome-ignore lint/suspicious/noExplicitAny: an index is data whose form its topic alone knows
  readonly index: any;
  /** The tensor of that name in the index's array file, widened to double. */
  array(name: string): Float64Array;
  shape(name: string): readonly number[];
  /** Names of the arrays that nobody has asked for yet. */
  unread(): string[];
  /** Another safetensors file of the folder. */
  tensors(file: string): Promise<Tensors>;
}

export async function openGolden(folder: string): Promise<Golden> {
  const index = JSON.parse(await readFile(join(folder, 'index.json'), 'utf8'));
  const tensors = async (file: string) => readSafetensors(await readFile(join(folder, file)));
  const arrays: Tensors = typeof index.file === 'string' ? await tensors(index.file) : {};
  const get = (name: string) => {
    const tensor = arrays[name];
    if (!tensor) throw new Error(`${join(folder, index.file)} holds no array "${name}"`);
    return tensor;
  };
  const read = new Set<string>();
  return {
    folder,
    index,
    array(name) {
      read.add(name);
      return Float64Array.from(get(name).data, Number);
    },
    shape: (name) => get(name).shape,
    unread: () => Object.keys(arrays).filter((name) => !read.has(name)),
    tensors,
  };
}

/** The index's usual error, max |a−b| / (1+|b|) over all entries; NaN and unequal lengths count as infinite. */
export function mixedError(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Infinity;
  let worst = 0;
  for (let i = 0; i < b.length; i++) {
    const error = Math.abs(a[i]! - b[i]!) / (1 + Math.abs(b[i]!));
    if (!(error <= worst)) worst = Number.isNaN(error) ? Infinity : error;
  }
  return worst;
}
