import { readFileSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { filesInFolder, imageNames } from '@fewstep/metrics/image-names';
import { everyFile, type FileRef, type FilesOf, outside } from '@fewstep/taskgraph';

/** What a file or folder of a spec is taken for. */
type Role = 'images' | 'onnx' | 'model' | 'module';

/** A file or folder of a spec, as an input; none where there is none. */
export const fileOf = <P extends string | undefined>(path: P, as: Role) =>
  (path === undefined ? undefined : outside(path, as)) as P extends string ? FileRef : undefined;

/**
 * Which files a file or folder stands for: itself, and what is read with it. Of ONNX the files that its weights are in, of an
 * index its shards, of a folder of images those: labels are nothing to what is made of them.
 */
export const filesOf: FilesOf = async (path, as) => {
  if (as === 'module') return (await import('./modules/files-of-module.js')).filesOfModule(path);
  if (/\.index\.json$/i.test(path)) return [basename(path), ...shardsIn(path)];
  if (statSync(path).isDirectory()) return as === 'images' ? imagesIn(path) : everyFile(path, as);
  if (as !== 'onnx') return [basename(path)];
  const { externalFiles } = await import('@fewstep/models');
  return [basename(path), ...externalFiles(path)];
};

/** No index of shards is longer. */
const mostIndexBytes = 2 ** 24;

/** Files that an index of shards names; what is no such index is for its reader to refuse. */
function shardsIn(path: string): string[] {
  try {
    if (statSync(path).size > mostIndexBytes) return [];
    const map: unknown = JSON.parse(readFileSync(path, 'utf8')).weight_map ?? {};
    const names = new Set(Object.values(map as object));
    return [...names].filter((name) => typeof name === 'string' && basename(name) === name);
  } catch {
    return [];
  }
}

/** The images of a folder, also those of kinds that its reader will refuse. */
export function imagesIn(folder: string): string[] {
  const { images, others } = imageNames(filesInFolder(folder));
  return [...images, ...others];
}

/** Bytes of a set of images, by which it is cut into parts; 0 where there is none. */
export function bytesOfImages(path: string): number {
  const sizeOf = (file: string) => statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  if (!statSync(path, { throwIfNoEntry: false })?.isDirectory()) return sizeOf(path);
  return imagesIn(path).reduce((sum, name) => sum + sizeOf(join(path, name)), 0);
}
