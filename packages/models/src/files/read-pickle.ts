import { constructors } from './constructors.js';
import { type PickleValue, runPickle } from './pickle.js';
import { memorySource } from './source.js';

/**
 * Reads a pickle (protocols 0–5) as plain data, executing nothing: see `PickleValue` for the forms. Tensors come as
 * `TensorView`, whose `tensor()` gives the elements; objects of EDM's persistence and of torch's own modules
 * as `PythonInstance`.
 *
 * Any class or function that is not allow-listed is refused where it would be called, with its name and place.
 * Work and memory are bounded by a multiple of the file's length.
 *
 * @throws ModelError `E_PICKLE`, with `offset`, `opcode` and, where it is about one, `global` in `evidence`.
 */
export function readPickle(bytes: Uint8Array): PickleValue {
  return runPickle(memorySource(bytes), { constructors }).value;
}
