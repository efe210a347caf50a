import { constructors } from './constructors.js';
import { ModelError } from './errors.js';
import { type PickleValue, runPickle } from './pickle.js';
import type { Source } from './source.js';
import { bytesPerElement } from './tensor.js';
import { storageId, TorchStorage } from './torch-storage.js';
import { openZip, readStored, type ZipEntry } from './zip.js';

/**
 * Reads PyTorch's zip format: a pickle `data.pkl`, and the elements of each storage as a file `data/KEY`, all in one
 * folder. The pickle is run; no storage's bytes are read before they are asked for.
 *
 * @throws ModelError `E_PICKLE` or `E_ZIP`.
 */
export async function readTorchZip(source: Source): Promise<PickleValue> {
  const entries = new Map((await openZip(source)).map((entry) => [entry.name, entry]));
  const pickle = [...entries.keys()].find((name) => /^[^/]+\/data\.pkl$/.test(name));
  const fault = (message: string) => new ModelError('E_PICKLE', `torch file: ${message}`);
  if (!pickle) throw fault('it is a zip without FOLDER/data.pkl, so not one that PyTorch wrote');
  const folder = pickle.slice(0, pickle.indexOf('/') + 1);
  if (entries.has(`${folder}constants.pkl`))
    throw fault('it is a TorchScript program; only the weights of a state_dict are read');
  const byteorder = entries.get(`${folder}byteorder`);
  if (byteorder && text(byteorder) !== 'little')
    throw fault(`its byte order is "${text(byteorder)}"; little is read`);

  const storages = new Map<string, TorchStorage>();
  return runPickle(readStored(entries.get(pickle)!), {
    constructors,
    persistent([id], machine) {
      const { key, dtype, length } = storageId(id, machine);
      const known = storages.get(key);
      if (known?.dtype === dtype && known.length === length) return known;
      const entry = entries.get(`${folder}data/${key}`);
      if (!entry) throw machine.fault(`the file has no elements of storage "${key}"`);
      const size = length * bytesPerElement(dtype);
      if (known || entry.size !== size)
        throw machine.fault(
          `storage "${key}" holds ${entry.size} bytes, the pickle says ${size}${known ? ' of another kind' : ''}`,
        );
      const storage = new TorchStorage(dtype, length, () => readStored(entry));
      storages.set(key, storage);
      return storage;
    },
  }).value;
}

/** A record of a few letters. */
const text = (entry: ZipEntry): string =>
  entry.size > 64 ? 'unreadable' : Buffer.from(readStored(entry)).toString('latin1').trim();
