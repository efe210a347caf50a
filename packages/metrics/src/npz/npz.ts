import { buffer } from 'node:stream/consumers';
import { ZipFile } from 'yazl';
import { npzFault } from '../errors.js';
import { openZip, type ZipEntry } from '../zip.js';
import { MAX_HEADER_BYTES, type NpyArray, type NpyHeader, readNpy, readNpyHeader, writeNpy } from './npy.js';

/** Arrays by name. */
export type Npz = Readonly<Record<string, NpyArray>>;

/** More than the statistics of 5,000 features take. */
const MAX_BYTES = 2 ** 28;

/** The arrays of an .npz file, opened: their names, and of each its header and elements when they are asked for. */
export interface OpenNpz {
  readonly names: readonly string[];
  /** Bytes of its file when read, as the zip states. */
  size(name: string): number;
  header(name: string): Promise<NpyHeader>;
  /** `most`: bytes that are unpacked, by default 256 MiB. */
  read(name: string, most?: number): Promise<NpyArray>;
  close(): void;
}

/**
 * Opens an .npz file, stored or compressed: its path or its bytes. `label`: how errors call it.
 *
 * @throws MetricsError E_NPZ where it is no such file, or what is read is no array of numbers.
 */
export async function openNpz(source: string | Uint8Array, label: string): Promise<OpenNpz> {
  const { entries, close } = await openZip(source, label, 'E_NPZ', '.npz file');
  const files = new Map<string, ZipEntry[]>();
  for (const entry of entries) {
    const name = entry.name.replace(/\.npy$/, '');
    files.set(name, [...(files.get(name) ?? []), entry]);
  }
  const named = (name: string): ZipEntry => {
    const [entry, another] = files.get(name)!;
    if (another) throw npzFault(`${label}: holds two arrays "${name}"`, { file: label, name });
    return entry!;
  };
  return {
    names: [...files.keys()],
    size: (name) => named(name).size,
    async header(name) {
      const { head, size, name: file } = named(name);
      return readNpyHeader(await head(MAX_HEADER_BYTES), size, `${label}: ${file}`);
    },
    async read(name, most = MAX_BYTES) {
      const { read, name: file } = named(name);
      return readNpy(await read(most), `${label}: ${file}`);
    },
    close,
  };
}

/**
 * The arrays of an .npz file, stored or compressed: its path or its bytes.
 *
 * `label`: how errors call it. `choose`: of the names that it has those that are read; the others may be whatever they are,
 * and as long. At most 256 MiB are unpacked.
 *
 * @throws MetricsError E_NPZ where it is no such file, or what is read is no array of numbers.
 */
export async function readNpz(
  source: string | Uint8Array,
  label = typeof source === 'string' ? source : 'npz',
  choose = (names: readonly string[]) => names,
): Promise<Npz> {
  const npz = await openNpz(source, label);
  try {
    const wanted = choose(npz.names);
    const total = wanted.reduce((sum, name) => sum + npz.size(name), 0);
    if (total > MAX_BYTES)
      throw npzFault(`${label}: would unpack to ${total} bytes, and at most ${MAX_BYTES} are read`, {
        file: label,
        bytes: total,
        limit: MAX_BYTES,
      });
    const arrays = new Map<string, NpyArray>();
    for (const name of wanted) arrays.set(name, await npz.read(name));
    return Object.fromEntries(arrays);
  } finally {
    npz.close();
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
