import { ModelError } from '../errors.js';
import {
  type Budget,
  describe,
  type PickleConstructor,
  PickleGlobal,
  type PickleValue,
  runPickle,
} from './pickle.js';
import type { Source } from './source.js';
import { bytesPerElement } from './tensor.js';
import { storageId, TorchStorage } from './torch-storage.js';

/** First value of a file that `torch.save` wrote before its zip format, and still writes inside of pickles. */
const MAGIC = 0x1950a86a20f9469cfc6cn;
const PROTOCOL = 1001;

/** How the pickle of that number ends, in protocols 2 to 5 and in protocol 1. */
const ENDS = ['\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.', 'L119547037146038801333356L\n.'];
/** What stands before that: nothing, the protocol, or the protocol and the length of a frame. */
const STARTS = [0, 2, 11];

/** Whether a file starts with the pickle of that number. */
export function isTorchLegacy(source: Source): boolean {
  const head = Buffer.from(source.read(0, Math.min(source.length, 32))).toString('latin1');
  return ENDS.some((end) => STARTS.includes(head.indexOf(end)));
}

/**
 * Reads PyTorch's legacy format: pickles of magic number, protocol, machine, object and storage keys, one after
 * another, then for each key a count and its raw little-endian elements, which are read when first asked for.
 *
 * @throws ModelError `E_PICKLE`.
 */
export function readTorchLegacy(
  source: Source,
  constructors: ReadonlyMap<string, PickleConstructor>,
  budget: Budget,
): PickleValue {
  let start = 0;
  const next = (persistent?: PickleConstructor): PickleValue => {
    const { value, end } = runPickle(source, {
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

  const storages = new Map<string, TorchStorage>();
  const value = next(([id], machine) => {
    // the class of a module, with where its source was and the text of it
    if (Array.isArray(id) && id[0] === 'module' && id[1] instanceof PickleGlobal) return id[1];
    const { key, dtype, length, part } = storageId(id, machine);
    const whole = storages.get(key) ?? new TorchStorage(dtype, length, undefined);
    if (whole.dtype !== dtype || whole.length !== length)
      throw machine.fault(`storage "${key}" is of two types or lengths`);
    storages.set(key, whole);
    // old versions of PyTorch also wrote storages that are parts of others
    return part ? whole.part(part.offset, part.length) : whole;
  });
  const keys = next();
  if (!Array.isArray(keys)) throw fault(`storage keys are ${describe(keys)} where a list is due`);
  for (const key of keys) {
    const storage = storages.get(key);
    if (!storage) throw fault(`nothing refers to storage ${describe(key)}`);
    const size = storage.length * bytesPerElement(storage.dtype);
    if (source.length - start < 8 + size)
      throw fault(
        `storage ${describe(key)} takes ${size} bytes, ${source.length - start} are left; it is cut short`,
      );
    const count = Buffer.from(source.read(start, 8)).readBigInt64LE();
    if (count !== BigInt(storage.length))
      throw fault(`storage ${describe(key)} holds ${count} elements, the pickle says ${storage.length}`);
    const at = start + 8;
    storage.read = () => source.read(at, size);
    start = at + size;
    storages.delete(key);
  }
  if (storages.size > 0) throw fault(`the elements of ${storages.size} storages are missing`);
  return value;
}
