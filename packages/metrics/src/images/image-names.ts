import { type Dirent, readdirSync, realpathSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { imageFault } from '../errors.js';

/** What systems leave beside images, and what is out of sight, as a store is. */
const leftBySystems = /^(\..*|@eaDir|__MACOSX|Thumbs\.db|desktop\.ini)$/i;

/** A file of this name marks a folder of results, whose pictures are no images of the set that it lies in. */
export const resultsMark = '.fewstep-results';

/** Of kinds that are read, and of others. */
const readEnding = /\.(png|jpe?g|jfif|webp|gif|tiff?|avif)$/i;
const otherEnding = /\.(bmp|dib|p[bgpn]m|tga|hei[cf]|jp2|jxl|ico|psd|exr|hdr|svg|qoi|raw)$/i;

/**
 * Which files of a set count, by one rule for zips and folders (whose files `filesInFolder` finds):
 *
 * - `images`: PNG, JPEG, WebP, GIF, TIFF and AVIF by their endings, in the order of their names. Each name is an image, also
 *   where two lead to the same file.
 * - `others`: images of kinds that aren't read, so that the set is not what it seems: whoever reads it refuses them.
 * - `labelFiles`: `dataset.json`, beside the folders that it names.
 *
 * Everything else is passed over: names that begin with a dot, what systems leave (`@eaDir`, `__MACOSX`, `Thumbs.db`,
 * `desktop.ini`), folders within the set that are marked as results, files that are no images.
 *
 * - `names`: of files within the set, `/` between folders.
 */
export function imageNames(names: readonly string[]) {
  const results = names
    .filter((name) => name.endsWith(`/${resultsMark}`))
    .map((mark) => mark.slice(0, -resultsMark.length));
  const visible = names
    .filter((name) => !name.split('/').some((part) => leftBySystems.test(part)))
    .filter((name) => !results.some((folder) => name.startsWith(folder)))
    .sort();
  return {
    images: visible.filter((name) => readEnding.test(name)),
    others: visible.filter((name) => otherEnding.test(name)),
    labelFiles: visible.filter((name) => /(^|\/)dataset\.json$/.test(name)),
  };
}

/**
 * The names of all files in a folder and its subfolders, as `imageNames` takes them. Links to files and folders are
 * followed; what is out of sight isn't looked into.
 *
 * @throws MetricsError E_IMAGES naming a folder that can't be read, a link that leads nowhere, one of two names that lead
 *   to the same folder (whose images would count twice, or without end), and a pipe or device with the name of an image.
 */
export function filesInFolder(folder: string): string[] {
  const files: string[] = [];
  const nameOf = new Map<string, string>();
  const fail = (name: string, why: string, cause?: unknown) =>
    imageFault(
      `${folder}: ${name || 'it'} ${why}`,
      { file: folder, ...(name && { entry: name }) },
      { cause },
    );
  const reading = <T>(name: string, why: string, read: () => T): T => {
    try {
      return read();
    } catch (cause) {
      throw fail(name, `${why} (${cause instanceof Error ? cause.message : String(cause)})`, cause);
    }
  };
  const lead = (name: string) =>
    reading(name, 'is a link that leads nowhere: mend it, or remove it', () => {
      const path = realpathSync(join(folder, name));
      return { path, what: statSync(path) };
    });
  const enter = (name: string, path: string) => {
    const first = nameOf.get(path);
    if (first !== undefined)
      throw fail(
        name,
        `is the same folder as ${first || 'that which it lies in'}, so that its images would count twice: remove the link`,
      );
    nameOf.set(path, name);
    const entries = reading(name, "is a folder that can't be read", () =>
      readdirSync(path, { withFileTypes: true }),
    );
    for (const entry of entries.sort(byName)) {
      const within = name ? `${name}/${entry.name}` : entry.name;
      if (entry.name === resultsMark) files.push(within);
      if (leftBySystems.test(entry.name)) continue;
      const { path: below, what } = entry.isSymbolicLink()
        ? lead(within)
        : { path: join(path, entry.name), what: entry };
      if (what.isDirectory()) enter(within, below);
      else if (what.isFile()) files.push(within);
      else if (readEnding.test(within) || otherEnding.test(within))
        throw fail(within, 'is neither a file nor a folder: remove it');
    }
  };
  enter(
    '',
    reading('', "can't be read", () => realpathSync(folder)),
  );
  return files;
}

const byName = (a: Dirent, b: Dirent) => (a.name < b.name ? -1 : 1);

/** Where the official sampler puts the image of a seed: `000000/000017.png`, or `000017.png` without folders of thousands. */
export function imagePath(seed: number, { subdirs = true }: { readonly subdirs?: boolean } = {}): string {
  if (!(Number.isSafeInteger(seed) && seed >= 0))
    throw imageFault(`a seed is a whole number from 0, not ${seed}`, { seed });
  const digits = (value: number) => String(value).padStart(6, '0');
  return `${subdirs ? `${digits(seed - (seed % 1000))}/` : ''}${digits(seed)}.png`;
}

/** The seed that a name of `imagePath`'s kind tells, of a file of any kind and in any folder; none of any other name. */
export function imageSeed(name: string): number | undefined {
  const [, digits] = /(?:^|\/)(\d{1,10})\.[^./]+$/.exec(name) ?? [];
  const seed = Number(digits);
  return seed < 2 ** 32 ? seed : undefined;
}
