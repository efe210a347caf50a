import { join, resolve } from 'node:path';
import type { ExecutorOptions } from '../execute/experiment-executor.js';
import { checkFiles, readExperiment } from '../experiment/read-experiment.js';
import { compile } from '../graph/compile.js';
import { foldersOf } from '../report/folders.js';
import type { Answer } from './answer.js';
import { openResults, type Results, shownPath } from './output.js';
import { demand, work } from './work.js';
import { type CacheOption, openWorld, type StoreOptions, sayWorld } from './world.js';

export interface SampleOptions extends StoreOptions, CacheOption, ExecutorOptions {
  readonly set: readonly string[];
  readonly seeds?: string;
  readonly outdir: string;
  readonly subdirs?: boolean;
}

/** `fewstep sample SPEC`: the images of the seeds as PNG files, named as the official sampler names them. */
export async function sample(spec: string, options: SampleOptions, answer: Answer): Promise<void> {
  const set = [...options.set, ...(options.seeds === undefined ? [] : [`sample.seeds="${options.seeds}"`])];
  const experiment = await readExperiment(spec, { set });
  checkFiles(experiment);
  const world = await openWorld(options, spec);
  sayWorld(world);
  const { points } = compile(experiment);
  const folders =
    points.length === 1
      ? [options.outdir]
      : foldersOf(points.map(({ point }) => point.label)).map((folder) => join(options.outdir, folder));
  const results = await Promise.all(folders.map((folder) => openResults(resolve(folder))));
  const execution = await work(
    points.map(({ samples }) => samples),
    world,
  );
  const written = [];
  for (const [i, { point, samples }] of points.entries()) {
    let images = 0;
    for (const shard of execution.shards.get(samples) ?? []) {
      const record = execution.records.get(shard);
      const path = record && (await world.store.blob(record.outputs.images!));
      if (path) images += await writeShard(path, shard.range![0], results[i]!, options.subdirs === true);
    }
    written.push({ label: point.label, folder: shownPath(resolve(folders[i]!)), images });
  }
  answer.object({
    experiments: [{ name: experiment.name, points: written }],
    tasks: { computed: execution.computed, local: execution.local, remote: execution.remote },
  });
  for (const { label, folder, images } of written) answer.line(`${label}: ${images} images in ${folder}`);
  demand(execution);
}

/** Writes a shard's images as PNG files named by seed; returns how many. */
async function writeShard(
  shard: string,
  firstSeed: number,
  results: Results,
  subdirs: boolean,
): Promise<number> {
  const [{ encodePng, imagePath }, { readImages }] = await Promise.all([
    import('@fewstep/metrics'),
    import('../tasks/artifacts.js'),
  ]);
  const { data, n, channels, height, width } = await readImages([shard]);
  const size = channels * height * width;
  for (let i = 0; i < n; i++) {
    const image = { data: data.subarray(i * size, (i + 1) * size), channels, height, width };
    await results.write(await encodePng(image), ...imagePath(firstSeed + i, { subdirs }).split('/'));
  }
  return n;
}
