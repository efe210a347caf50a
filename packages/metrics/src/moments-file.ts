import { featureFault } from './errors.js';
import { DIGIT_BITS, entryCount, type Moments } from './moments.js';
import { readNpz, writeNpz } from './npz.js';

/** The bytes of an .npz file with the moments. Equal moments give equal bytes. */
export function writeMoments({ dim, lowest, digits }: Moments): Promise<Uint8Array> {
  return writeNpz({
    dim: { dtype: 'float64', shape: [], data: Float64Array.of(dim) },
    lowest: { dtype: 'float64', shape: [], data: Float64Array.of(lowest) },
    digits: { dtype: 'float64', shape: [digits.length / entryCount(dim), entryCount(dim)], data: digits },
  });
}

/**
 * Moments as `writeMoments` left them. `label`: how errors call the file.
 *
 * @throws MetricsError E_NPZ where it is no .npz file; E_FEATURES where it holds no moments.
 */
export async function readMoments(bytes: Uint8Array, label = 'moments'): Promise<Moments> {
  const arrays = await readNpz(bytes, label);
  const dim = Number(arrays.dim?.data[0]);
  const lowest = Number(arrays.lowest?.data[0]);
  const digits = arrays.digits?.data;
  const half = 2 ** (DIGIT_BITS - 1);
  if (
    !(Number.isSafeInteger(dim) && dim > 0 && Number.isSafeInteger(lowest) && lowest <= 0) ||
    !(digits instanceof Float64Array && digits.length % entryCount(dim) === 0) ||
    !digits.every((digit) => Number.isInteger(digit) && digit >= -half && digit < half)
  )
    throw featureFault(
      `${label}: holds no feature moments (arrays dim, lowest and digits); it was written by something else or is damaged`,
      { file: label, found: Object.keys(arrays) },
    );
  return { dim, lowest, digits };
}
