import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { imageFault } from '../errors.js';
import { statsOf } from '../files.js';
import { openZip } from '../zip.js';
import { filesInFolder, imageNames } from './image-names.js';
import { describeImage, type Image, type ImageBatch } from './images.js';
import { decodeImage, LONGEST_FILE, longestFile } from './png.js';

/** A class, or a vector such as one-hot. */
export type Label = number | readonly number[];

/** A batch as read: `names` of its files within the data set, and `labels` where the data set has them. */
export interface NamedImages extends ImageBatch {
  readonly names: readonly string[];
  readonly labels?: readonly Label[];
}

/** Which images `readImages` gives, and how many at once. */
export interface ReadImagesOptions {
  /** Images a batch at most: fewer where they would take more than 128 MiB. Default 64. */
  readonly batch?: number;
  /** Which images: their numbers from 0, in the order of names. Default: all. */
  readonly numbers?: readonly number[];
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
 * - A batch at a time is held. Nothing is extracted; an image above 4096 × 4096, or a file far longer than its image, is
 *   refused.
 *
 * @throws MetricsError E_IMAGES naming the file that is missing, damaged, cut off or of another size or colour.
 */
export async function* readImages(
  path: string,
  { batch = 64, numbers, labels: labelled = true }: ReadImagesOptions = {},
): AsyncGenerator<NamedImages> {
  const set = await openImageSet(path);
  try {
    const count = set.images.length;
    if (!Number.isInteger(batch) || batch < 1)
      throw imageFault(`${path}: a batch is of 1 image or more, not of ${batch}`, { file: path, batch });
    const wrong = numbers?.find((number) => !(Number.isInteger(number) && 0 <= number && number < count));
    if (wrong !== undefined)
      throw imageFault(`${path}: image ${wrong} was asked for, and there are ${count}, counted from 0`, {
        file: path,
        number: wrong,
        count,
      });
    const chosen = numbers?.map((number) => set.images[number]!) ?? set.images;
    const labels = labelled ? await readLabels(set) : undefined;
    let first: Image | undefined;
    for (let from = 0; from < chosen.length; ) {
      first ??= await decode(set, chosen[from]!, LONGEST_FILE);
      const most = Math.max(1, Math.min(batch, Math.floor(BATCH_BYTES / first.data.length)));
      const names = chosen.slice(from, from + most);
      yield { ...(await readBatch(set, names, first)), names, ...(labels && { labels: names.map(labels) }) };
      from += names.length;
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
export const countImages = async (path: string): Promise<number> => (await listImages(path)).length;

/**
 * The names of the images that `readImages` finds at `path`, in its order. None is decoded.
 *
 * @throws MetricsError E_IMAGES where there is no such zip or folder.
 */
export async function listImages(path: string): Promise<readonly string[]> {
  const set = await openImageSet(path);
  set.close();
  return set.images;
}

type ImageSet = Awaited<ReturnType<typeof openImageSet>>;

const BATCH_BYTES = 2 ** 27;
/** Bytes of images, and of the files that they are in, that are decoded side by side, and how many they are. */
const AT_ONCE = { bytes: 2 ** 27, images: 16 };
/** The labels of ImageNet's 1.3 million images take 45 MB, and are 2.6 million names and classes. */
const MAX_LABELS = { bytes: 2 ** 26, values: 2 ** 22 };

/** Files by their name within the data set, `/` between folders. */
export async function openImageSet(path: string) {
  const info = statsOf(path, 'E_IMAGES', 'zip or folder of images');
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
  const read = async (file: string, most: number) => {
    const full = join(path, file);
    const { size } = statsOf(full, 'E_IMAGES', 'file of an image');
    if (size > most)
      throw imageFault(`${full}: has ${size} bytes, and at most ${most} are read`, {
        file: full,
        size,
        most,
      });
    return readFile(full).catch((cause: Error) => {
      throw imageFault(`${full}: can't be read (${cause.message})`, { file: full }, { cause });
    });
  };
  return { files: filesInFolder(path), read, close: () => {} };
}

async function openZipped(path: string) {
  const zip = await openZip(path, path, 'E_IMAGES', 'zip or folder of images');
  const entries = new Map(zip.entries.map((entry) => [entry.name, entry]));
  const [link] = zip.links;
  if (link !== undefined) {
    zip.close();
    throw imageFault(
      `${path}: ${link} is a link to what the zip may not hold: zip the files themselves (zip -r, without -y)`,
      { file: path, entry: link },
    );
  }
  const read = (file: string, most: number) => entries.get(file)!.read(most);
  return { files: [...entries.keys()], read, close: zip.close };
}

/** An image of a set, of a file of at most so many bytes. */
export const decode = async (set: ImageSet, file: string, longest: number): Promise<Image> =>
  decodeImage(await set.read(file, longest), `${set.path}: ${file}`);

/** Images of the size and colour of `first`, some side by side. */
async function readBatch(set: ImageSet, names: readonly string[], first: Image): Promise<ImageBatch> {
  const { channels, height, width } = first;
  const size = first.data.length;
  const longest = longestFile(size);
  const data = new Uint8Array(names.length * size);
  const one = async (name: string, i: number) => {
    const image = await decode(set, name, longest);
    if (image.channels !== channels || image.height !== height || image.width !== width)
      throw imageFault(
        `${set.path}: ${name}: is ${describeImage(image)}, and the images before are ${describeImage(first)}; a set has one size and colour`,
        { file: set.path, entry: name, found: describeImage(image), expected: describeImage(first) },
      );
    data.set(image.data, i * size);
  };
  // beside its file, an image is there as it is decoded, in planes, and as a library's rows
  const side = Math.max(1, Math.min(AT_ONCE.images, Math.floor(AT_ONCE.bytes / (longest + 3 * size))));
  for (let from = 0; from < names.length; from += side)
    await Promise.all(names.slice(from, from + side).map((name, i) => one(name, from + i)));
  return { data, n: names.length, channels, height, width };
}

/**
 * The label of each image, or undefined where the data set says that it has none. What is wrong is said with its place in
 * the list.
 */
export async function readLabels(set: ImageSet): Promise<((file: string) => Label) | undefined> {
  const [file, second] = set.labelFiles;
  if (file === undefined) return undefined;
  const fail = (why: string, evidence: Record<string, unknown> = {}) =>
    imageFault(`${set.path}: ${file}: ${why}`, { file: set.path, entry: file, ...evidence });
  if (second !== undefined) throw fail(`there is another one, ${second}; a data set has one dataset.json`);
  const bytes = await set.read(file, MAX_LABELS.bytes);
  // in memory each takes far more than the comma before it
  const values = bytes.reduce((count, byte) => count + Number(byte === COMMA), 1);
  if (values > MAX_LABELS.values)
    throw fail(`holds ${values} values, and at most ${MAX_LABELS.values} are read`, { values });
  let parsed: unknown;
  try {
    parsed = JSON.parse(bytes.toString('utf8'));
  } catch (cause) {
    throw fail(`is no JSON (${cause instanceof Error ? cause.message : String(cause)})`);
  }
  const pairs = (parsed as { labels?: unknown } | null)?.labels;
  if (pairs === null) return undefined;
  if (!Array.isArray(pairs))
    throw fail(
      `"labels" is a list of [file name, class], or null, and here it is ${pairs === undefined ? 'not there' : 'none'}: write {"labels": [["00000/img00000000.png", 6], …]}, or read the images without labels`,
    );
  const folder = file.slice(0, -'dataset.json'.length);
  const labels = new Map<string, Label>();
  let first: Label | undefined;
  for (const [index, pair] of pairs.entries()) {
    const place = { index, label: pair };
    const wrong = (why: string) => fail(`entry ${index} of "labels", ${shown(pair)}, ${why}`, place);
    if (!Array.isArray(pair) || typeof pair[0] !== 'string') throw wrong('is no [file name, class]');
    const [name, label] = pair;
    if (pair.length !== 2)
      throw wrong(
        `has ${pair.length - 1} labels; an image has one class, or one vector as in [file name, [0, 1]]`,
      );
    if (!isLabel(label)) throw wrong('has no class, a whole number from 0, nor a vector of numbers');
    first ??= label;
    if (sizeOf(label) !== sizeOf(first)) throw wrong(`is no label as that of entry 0, ${shown(pairs[0])}`);
    if (labels.has(folder + name)) throw wrong('is of an image that has a label already');
    labels.set(folder + name, label);
  }
  return (image) => {
    const label = labels.get(image);
    if (label === undefined) throw fail(`has no label for ${image}`, { image });
    return label;
  };
}

const COMMA = 0x2c;

const isLabel = (value: unknown): value is Label =>
  Array.isArray(value) ? value.every(Number.isFinite) : Number.isSafeInteger(value) && (value as number) >= 0;

/** Of a vector its length; a class has none. */
const sizeOf = (label: Label) => (typeof label === 'number' ? undefined : label.length);

const shown = (value: unknown) =>
  inspect(value, { depth: 1, maxArrayLength: 8, maxStringLength: 80, breakLength: Infinity });
