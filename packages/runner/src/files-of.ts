import { readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { everyFile, type FileRef, type FilesOf, outside } from '@fewstep/taskgraph';

/** What a file or folder of a spec is taken for. */
type Role = 'images' | 'onnx' | 'model';

/** A file or folder of a spec, as an input. */
export const fileOf = (path: string, as: Role): FileRef => outside(path, as);

/**
 * Which files a file or folder stands for: itself, and what is read with it. Of ONNX the files that its weights are in, of an
 * index its shards, of a folder of images those, and their labels.
 */
export const filesOf: FilesOf = async (path, as) => {
  if (/\.index\.json$/i.test(path)) return [basename(path), ...shardsIn(path)];
  if (statSync(path).isDirectory())
    return as === 'images' ? (await import('@fewstep/metrics')).imageSetFiles(path) : everyFile(path, as);
  if (as !== 'onnx') return [basename(path)];
  const { externalFiles } = await import('@fewstep/models');
  return [basename(path), ...externalFiles(path)];
};

/** Files that an index of shards names; what is no such index is for its reader to refuse. */
function shardsIn(path: string): string[] {
  try {
    const map: unknown = JSON.parse(readFileSync(path, 'utf8')).weight_map ?? {};
    const names = new Set(Object.values(map as object));
    return [...names].filter((name) => typeof name === 'string' && basename(name) === name);
  } catch {
    return [];
  }
}

/** Bytes of a set of images, by which it is cut into parts; 0 where there is none. */
export function bytesOfImages(path: string): number {
  const info = statSync(path, { throwIfNoEntry: false });
  if (!info?.isDirectory()) return info?.size ?? 0;
  let bytes = 0;
  for (const entry of readdirSync(path, { recursive: true, withFileTypes: true }))
    if (/\.(png|jpe?g|webp|gif|tiff?|avif)$/i.test(entry.name) && !entry.isDirectory())
      bytes += statSync(join(entry.parentPath, entry.name), { throwIfNoEntry: false })?.size ?? 0;
  return bytes;
}
