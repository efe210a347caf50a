import { ModelError } from '../errors.js';
import { memorySource, type Source } from './source.js';
import {
  bytesPerElement,
  type Dtype,
  isCount,
  isDtype,
  isShape,
  MAX_RANK,
  sizeOf,
  type Tensor,
  type Tensors,
  tensorOf,
} from './tensor.js';
import type { TensorFile } from './tensor-file.js';

/** Longest header in bytes. The format allows 100 MB, which as JSON takes forty times as much; the largest networks take 1 MB. */
const MAX_HEADER = 2 ** 24;
const METADATA = '__metadata__';

interface Entry {
  readonly name: string;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

/**
 * Reads a safetensors file: u64 header length, JSON header, raw little-endian data.
 *
 * Everything is checked before a tensor is made: dtypes, shapes, and that the tensors' bytes cover the data part
 * without gap or overlap. Tensors share memory with `bytes` where alignment allows. Their order is the header's.
 *
 * Source: https://huggingface.co/docs/safetensors.
 * @throws ModelError `E_SAFETENSORS`, with the offending `tensor` in `evidence` where there is one.
 */
export function readSafetensors(bytes: Uint8Array): Tensors {
  const file = openSafetensors(memorySource(bytes));
  return Object.fromEntries(file.read(file.tensors.keys()));
}

/** The same file opened: its header is read and checked, its elements are read when asked for. */
export function openSafetensors(source: Source): TensorFile {
  const { header, start } = readHeader(source);
  const entries = new Map(
    Object.entries(header)
      .filter(([name]) => name !== METADATA)
      .map(([name, value]) => [name, parseEntry(name, value)]),
  );
  checkCover([...entries.values()], source.length - start);
  const read = (name: string) => {
    const { dtype, shape, begin, end } = entries.get(name)!;
    return tensorOf(dtype, shape, source.read(start + begin, end - begin));
  };
  return {
    format: 'safetensors',
    tensors: entries,
    read: (names) => new Map(Array.from(names, (name) => [name, read(name)])),
  };
}

/** Whether a file starts like that: a header length of eight bytes, then JSON. */
export const isSafetensors = (head: Uint8Array): boolean =>
  head.length > 8 && head[8] === 0x7b && head.subarray(4, 8).every((byte) => byte === 0);

/** The free-form text entries of a safetensors file; empty where it has none. @throws as `readSafetensors`. */
export function readSafetensorsMetadata(bytes: Uint8Array): Readonly<Record<string, string>> {
  const metadata = readHeader(memorySource(bytes)).header[METADATA] ?? {};
  if (!isRecord(metadata) || !Object.values(metadata).every((value) => typeof value === 'string'))
    throw fault(`${METADATA} must map names to strings`, { metadata });
  return metadata as Record<string, string>;
}

/**
 * Writes a safetensors file. The same tensors and metadata give the same bytes whatever the order of their keys:
 * larger element types come first, then names in code-unit order, so every tensor is aligned.
 *
 * @throws ModelError `E_SAFETENSORS` when a tensor's data doesn't fit its shape.
 */
export function writeSafetensors(
  tensors: Tensors,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  const sorted = Object.entries(tensors).sort(
    ([a, { dtype: p }], [b, { dtype: q }]) =>
      bytesPerElement(q) - bytesPerElement(p) || (a < b ? -1 : a > b ? 1 : 0),
  );
  const entries: [string, unknown][] = [];
  if (Object.keys(metadata).length > 0)
    entries.push([
      METADATA,
      Object.fromEntries(Object.entries(metadata).sort(([a], [b]) => (a < b ? -1 : 1))),
    ]);
  let offset = 0;
  for (const [name, tensor] of sorted) {
    checkWritable(name, tensor);
    const begin = offset;
    offset += tensor.data.byteLength;
    entries.push([name, { dtype: tensor.dtype, shape: tensor.shape, data_offsets: [begin, offset] }]);
  }
  const text = new TextEncoder().encode(JSON.stringify(Object.fromEntries(entries)));
  const start = 8 + Math.ceil(text.length / 8) * 8;
  const file = new Uint8Array(start + offset).fill(0x20, 8, start);
  new DataView(file.buffer).setBigUint64(0, BigInt(start - 8), true);
  file.set(text, 8);
  let at = start;
  for (const [, { data }] of sorted) {
    file.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at);
    at += data.byteLength;
  }
  return file;
}

const fault = (message: string, evidence: Record<string, unknown> = {}, cause?: unknown) =>
  new ModelError('E_SAFETENSORS', `safetensors: ${message}`, evidence, { cause });

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function readHeader(source: Source): { header: Record<string, unknown>; start: number } {
  if (source.length < 8)
    throw fault(`a file starts with 8 bytes of header length, this one has ${source.length} bytes in all`, {
      length: source.length,
    });
  const length = Number(Buffer.from(source.read(0, 8)).readBigUInt64LE());
  if (length > MAX_HEADER || length > source.length - 8)
    throw fault(
      `the header is said to take ${length} bytes, but ${source.length - 8} follow and ${MAX_HEADER} are allowed; ` +
        'the file is cut short or of another format',
      { headerLength: length, length: source.length },
    );
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(source.read(8, length)));
  } catch (cause) {
    throw fault(
      `the header is not JSON in UTF-8: ${(cause as Error).message}`,
      { headerLength: length },
      cause,
    );
  }
  if (!isRecord(header)) throw fault('the header must be a JSON object');
  return { header, start: 8 + length };
}

function parseEntry(name: string, value: unknown): Entry {
  const wrong = (message: string) => fault(`tensor "${name.slice(0, 200)}": ${message}`, { tensor: name });
  if (!isRecord(value)) throw wrong('its entry must be an object with dtype, shape and data_offsets');
  const { dtype, shape, data_offsets: offsets } = value;
  if (!isDtype(dtype))
    throw wrong(`dtype ${typeof dtype === 'string' ? `"${dtype.slice(0, 40)}"` : typeof dtype} is unknown`);
  if (!isShape(shape) || !isCount(sizeOf(shape)))
    throw wrong(`shape is no list of at most ${MAX_RANK} dimensions`);
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isCount))
    throw wrong('data_offsets are no pair of byte positions');
  const [begin, end] = offsets as [number, number];
  const needed = sizeOf(shape) * bytesPerElement(dtype);
  if (end - begin !== needed)
    throw wrong(`${dtype} [${shape}] takes ${needed} bytes, data_offsets give ${end - begin}`);
  return { name, dtype, shape, begin, end };
}

/** Tensors must lie end to end over the whole data part, so no byte is read twice or unaccounted for. */
function checkCover(entries: readonly Entry[], length: number): void {
  let covered = 0;
  for (const { name, begin, end } of [...entries].sort((a, b) => a.begin - b.begin || a.end - b.end)) {
    if (begin !== covered)
      throw fault(
        `tensor "${name}" begins at byte ${begin} where the one before ends at ${covered}: ` +
          (begin < covered ? 'they overlap' : 'the bytes between belong to none'),
        { tensor: name, begin, previousEnd: covered },
      );
    if (end > length)
      throw fault(`tensor "${name}" ends at byte ${end} of ${length}: the file is cut short`, {
        tensor: name,
        end,
        length,
      });
    covered = end;
  }
  if (covered !== length)
    throw fault(`the tensors take ${covered} bytes of data, the file has ${length}`, { covered, length });
}

function checkWritable(name: string, { dtype, shape, data }: Tensor): void {
  if (name === METADATA) throw fault(`"${METADATA}" is no name for a tensor`, { tensor: name });
  if (!shape.every(isCount) || sizeOf(shape) !== data.length)
    throw fault(`tensor "${name}": ${dtype} [${shape}] can't hold ${data.length} elements`, {
      tensor: name,
      shape,
      length: data.length,
    });
}
