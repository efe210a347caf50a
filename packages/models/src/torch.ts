import { constructors } from './constructors.js';
import { ModelError } from './errors.js';
import { budgetFor, type PickleValue } from './pickle.js';
import { readPickle } from './read-pickle.js';
import type { Source } from './source.js';
import { isTorchLegacy, readTorchLegacy } from './torch-legacy.js';
import { readTorchZip } from './torch-zip.js';

/**
 * Reads what `torch.save` or `pickle.dump` wrote (`.pt`, `.pth`, `.ckpt`, `.pkl`) as plain data, executing nothing:
 * PyTorch's zip format, its legacy format, or a pickle alone. Tensors come as `TensorView`; of the zip format, whose
 * files are the large ones, their elements are read from `source` when first asked for.
 *
 * @throws ModelError `E_PICKLE` or `E_ZIP`.
 */
export async function readTorch(source: Source): Promise<PickleValue> {
  const head = source.read(0, Math.min(4, source.length));
  if (Buffer.from(head).toString('latin1') === 'PK\x03\x04') return readTorchZip(source);
  const bytes = source.read(0, source.length);
  return isTorchLegacy(bytes)
    ? readTorchLegacy(bytes, constructors, budgetFor(bytes.length))
    : readPickle(bytes);
}

/** An error of reading `path` says so first; whatever else went wrong stays as it is. */
export function atPath(path: string, cause: unknown): unknown {
  if (!(cause instanceof ModelError) || cause.evidence.path === path) return cause;
  return new ModelError(cause.code, `${path}: ${cause.message}`, { ...cause.evidence, path }, { cause });
}
