import { imagePath, resultsMark } from '@fewstep/metrics/image-names';
import type { ActionRecord, Execution, Shards, Store } from '@fewstep/taskgraph';
import type { PlannedPoint } from '../../graph/compile.js';
import { formatOf, type PictureFormat } from '../../report/picture-format.js';
import type { Results } from '../reports/output.js';

/** What became of a point's tasks, and where its files go. */
interface Ran {
  readonly execution: Execution;
  readonly store: Store;
  readonly results: Results;
}

/** The name of the picture of all images. */
export const gridName = (format: PictureFormat): string => `grid.${format}`;

/** How an image's file is called. */
export const nameOf = (seed: number, { subdirs, format }: Named): string =>
  imagePath(seed, { subdirs }).replace(/png$/, format);

interface Named {
  readonly subdirs: boolean;
  readonly format: PictureFormat;
}

/** Writes a point's images as files named by seed; returns how many. */
export async function writeImages({ samples }: PlannedPoint, ran: Ran, named: Named): Promise<number> {
  const [encode, { readImages }] = await codecs(named.format);
  let written = 0;
  for (const { first, record } of shardsIn(ran, samples)) {
    const path = await ran.store.blob(record.outputs.images!);
    if (path === undefined) continue;
    const { data, n, channels, height, width } = await readImages([path]);
    const size = channels * height * width;
    for (let i = 0; i < n; i++) {
      const image = { data: data.subarray(i * size, (i + 1) * size), channels, height, width };
      await ran.results.write(await encode(image), ...nameOf(first + i, named).split('/'));
    }
    written += n;
  }
  return written;
}

/** Writes all images of a point as one picture, in the official layout: ⌊√n⌋ in a row, without gaps. */
export async function writeGrid(
  { samples }: PlannedPoint,
  ran: Ran,
  format: PictureFormat,
): Promise<{ readonly images: number; readonly grid?: string }> {
  const paths = await wholeBlobs(ran, samples, 'images');
  if (!paths) return { images: 0 };
  const [{ imageGrid }, { readImages }] = await Promise.all([
    import('@fewstep/metrics'),
    import('../../tasks/artifacts.js'),
  ]);
  const images = await readImages(paths);
  const picture = imageGrid(images);
  const as = formatOf(picture, format);
  const [encode] = await codecs(as);
  return { images: images.n, grid: await ran.results.write(await encode(picture), gridName(as)) };
}

/** Where the states of a point's images are. */
export interface WrittenInters {
  readonly file: string;
  readonly picture: string;
}

/**
 * Writes the states that a point's images go through as `inters.npz`, and the picture of the first; into a folder that is
 * marked, so that the picture is no image of the set. Of `inters` in numpy: [timesteps, n, channels, height, width] float32,
 * `sigmas` [timesteps] float64, `seeds` [n] uint32.
 */
export async function writeInters({ inters }: PlannedPoint, ran: Ran): Promise<WrittenInters | undefined> {
  const paths = inters && (await wholeBlobs(ran, inters.states, 'inters'));
  const shown = inters && ran.execution.records.get(inters.picture);
  const picture = shown && (await ran.store.blob(shown.outputs.png!));
  if (!paths || !picture) return undefined;
  const [{ writeNpz }, { readTensors, tensorOf }] = await Promise.all([
    import('@fewstep/metrics/npz'),
    import('../../tasks/artifacts.js'),
  ]);
  const shards = await Promise.all(paths.map(readTensors));
  const parts = shards.map((tensors) => tensorOf(tensors, 'inters', 'F32'));
  const { data: sigmas } = tensorOf(shards[0]!, 'sigmas', 'F64');
  const [timesteps = 0, , ...shape] = parts[0]!.shape;
  const n = parts.reduce((sum, part) => sum + part.shape[1]!, 0);
  const all = new Float32Array(parts.reduce((length, { data }) => length + data.length, 0));
  let at = 0;
  for (let k = 0; k < timesteps; k++)
    for (const { data } of parts) {
      const size = data.length / timesteps;
      all.set(data.subarray(k * size, (k + 1) * size), at);
      at += size;
    }
  const seeds = shardsIn(ran, inters!.states).flatMap(({ first, last }) =>
    Array.from({ length: last - first + 1 }, (_, i) => first + i),
  );
  const npz = await writeNpz({
    sigmas: { dtype: 'float64', shape: [timesteps], data: sigmas },
    inters: { dtype: 'float32', shape: [timesteps, n, ...shape], data: all },
    seeds: { dtype: 'uint32', shape: [n], data: Uint32Array.from(seeds) },
  });
  await ran.results.write('{}\n', 'inters', resultsMark);
  return {
    file: await ran.results.write(npz, 'inters', 'inters.npz'),
    picture: await ran.results.place(picture, 'inters', 'inters.png'),
  };
}

async function codecs(format: PictureFormat) {
  const [{ encodePng, encodeWebp }, artifacts] = await Promise.all([
    import('@fewstep/metrics/images'),
    import('../../tasks/artifacts.js'),
  ]);
  return [format === 'webp' ? encodeWebp : encodePng, artifacts] as const;
}

/** A shard that is there. */
interface Done {
  readonly first: number;
  readonly last: number;
  readonly record: ActionRecord;
}

/** The shards that are there, in the order of their items. */
function shardsIn({ execution }: Pick<Ran, 'execution'>, shards: Shards): Done[] {
  return (execution.shards.get(shards) ?? []).flatMap((task) => {
    const record = execution.records.get(task);
    const [first, last] = task.range!;
    return record ? [{ first, last, record }] : [];
  });
}

/** An output of all shards; nothing where one is missing. */
async function wholeBlobs(ran: Ran, shards: Shards, output: string): Promise<string[] | undefined> {
  const done = shardsIn(ran, shards);
  if (done.length === 0 || done.length < ran.execution.shards.get(shards)!.length) return undefined;
  const paths = await Promise.all(done.map(({ record }) => ran.store.blob(record.outputs[output]!)));
  return paths.every((path) => path !== undefined) ? paths : undefined;
}
