import { buffer } from 'node:stream/consumers';
import { ZipFile } from 'yazl';
import { npzFault } from './errors.js';
import { type NpyArray, readNpy, writeNpy } from './npy.js';
import { openZip } from './zip.js';

/** Arrays by name. */
export type Npz = Readonly<Record<string, NpyArray>>;

/** More than the statistics of 8,000 features need. */
const MAX_BYTES = 2 ** 30;

/**
 * The arrays of an .npz file, stored or compressed.
 *
 * `label`: how errors call it, best its path. At most 1 GiB is unpacked.
 *
 * @throws MetricsError E_NPZ where the bytes are no such file or hold something other than arrays of numbers.
 */
export async function readNpz(bytes: Uint8Array, label = 'npz'): Promise<Npz> {
  const zip = await openZip(bytes, label, 'E_NPZ', MAX_BYTES);
  try {
    const total = zip.entries.reduce((sum, { size }) => sum + size, 0);
    if (total > MAX_BYTES)
      throw npzFault(`${label}: would unpack to ${total} bytes, and at most ${MAX_BYTES} are read`, {
        file: label,
        bytes: total,
        limit: MAX_BYTES,
      });
    const arrays = new Map<string, NpyArray>();
    for (const entry of zip.entries) {
      const name = entry.name.replace(/\.npy$/, '');
      if (arrays.has(name)) throw npzFault(`${label}: holds two arrays "${name}"`, { file: label, name });
      arrays.set(name, readNpy(await entry.read(), `${label}: ${entry.name}`));
    }
    return Object.fromEntries(arrays);
  } finally {
    zip.close();
  }
}

/** The bytes of an .npz file, stored as `numpy.savez` does: the same arrays in the same order give the same bytes. */
export async function writeNpz(arrays: Npz): Promise<Uint8Array> {
  const zip = new ZipFile();
  for (const [name, array] of Object.entries(arrays))
    zip.addBuffer(Buffer.from(writeNpy(array)), `${name}.npy`, {
      compress: false,
      mtime: new Date(1980, 0, 1),
      mode: 0o100644,
      forceDosTimestamp: true,
    });
  zip.end();
  return buffer(zip.outputStream);
}
