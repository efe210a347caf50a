import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { readImages, readTensors } from '../tasks/artifacts.js';
import type { Influences } from './comparison.js';
import type { PointReport } from './report.js';

/** A shard is read whole. */
const mostBytes = 2 ** 31;

/** Files of a store are named by their contents. */
const isBlob = (path: string) => /[\\/][0-9a-f]{64}$/.test(path);

/** Of shards that a report in `folder` names, those that are here; undefined where one isn't. */
export async function shardsHere(
  folder: string,
  paths: readonly string[],
): Promise<readonly string[] | undefined> {
  const all = paths.map((path) => resolve(folder, path));
  const here = await Promise.all(
    all.map(async (path) => {
      if (!isBlob(path)) return false;
      const stats = await stat(path).catch(() => undefined);
      return stats?.isFile() === true && stats.size <= mostBytes;
    }),
  );
  return all.length > 0 && here.every((is) => is) ? all : undefined;
}

/**
 * What each image of a point adds to its figures, to first order, as far as what tells it is here: to fid as its task found
 * it; to its distance to the near-exact solution where the images of both are here.
 */
export async function influencesIn(folder: string, point: PointReport): Promise<Influences> {
  const { fid_influences: file } = point.artifacts;
  const [path] = (file === undefined ? undefined : await shardsHere(folder, [file])) ?? [];
  const fid = path === undefined ? undefined : (await readTensors(path)).influences;
  return {
    ...(fid?.dtype === 'F64' && point.metrics.fid !== undefined && { fid: fid.data }),
    ...(await toTheReference(folder, point)),
  };
}

/** Of √mean(m) over images of mean squares m an image adds m/(2√mean), and to the ratio in dB −10/ln 10 · m/mean. */
async function toTheReference(folder: string, { metrics, artifacts }: PointReport): Promise<Influences> {
  const { rmse_to_teacher: rmse, psnr_to_teacher: psnr } = metrics;
  if (rmse === undefined && psnr === undefined) return {};
  const [ours, theirs] = [
    await shardsHere(folder, artifacts.samples),
    await shardsHere(folder, artifacts.reference ?? []),
  ];
  if (!ours || !theirs) return {};
  const squares: number[] = [];
  const others = imagesIn(theirs);
  for await (const image of imagesIn(ours)) {
    const other = (await others.next()).value;
    if (other?.length !== image.length) return {};
    let sum = 0;
    for (let at = 0; at < image.length; at++) sum += (image[at]! - other[at]!) ** 2;
    squares.push(sum / image.length);
  }
  if (!(await others.next()).done) return {};
  const means = Float64Array.from(squares);
  const mean = means.reduce((sum, value) => sum + value, 0) / means.length;
  if (!(mean > 0)) return {};
  return {
    ...(rmse !== undefined && { rmse_to_teacher: means.map((square) => square / (2 * Math.sqrt(mean))) }),
    ...(psnr !== undefined && {
      psnr_to_teacher: means.map((square) => ((-10 / Math.LN10) * square) / mean),
    }),
  };
}

/** The images of shards, one after the other; a shard is held at a time. */
async function* imagesIn(paths: readonly string[]): AsyncGenerator<Uint8Array, undefined> {
  for (const path of paths) {
    const { data, n } = await readImages([path]);
    const size = data.length / n;
    for (let i = 0; i < n; i++) yield data.subarray(i * size, (i + 1) * size);
  }
}
