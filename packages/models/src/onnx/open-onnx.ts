import { dirname, join } from 'node:path';
import { onnxFault, withPath } from '../errors.js';
import { foreignFormat, isOnnx } from '../files/sniff.js';
import { memorySource, type Source, withSource } from '../files/source.js';
import { type OnnxFile, readOnnx } from './onnx-file.js';
import type { StoredElements } from './onnx-tensor.js';

/** An ONNX file, and how its weights are read. */
export interface OpenedOnnx {
  readonly file: OnnxFile;
  read(part: StoredElements): Uint8Array;
}

/** Protocol buffers end here. */
const MAX_BYTES = 2 ** 31 - 1;

/**
 * Opens an ONNX file. Its weights are read when they are asked for; that they are there is checked at once.
 *
 * @throws ModelError `E_ONNX`, or `E_CHECKPOINT` for a file that can't be read, with `path` in `evidence`
 */
export function openOnnx(path: string): OpenedOnnx {
  const file = readOnnxFile(path);
  const at = <T>(location: string | undefined, use: (source: Source) => T) =>
    withSource(location === undefined ? path : join(dirname(path), location), use);
  for (const { location, offset, length } of external(file.initializers))
    withPath(path, () =>
      at(location, (source) => {
        if (offset + length > source.length)
          throw onnxFault(
            `${location} has ${source.length} bytes, and weights up to byte ${offset + length} are said to be there: it is cut short, or another model's`,
            { location, length: source.length },
          );
      }),
    );
  return {
    file,
    read: ({ location, offset, length }) => at(location, (source) => source.read(offset, length)),
  };
}

/** An ONNX file in memory, which must hold its weights. @throws ModelError `E_ONNX` */
export function openOnnxBytes(bytes: Uint8Array): OpenedOnnx {
  const file = readOnnx(memorySource(bytes));
  const [part] = external(file.initializers);
  if (part)
    throw onnxFault(`its weights are in another file, ${part.location}: give the path of the model`, {
      location: part.location,
    });
  return { file, read: ({ offset, length }) => bytes.subarray(offset, offset + length) };
}

/**
 * Names of the files beside an ONNX file that its weights are in, each once. Weights are passed over, not read.
 *
 * @throws as `openOnnx`, but for files that aren't there
 */
export const externalFiles = (path: string): string[] => externalFilesOf(readOnnxFile(path).initializers);

export const externalFilesOf = (initializers: OnnxFile['initializers']): string[] => [
  ...new Set(external(initializers).map(({ location }) => location)),
];

/** The outline of an ONNX file; of its weights only where they are is read. @throws as `externalFiles` */
export function readOnnxFile(path: string): OnnxFile {
  return withPath(path, () =>
    withSource(path, (source) => {
      if (source.length > MAX_BYTES)
        throw onnxFault(
          `it has ${source.length} bytes, and no ONNX model has more than ${MAX_BYTES}: save its weights beside it`,
          { length: source.length },
        );
      try {
        return readOnnx(source);
      } catch (cause) {
        const found = otherFormat(source.read(0, Math.min(source.length, 256)));
        throw found === undefined
          ? cause
          : onnxFault(`it is ${found}, and an ONNX file is needed`, { found }, cause);
      }
    }),
  );
}

/** What a file is that is no graph; undefined where it may be a damaged one. */
const otherFormat = (head: Uint8Array): string | undefined =>
  isOnnx(head) ? undefined : head[0] === PICKLE && head[1]! <= 5 ? 'a pickle' : foreignFormat(head);

/** How pickles of protocol 2 and later start, before its number. */
const PICKLE = 0x80;

const external = (initializers: OnnxFile['initializers']) =>
  initializers.flatMap(({ elements }) => {
    if (!('stored' in elements)) return [];
    const { location, ...place } = elements.stored;
    return location === undefined ? [] : [{ location, ...place }];
  });
