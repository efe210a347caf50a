import { rangesOfSeeds } from '../experiment/seeds.js';
import { type Images, readImages } from '../tasks/artifacts.js';
import { pictureOf } from '../tasks/picture.js';
import { shardsHere } from './influences.js';
import type { PointReport } from './report.js';
import type { ImageFile } from './sheet.js';

/** No more of a point are looked at for seeds that others have, too. */
const mostImages = 256;
/** As a run's comparison has them. */
const columns = 12;

/** The first images of a point that are here, by shard, with their seeds; none where its report says no seeds. */
export async function imageFilesOf(
  folder: string,
  { protocol, artifacts }: PointReport,
): Promise<readonly ImageFile[]> {
  const paths = await shardsHere(folder, artifacts.samples);
  if (!paths || !protocol) return [];
  const seeds = firstOf(rangesOfSeeds(protocol.seeds), mostImages);
  const files: ImageFile[] = [];
  let at = 0;
  for (const path of paths) {
    if (at >= seeds.length) break;
    const { n } = await readImages([path]);
    files.push({ path, seeds: seeds.slice(at, at + n) });
    at += n;
  }
  return files;
}

function firstOf(ranges: readonly (readonly [number, number])[], count: number): number[] {
  const seeds: number[] = [];
  for (const [first, last] of ranges)
    for (let seed = first; seed <= last && seeds.length < count; seed++) seeds.push(seed);
  return seeds;
}

/**
 * A row of each point's images of the same seeds, as PNG; nothing where there are no seeds that all have.
 *
 * @param points of each what `imageFilesOf` gives
 */
export async function rowsOfSameSeeds(
  points: readonly (readonly ImageFile[])[],
): Promise<{ readonly seeds: readonly number[]; readonly png: Uint8Array } | undefined> {
  const [first = [], ...others] = points.map((files) => files.flatMap(({ seeds }) => seeds));
  const those = others.map((seeds) => new Set(seeds));
  const seeds = first.filter((seed) => those.every((one) => one.has(seed))).slice(0, columns);
  if (seeds.length === 0) return undefined;
  const rows: Images[] = [];
  for (const files of points) {
    const images = await readImages(files.map(({ path }) => path));
    const own = files.flatMap((file) => file.seeds);
    const { channels, height, width } = images;
    const size = channels * height * width;
    const data = new Uint8Array(seeds.length * size);
    for (const [i, seed] of seeds.entries()) {
      const at = own.indexOf(seed);
      data.set(images.data.subarray(at * size, (at + 1) * size), i * size);
    }
    rows.push({ data, n: seeds.length, channels, height, width });
  }
  return { seeds, png: await pictureOf(rows, { columns: seeds.length, rows: 1 }) };
}
