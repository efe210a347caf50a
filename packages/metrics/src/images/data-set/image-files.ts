import { LONGEST_FILE } from '../png.js';
import { decode, type Label, openImageSet, readLabels } from '../read-images.js';
import { ahead } from './ahead.js';
import type { ImageSource, SourceImage } from './image-source.js';

/**
 * A zip or folder of images, each as it is, in the order in which the official tool takes them: a zip's by their names, a
 * folder's by the names of folders first.
 *
 * @throws MetricsError E_IMAGES as `readImages` does
 */
export async function openImageFiles(path: string, isFolder: boolean): Promise<ImageSource> {
  const set = await openImageSet(path);
  const names = isFolder ? [...set.images].sort(byFolders) : set.images;
  const labelled = set.labelFiles.length > 0 || !isFolder ? await readLabels(set) : byTopFolder(names);
  return {
    count: names.length,
    async *images(): AsyncGenerator<SourceImage, void> {
      try {
        yield* ahead(names, async (name) => ({
          name: `${path}: ${name}`,
          image: await decode(set, name, LONGEST_FILE),
          ...(labelled && { label: labelled(name) }),
        }));
      } finally {
        set.close();
      }
    },
  };
}

/** As Python compares paths, part by part; no name has a NUL in it, which is before all that it may have. */
function byFolders(a: string, b: string): number {
  const [x, y] = [a, b].map((name) => name.replaceAll('/', '\0')) as [string, string];
  return x < y ? -1 : Number(x > y);
}

/** The class of an image: the number of the folder that it is in, or that which that one is in; none where there is one. */
function byTopFolder(names: readonly string[]): ((name: string) => Label) | undefined {
  const top = (name: string) => (name.includes('/') ? name.slice(0, name.indexOf('/')) : '');
  const folders = [...new Set(names.map(top))].sort();
  const classes = new Map(folders.map((folder, index) => [folder, index]));
  return folders.length > 1 ? (name) => classes.get(top(name))! : undefined;
}
