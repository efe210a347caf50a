import { ModelError } from './errors.js';
import type { PickleValue } from './pickle.js';
import { fileSource } from './source.js';
import type { Dtype, Tensor, Tensors } from './tensor.js';
import { atPath, readTorch } from './torch.js';
import { TensorView, type TorchStorage } from './torch-storage.js';

/** The named tensors of a checkpoint, of which only names, types and shapes are in memory until they are read. */
export interface StateDict {
  /** In the order of the file. */
  readonly tensors: ReadonlyMap<string, { readonly dtype: Dtype; readonly shape: readonly number[] }>;
  /**
   * Elements of the tensors whose names start with `prefix` (all of them without one), by the rest of their names.
   * Reading one prefix after another costs no more than reading once.
   *
   * @throws ModelError `E_ZIP` when they are damaged.
   */
  read(prefix?: string): Tensors;
  close(): void;
}

/**
 * Opens the tensors of a PyTorch checkpoint (`.pt`, `.pth`, `.ckpt`). Those under `state_dict` are taken where the
 * file has that key, as Lightning's have, else all of them; names of nested dicts are joined by dots. What is no
 * tensor is left out.
 *
 * @throws ModelError `E_CHECKPOINT`, `E_PICKLE` or `E_ZIP`, with `path` in `evidence`.
 */
export async function openStateDict(path: string): Promise<StateDict> {
  const source = fileSource(path);
  try {
    const root = await readTorch(source);
    const dict = (root instanceof Map && root.get('state_dict')) || root;
    if (!(dict instanceof Map))
      throw new ModelError('E_CHECKPOINT', 'it holds no dict of tensors, so no weights');
    const views = collectViews(dict);
    return {
      tensors: new Map(
        [...views].map(([name, { storage, shape }]) => [name, { dtype: storage.dtype, shape }]),
      ),
      read: (prefix = '') => {
        try {
          return readViews(
            [...views].filter(([name]) => name.startsWith(prefix)),
            prefix.length,
          );
        } catch (cause) {
          throw atPath(path, cause);
        }
      },
      close: () => source.close(),
    };
  } catch (cause) {
    source.close();
    throw atPath(path, cause);
  }
}

/** `openStateDict`, `read` with that prefix, and `close`. @throws as they do. */
export async function readStateDict(path: string, { prefix = '' } = {}): Promise<Tensors> {
  const dict = await openStateDict(path);
  try {
    return dict.read(prefix);
  } finally {
    dict.close();
  }
}

function collectViews(root: Map<PickleValue, PickleValue>): Map<string, TensorView> {
  const views = new Map<string, TensorView>();
  const seen = new Set<PickleValue>();
  const collect = (dict: Map<PickleValue, PickleValue>, prefix: string): void => {
    // a hostile dict could hold itself, or another twice, and that one another twice, and so on
    if (seen.has(dict))
      throw new ModelError('E_CHECKPOINT', `the dict at "${prefix}" is also at another place`);
    seen.add(dict);
    for (const [key, value] of dict) {
      if (typeof key !== 'string' && typeof key !== 'number') continue;
      const name = `${prefix}${key}`;
      if (value instanceof Map) collect(value, `${name}.`);
      if (!(value instanceof TensorView)) continue;
      if (views.has(name)) throw new ModelError('E_CHECKPOINT', `there are two tensors named "${name}"`);
      views.set(name, value);
    }
  };
  collect(root, '');
  return views;
}

/** Storage by storage, so that each is in memory once: as the tensors that view it, or while they copy from it. */
function readViews(views: readonly (readonly [string, TensorView])[], prefixLength: number): Tensors {
  const found = new Map<TensorView, Tensor>();
  const byStorage = new Map<TorchStorage, TensorView[]>();
  for (const [, view] of views) {
    const group = byStorage.get(view.storage);
    if (group) group.push(view);
    else byStorage.set(view.storage, [view]);
  }
  for (const [storage, group] of byStorage) {
    for (const view of group) found.set(view, view.tensor());
    storage.release();
  }
  return Object.fromEntries(views.map(([name, view]) => [name.slice(prefixLength), found.get(view)!]));
}
