import { join, posix, resolve } from 'node:path';
import { imagePath } from '@fewstep/metrics/image-names';
import { RunnerError } from '../errors.js';
import type { ExecutorOptions } from '../execute/experiment-executor.js';
import { checkFiles, readExperiment } from '../experiment/read-experiment.js';
import { imagesIn } from '../files-of.js';
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
  const outdir = resolve(options.outdir);
  const subdirs = options.subdirs === true;
  const folders = points.length === 1 ? [''] : foldersOf(points.map(({ point }) => point.label));
  const all = await openResults(outdir);
  const earlier = imagesIn(outdir);
  refuseOthers(outdir, earlier, (name) =>
    points.some(({ point }, i) => {
      const seed = Number(/(\d+)\.png$/.exec(name)?.[1]);
      const isAsked = point.seeds.some(([first, last]) => first <= seed && seed <= last);
      return isAsked && name === posix.join(folders[i]!, imagePath(seed, { subdirs }));
    }),
  );
  const results = await Promise.all(folders.map((folder) => openResults(join(outdir, folder))));
  const execution = await work(
    points.map(({ samples }) => samples),
    world,
  );
  const isAny = [...execution.shards.values()].flat().some((shard) => execution.records.has(shard));
  // those of an earlier run never stand among new ones
  if (isAny) for (const name of earlier) await all.remove(name);
  const written = [];
  for (const [i, { point, samples }] of points.entries()) {
    let images = 0;
    let told: { readonly thresholding?: unknown } = {};
    for (const shard of execution.shards.get(samples) ?? []) {
      const record = execution.records.get(shard);
      if (record?.meta.thresholding !== undefined) told = { thresholding: record.meta.thresholding };
      const path = record && (await world.store.blob(record.outputs.images!));
      if (path) images += await writeShard(path, shard.range![0], results[i]!, subdirs);
    }
    written.push({ label: point.label, folder: shownPath(join(outdir, folders[i]!)), images, ...told });
  }
  answer.object({
    experiments: [{ name: experiment.name, points: written }],
    tasks: { computed: execution.computed, local: execution.local, remote: execution.remote },
  });
  for (const { label, folder, images, thresholding } of written)
    answer.line(
      `${label}: ${images} images in ${folder}${thresholding === 'dynamic' ? ', with dynamic thresholding' : ''}`,
    );
  demand(execution);
}

/**
 * Images of other runs among those of this one would be counted with them.
 *
 * @throws RunnerError E_RESULTS
 */
function refuseOthers(outdir: string, images: readonly string[], isWritten: (name: string) => boolean): void {
  const others = images.filter((name) => !isWritten(name));
  if (others.length === 0) return;
  throw new RunnerError(
    'E_RESULTS',
    `${shownPath(outdir)} has images that this command would not write, as ${others[0]} (${others.length} in all), and a score of the folder would count them, too: choose another --outdir or empty this one, or ask for all seeds in one command; nothing was computed yet.`,
    { evidence: { path: outdir, image: others[0], count: others.length } },
  );
}

/** Writes a shard's images as PNG files named by seed; returns how many. */
async function writeShard(
  shard: string,
  firstSeed: number,
  results: Results,
  subdirs: boolean,
): Promise<number> {
  const [{ encodePng }, { readImages }] = await Promise.all([
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
