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
 * The arrays of an .npz file, stored or compressed: its path or its bytes.
 *
 * `label`: how errors call it. `choose`: of the names that it has those that are read; the others may be whatever they are,
 * and as long. At most 1 GiB is unpacked.
 *
 * @throws MetricsError E_NPZ where it is no such file, or what is read is no array of numbers.
 */
export async function readNpz(
  source: string | Uint8Array,
  label = typeof source === 'string' ? source : 'npz',
  choose = (names: readonly string[]) => names,
): Promise<Npz> {
  const zip = await openZip(source, label, 'E_NPZ', MAX_BYTES);
  try {
    const named = zip.entries.map((entry) => ({ ...entry, array: entry.name.replace(/\.npy$/, '') }));
    const chosen = choose(named.map(({ array }) => array));
    const wanted = named.filter(({ array }) => chosen.includes(array));
    const total = wanted.reduce((sum, { size }) => sum + size, 0);
    if (total > MAX_BYTES)
      throw npzFault(`${label}: would unpack to ${total} bytes, and at most ${MAX_BYTES} are read`, {
        file: label,
        bytes: total,
        limit: MAX_BYTES,
      });
    const arrays = new Map<string, NpyArray>();
    for (const { array, name, read } of wanted) {
      if (arrays.has(array))
        throw npzFault(`${label}: holds two arrays "${array}"`, { file: label, name: array });
      arrays.set(array, readNpy(await read(), `${label}: ${name}`));
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
