import { ModelError } from '../errors.js';
import { constructors } from './constructors.js';
import { type Budget, type PickleValue, runPickle } from './pickle.js';
import { withScriptModules } from './script-module.js';
import { memorySource } from './source.js';
import { bytesPerElement } from './tensor.js';
import { storageId, TorchStorage } from './torch-storage.js';
import type { ZipEntry } from './zip.js';

/** The pickle of a zip that PyTorch wrote lies in the folder that all of its files lie in. */
const pickleOf = (entries: readonly ZipEntry[]) =>
  entries.find(({ name }) => /^[^/]+\/data\.pkl$/.test(name));

export const isTorchZip = (entries: readonly ZipEntry[]): boolean => pickleOf(entries) !== undefined;

/**
 * Reads PyTorch's zip format: a pickle `data.pkl`, and the elements of each storage as a file `data/KEY`. The pickle is
 * run; a storage's bytes are read when first asked for. A TorchScript program has its code and the constants within
 * beside them, which are left alone: its modules come as `ScriptModule`. `budget`: that of the file, for tensors may have to
 * be copied.
 *
 * @throws ModelError `E_PICKLE` or `E_ZIP`.
 */
export function readTorchZip(files: readonly ZipEntry[], budget: Budget): PickleValue {
  const fault = (message: string) => new ModelError('E_PICKLE', `torch file: ${message}`);
  const pickle = pickleOf(files);
  if (!pickle) throw fault('it is a zip without FOLDER/data.pkl, so not one that PyTorch wrote');
  const folder = pickle.name.slice(0, pickle.name.indexOf('/') + 1);
  const entries = new Map(files.map((entry) => [entry.name, entry]));
  const byteorder = entries.get(`${folder}byteorder`);
  if (byteorder && text(byteorder) !== 'little')
    throw fault(`its byte order is "${text(byteorder)}"; little is read`);

  const storages = new Map<string, TorchStorage>();
  return runPickle(memorySource(pickle.read()), {
    constructors: withScriptModules(constructors),
    budget,
    persistent([id], machine) {
      const { key, dtype, length, part } = storageId(id, machine);
      if (part) throw machine.fault('a storage that is a part of another is of the legacy format');
      const known = storages.get(key);
      if (known?.dtype === dtype && known.length === length) return known;
      const entry = entries.get(`${folder}data/${key}`);
      if (!entry) throw machine.fault(`the file has no elements of storage "${key}"`);
      const size = length * bytesPerElement(dtype);
      if (known || entry.size !== size)
        throw machine.fault(
          `storage "${key}" holds ${entry.size} bytes, the pickle says ${size}${known ? ' of another kind' : ''}`,
        );
      const storage = new TorchStorage(dtype, length, () => entry.read());
      storages.set(key, storage);
      return storage;
    },
  }).value;
}

/** A record of a few letters. */
const text = (entry: ZipEntry): string =>
  entry.size > 64 ? 'unreadable' : Buffer.from(entry.read()).toString('latin1').trim();
