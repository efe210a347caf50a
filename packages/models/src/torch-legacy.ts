import { ModelError } from './errors.js';
import { type Budget, describe, type PickleConstructor, type PickleValue, runPickle } from './pickle.js';
import { bytesPerElement } from './tensor.js';
import { storageId, TorchStorage } from './torch-storage.js';

/** First value of a file that `torch.save` wrote before its zip format, and still writes inside of pickles. */
const MAGIC = 0x1950a86a20f9469cfc6cn;
const PROTOCOL = 1001;

/** Whether a file starts with the pickle of that number, in protocol 2, the only one that it was written in. */
export const isTorchLegacy = (bytes: Uint8Array): boolean =>
  Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, 15)).toString('latin1') ===
  '\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.';

/**
 * Reads PyTorch's legacy format: pickles of magic number, protocol, machine, object and storage keys, one after
 * another, then for each key a count and its raw little-endian elements.
 *
 * @throws ModelError `E_PICKLE`.
 */
export function readTorchLegacy(
  bytes: Uint8Array,
  constructors: ReadonlyMap<string, PickleConstructor>,
  budget: Budget,
): PickleValue {
  let start = 0;
  const next = (persistent?: PickleConstructor): PickleValue => {
    const { value, end } = runPickle(bytes, {
      constructors,
      start,
      budget,
      ...(persistent && { persistent }),
    });
    start = end;
    return value;
  };
  const fault = (message: string) =>
    new ModelError('E_PICKLE', `torch file, byte ${start}: ${message}`, { offset: start });

  const magic = next();
  if (magic !== MAGIC) throw fault(`it starts with ${describe(magic)} where PyTorch's magic number is due`);
  const protocol = next();
  if (protocol !== PROTOCOL) throw fault(`its protocol is ${describe(protocol)}; ${PROTOCOL} is read`);
  const machine = next();
  if (machine instanceof Map && machine.get('little_endian') === false)
    throw fault('it was written on a big-endian machine; such files are not read');

  const storages = new Map<PickleValue, TorchStorage>();
  const value = next(([id], machine) => {
    const { key, dtype, length } = storageId(id, machine);
    const known = storages.get(key);
    if (known) return known;
    const storage = new TorchStorage(dtype, length, undefined);
    storages.set(key, storage);
    return storage;
  });
  const keys = next();
  if (!Array.isArray(keys)) throw fault(`storage keys are ${describe(keys)} where a list is due`);
  for (const key of keys) {
    const storage = storages.get(key);
    if (!storage) throw fault(`nothing refers to storage ${describe(key)}`);
    const size = storage.length * bytesPerElement(storage.dtype);
    if (bytes.length - start < 8 + size)
      throw fault(
        `storage ${describe(key)} takes ${size} bytes, ${bytes.length - start} are left; it is cut short`,
      );
    const count = new DataView(bytes.buffer, bytes.byteOffset + start).getBigInt64(0, true);
    if (count !== BigInt(storage.length))
      throw fault(`storage ${describe(key)} holds ${count} elements, the pickle says ${storage.length}`);
    const elements = bytes.subarray(start + 8, start + 8 + size);
    storage.read = () => elements;
    start += 8 + size;
    storages.delete(key);
  }
  if (storages.size > 0) throw fault(`the elements of ${storages.size} storages are missing`);
  return value;
}
