import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { imageFault, MetricsError } from './errors.js';
import { filesInFolder, imageNames } from './image-names.js';
import { checkImages, type Image, type ImageBatch } from './images.js';
import { decodeImage } from './png.js';
import { openZip } from './zip.js';

/** A class, or a vector such as one-hot. */
export type Label = number | readonly number[];

/** A batch as read: `names` of its files within the data set, and `labels` where the data set has them. */
export interface NamedImages extends ImageBatch {
  readonly names: readonly string[];
  readonly labels?: readonly Label[];
}

/** Which images `readImages` gives, and how many at once. */
export interface ReadImagesOptions {
  /** Images a batch. Default 64. */
  readonly batch?: number;
  /** Number of the first image, in the order of names. Default 0. */
  readonly start?: number;
  /** Number after the last image. Default: all. */
  readonly end?: number;
  /** false: labels are not looked for, so that a `dataset.json` may be anything. Default true. */
  readonly labels?: boolean;
}

/**
 * The images of a zip (EDM's data set format) or of a folder and its subfolders, in the order of their names.
 *
 * - `path`: a `.zip`, or a folder. Images are PNG, JPEG, WebP, GIF, TIFF or AVIF, in any folder layout, grey or RGB,
 *   all of one size. Which files count is said at `imageNames`: images of other kinds are refused, links in a folder
 *   followed, other files passed over.
 * - Labels come from a `dataset.json`, `{"labels": [["00000/img00000000.png", 6], …]}`, beside the folders it names.
 * - A batch at a time is held. Nothing is extracted; a file that unpacks to more than 256 MiB or 4096 × 4096 is refused.
 *
 * @throws MetricsError E_IMAGES naming the file that is missing, damaged, cut off or of another size or colour.
 */
export async function* readImages(
  path: string,
  { batch = 64, start = 0, end, labels: labelled = true }: ReadImagesOptions = {},
): AsyncGenerator<NamedImages> {
  const set = await openImageSet(path);
  try {
    const count = set.images.length;
    const last = end ?? count;
    const isThere = 0 <= start && start <= last && last <= count;
    if (![batch, start, last].every(Number.isInteger) || batch < 1 || !isThere)
      throw imageFault(
        `${path}: images ${start} to ${last} in batches of ${batch} were asked for, and there are ${count}`,
        { file: path, batch, start, end: last, count },
      );
    const labels = labelled ? await readLabels(set) : undefined;
    let first: Image | undefined;
    for (let from = start; from < last; from += batch) {
      const files = set.images.slice(from, Math.min(last, from + batch));
      first ??= await decode(set, files[0]!);
      const images = await Promise.all(files.map((file) => decode(set, file)));
      yield { ...joinImages(path, first, images, files), ...(labels && { labels: files.map(labels) }) };
    }
  } finally {
    set.close();
  }
}

/**
 * How many images `readImages` finds at `path`. None is decoded.
 *
 * @throws MetricsError E_IMAGES where there is no such zip or folder.
 */
export async function countImages(path: string): Promise<number> {
  const set = await openImageSet(path);
  set.close();
  return set.images.length;
}

type ImageSet = Awaited<ReturnType<typeof openImageSet>>;

const MAX_FILE_BYTES = 2 ** 28;

/** Files by their name within the data set, `/` between folders. */
async function openImageSet(path: string) {
  const info = await stat(path).catch((cause) => {
    throw imageFault(`${path}: there is no such zip or folder of images`, { file: path }, { cause });
  });
  const { files, read, close } = info.isDirectory() ? openFolder(path) : await openZipped(path);
  const { images, others, labelFiles } = imageNames(files);
  if (others.length > 0) {
    close();
    throw imageFault(
      `${path}: ${others[0]} is an image of a kind that isn't read${others.length > 1 ? `, as are ${others.length - 1} more` : ''}: convert it to PNG, or move it away, so that the set is what it seems`,
      { file: path, entry: others[0], count: others.length },
    );
  }
  if (images.length === 0) {
    close();
    throw imageFault(`${path}: holds no PNG, JPEG, WebP, GIF, TIFF or AVIF image`, { file: path });
  }
  return { path, images, labelFiles, read, close };
}

function openFolder(path: string) {
  const read = async (file: string) => {
    const full = join(path, file);
    try {
      const { size } = await stat(full);
      if (size <= MAX_FILE_BYTES) return await readFile(full);
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      throw imageFault(`${full}: can't be read (${why})`, { file: full }, { cause });
    }
    throw imageFault(`${full}: is longer than ${MAX_FILE_BYTES} bytes`, { file: full });
  };
  return { files: filesInFolder(path), read, close: () => {} };
}

async function openZipped(path: string) {
  const zip = await openZip(path, path, 'E_IMAGES', MAX_FILE_BYTES);
  const entries = new Map(zip.entries.map((entry) => [entry.name, entry]));
  const twice = zip.entries.find((entry) => entries.get(entry.name) !== entry);
  const [link] = zip.links;
  if (twice || link !== undefined) {
    zip.close();
    const entry = twice?.name ?? link!;
    const why = twice
      ? 'is there twice: zip the folder anew'
      : 'is a link to what the zip may not hold: zip the files themselves (zip -r, without -y)';
    throw imageFault(`${path}: ${entry} ${why}`, { file: path, entry });
  }
  return { files: [...entries.keys()], read: (file: string) => entries.get(file)!.read(), close: zip.close };
}

const decode = async (set: ImageSet, file: string): Promise<Image> =>
  decodeImage(await set.read(file), `${set.path}: ${file}`);

function joinImages(path: string, first: Image, images: readonly Image[], names: readonly string[]) {
  const { channels, height, width } = first;
  const size = first.data.length;
  const data = new Uint8Array(images.length * size);
  for (const [i, image] of images.entries()) {
    if (image.channels !== channels || image.height !== height || image.width !== width)
      throw imageFault(
        `${path}: ${names[i]}: is ${describe(image)}, and the images before are ${describe(first)}; a set has one size and colour`,
        { file: path, entry: names[i], found: describe(image), expected: describe(first) },
      );
    data.set(image.data, i * size);
  }
  const joined = { data, n: images.length, channels, height, width, names };
  checkImages(joined);
  return joined;
}

const describe = ({ channels, height, width }: Image) =>
  `${width}×${height} ${channels === 1 ? 'grey' : 'RGB'}`;

/** The label of each image, or undefined where the data set has none. */
async function readLabels(set: ImageSet): Promise<((file: string) => Label) | undefined> {
  const [file, second] = set.labelFiles;
  if (file === undefined) return undefined;
  const fail = (why: string) => imageFault(`${set.path}: ${file}: ${why}`, { file: set.path, entry: file });
  if (second !== undefined) throw fail(`there is another one, ${second}; a data set has one dataset.json`);
  let parsed: unknown;
  try {
    parsed = JSON.parse((await set.read(file)).toString('utf8'));
  } catch (cause) {
    if (cause instanceof MetricsError) throw cause;
    throw fail(`is no JSON (${cause instanceof Error ? cause.message : String(cause)})`);
  }
  const pairs = (parsed as { labels?: unknown } | null)?.labels ?? null;
  if (pairs === null) return undefined;
  if (!Array.isArray(pairs) || !pairs.every(isLabelPair))
    throw fail('"labels" is a list of [file name, class], or null');
  const folder = file.slice(0, -'dataset.json'.length);
  const labels = new Map(pairs.map(([name, label]) => [folder + name, label]));
  return (image) => {
    const label = labels.get(image);
    if (label === undefined) throw fail(`has no label for ${image}`);
    return label;
  };
}

function isLabelPair(pair: unknown): pair is [string, Label] {
  if (!Array.isArray(pair) || pair.length !== 2 || typeof pair[0] !== 'string') return false;
  const isNumber = (value: unknown) => typeof value === 'number';
  return isNumber(pair[1]) || (Array.isArray(pair[1]) && pair[1].every(isNumber));
}
