import { withPath } from '../errors.js';
import { type OpenTensors, openTensors } from './open-tensors.js';
import { openShards } from './shards.js';
import { fileSource } from './source.js';
import type { Tensors } from './tensor.js';
import type { TensorFile } from './tensor-file.js';

/**
 * The named tensors of a checkpoint, of which only names, types and shapes are in memory until they are read; but a
 * pickle, whose elements are within, is in memory as long as this is.
 */
export interface StateDict extends Pick<TensorFile, 'format' | 'tensors'> {
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
 * Opens the tensors of a checkpoint: PyTorch's zip and legacy formats (`.pt`, `.pth`, `.ckpt`), TorchScript programs
 * among them, a pickle (`.pkl`), safetensors, a zip of one of them, or an index of shards (`*.index.json`). Of a pickle,
 * those under `state_dict` are taken where it has that key, as Lightning's have, else all of them; names of nested dicts
 * and modules are joined by dots, and what is no tensor is left out.
 *
 * Memory: the tensors that are read, once. Nothing is executed.
 * @throws ModelError `E_CHECKPOINT`, `E_PICKLE`, `E_ZIP` or `E_SAFETENSORS`, with `path` in `evidence`.
 */
export async function openStateDict(path: string): Promise<StateDict> {
  const { file, close } = await openTensorsAt(path);
  return {
    format: file.format,
    tensors: file.tensors,
    read(prefix = '') {
      const names = [...file.tensors.keys()].filter((name) => name.startsWith(prefix));
      const found = withPath(path, () => file.read(names));
      return Object.fromEntries([...found].map(([name, tensor]) => [name.slice(prefix.length), tensor]));
    },
    close,
  };
}

/** The same, as what its format makes of it. @throws as `openStateDict` */
export const openTensorsAt = (path: string): Promise<OpenTensors> =>
  withPath(path, async () =>
    /\.index(?:\.\w+)?\.json$/.test(path) ? openShards(path) : openTensors(fileSource(path)),
  );

/** `openStateDict`, `read` with that prefix, and `close`. @throws as they do. */
export async function readStateDict(path: string, { prefix = '' } = {}): Promise<Tensors> {
  const dict = await openStateDict(path);
  try {
    return dict.read(prefix);
  } finally {
    dict.close();
  }
}
