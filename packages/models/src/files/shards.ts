import { dirname, join } from 'node:path';
import { checkpointFault, withPath } from '../errors.js';
import { type OpenTensors, openTensors } from './open-tensors.js';
import { fileSource, wholeFile } from './source.js';
import type { Tensor } from './tensor.js';
import type { TensorInfo } from './tensor-file.js';

const MAX_INDEX = 2 ** 24;
const MAX_SHARDS = 256;

/**
 * Opens tensors that are spread over files by an index: JSON whose `weight_map` gives the file of each name, as
 * `model.safetensors.index.json` does.
 *
 * @throws ModelError `E_CHECKPOINT` where the index is none, names a file outside of its folder, or where files hold
 * other tensors than it says; and as `openTensors`, with the shard's `path` in `evidence`.
 */
export async function openShards(path: string): Promise<OpenTensors> {
  const map = readIndex(path);
  const files = [...new Set(map.values())];
  const opened = new Map<string, OpenTensors>();
  const close = () => {
    for (const shard of opened.values()) shard.close();
  };
  try {
    for (const file of files) {
      const shard = join(dirname(path), file);
      opened.set(file, await withPath(shard, () => openTensors(fileSource(shard))));
    }
    checkNames(map, opened);
  } catch (cause) {
    close();
    throw cause;
  }
  const fileOf = (name: string) => opened.get(map.get(name)!)!.file;
  return {
    file: {
      format: `${files.length} shards of ${[...new Set([...opened.values()].map(({ file }) => file.format))].join(', ')}`,
      tensors: new Map(
        Array.from(map.keys(), (name): [string, TensorInfo] => [name, fileOf(name).tensors.get(name)!]),
      ),
      read(names) {
        const wanted = [...names];
        const found = new Map<string, Tensor>();
        for (const [file, { file: shard }] of opened)
          for (const [name, tensor] of shard.read(wanted.filter((one) => map.get(one) === file)))
            found.set(name, tensor);
        return new Map(wanted.map((name) => [name, found.get(name)!]));
      },
    },
    close,
  };
}

function readIndex(path: string): Map<string, string> {
  const fault = (message: string, cause?: unknown) => checkpointFault(`${path}: ${message}`, { path }, cause);
  const bytes = wholeFile(path, MAX_INDEX);
  let index: unknown;
  try {
    index = JSON.parse(Buffer.from(bytes).toString());
  } catch (cause) {
    throw fault('it is no JSON', cause);
  }
  const map = (index as { weight_map?: unknown } | null)?.weight_map;
  if (typeof map !== 'object' || map === null)
    throw fault('it has no "weight_map", so it is no index of shards');
  const entries = Object.entries(map);
  for (const [name, file] of entries)
    if (typeof file !== 'string' || !/^[\w-][\w.-]*$/.test(file))
      throw fault(`the file of "${name.slice(0, 200)}" is no name of a file beside the index`);
  const files = new Set(entries.map(([, file]) => file));
  if (files.size > MAX_SHARDS) throw fault(`it names ${files.size} files; ${MAX_SHARDS} are allowed`);
  return new Map(entries as [string, string][]);
}

/** The files hold what the index says, and nothing else. */
function checkNames(map: ReadonlyMap<string, string>, opened: ReadonlyMap<string, OpenTensors>): void {
  const missing = [...map].filter(([name, file]) => !opened.get(file)!.file.tensors.has(name));
  const unexpected = [...opened].flatMap(([file, shard]) =>
    [...shard.file.tensors.keys()].filter((name) => map.get(name) !== file).map((name) => [name, file]),
  );
  const list = (pairs: readonly (readonly string[])[]) =>
    pairs
      .slice(0, 8)
      .map(([name, file]) => `${name} (${file})`)
      .join(', ');
  if (missing.length > 0 || unexpected.length > 0)
    throw checkpointFault(
      `the shards are not those of the index: ${missing.length} tensors are missing: ${list(missing) || 'none'}; ` +
        `${unexpected.length} are elsewhere or unknown: ${list(unexpected) || 'none'}`,
      { missing: missing.map(([name]) => name), unexpected: unexpected.map(([name]) => name) },
    );
}
