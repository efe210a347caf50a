import { checkpointFault } from '../errors.js';
import { NumpyArray } from './numpy-constructors.js';
import { describe, type PickleValue } from './pickle.js';
import { ScriptModule } from './script-module.js';
import type { Tensor } from './tensor.js';
import type { TensorFile } from './tensor-file.js';
import { TensorView, type TorchStorage } from './torch-storage.js';
import { isAveraged } from './wrappers.js';

/** Dicts deeper than that are no state of a network. */
const MAX_DEPTH = 64;

/**
 * The tensors of a pickle's value, a module's of TorchScript being a dict: those under `state_dict` where it has that key
 * and no averaged weights beside, as Lightning's checkpoints do, else all of them. Names of nested dicts and places in lists
 * are joined by dots; what is no tensor is left out.
 *
 * @throws ModelError `E_CHECKPOINT`
 */
export function torchTensors(format: string, root: PickleValue): TensorFile {
  const top = dictOf(root);
  const dict = (top instanceof Map && !hasAveraged(top) && top.get('state_dict')) || top;
  if (!(dict instanceof Map))
    throw checkpointFault(`it holds ${describe(dict)} where a dict of tensors is due`);
  const views = collectViews(dict);
  return {
    format,
    tensors: new Map([...views].map(([name, { storage, shape }]) => [name, { dtype: storage.dtype, shape }])),
    read: (names) => readViews(Array.from(names, (name) => [name, views.get(name)!])),
  };
}

const dictOf = (value: PickleValue): PickleValue =>
  value instanceof ScriptModule ? (value.attributes as Map<PickleValue, PickleValue>) : value;

const hasAveraged = (root: ReadonlyMap<PickleValue, PickleValue>): boolean =>
  [...root].some(([key, value]) => typeof key === 'string' && value instanceof Map && isAveraged(`${key}.`));

function collectViews(root: Map<PickleValue, PickleValue>): Map<string, TensorView> {
  const views = new Map<string, TensorView>();
  const seen = new Set<PickleValue>();
  const collect = (
    dict: ReadonlyMap<PickleValue, PickleValue> | readonly PickleValue[],
    prefix: string,
    depth: number,
  ): void => {
    // a hostile dict could hold itself, or another twice, and that one another twice, and so on
    if (seen.has(dict as PickleValue) || depth > MAX_DEPTH)
      throw checkpointFault(
        `the dict or list at "${prefix.slice(0, 200)}" is also at another place, or nested deeper than ${MAX_DEPTH}`,
      );
    seen.add(dict as PickleValue);
    for (const [key, held] of dict.entries()) {
      if (typeof key !== 'string' && typeof key !== 'number') continue;
      const value = dictOf(held);
      const name = `${prefix}${key}`;
      if (value instanceof Map || Array.isArray(value)) collect(value, `${name}.`, depth + 1);
      const view = value instanceof NumpyArray ? value.view : value;
      if (!(view instanceof TensorView)) continue;
      if (views.has(name)) throw checkpointFault(`there are two tensors named "${name}"`);
      views.set(name, view);
    }
  };
  collect(root, '', 0);
  return views;
}

/** Storage by storage, so that each is in memory once: as the tensors that view it, or while they copy from it. */
function readViews(views: readonly (readonly [string, TensorView])[]): Map<string, Tensor> {
  const byStorage = new Map<TorchStorage, [string, TensorView][]>();
  for (const [name, view] of views) {
    const group = byStorage.get(view.storage);
    if (group) group.push([name, view]);
    else byStorage.set(view.storage, [[name, view]]);
  }
  const found = new Map<string, Tensor>();
  for (const [storage, group] of byStorage) {
    for (const [name, view] of group) found.set(name, view.tensor());
    storage.release();
  }
  return new Map(views.map(([name]) => [name, found.get(name)!]));
}
