import { join, posix, resolve } from 'node:path';
import { imageSeed } from '@fewstep/metrics/image-names';
import { RunnerError } from '../../errors.js';
import type { ExecutorOptions } from '../../execute/experiment-executor.js';
import type { Experiment, Point } from '../../experiment/experiment.js';
import { checkFiles } from '../../experiment/read-experiment.js';
import { imagesIn } from '../../files-of.js';
import { compile } from '../../graph/compile.js';
import { foldersOf } from '../../report/folders.js';
import type { PictureFormat } from '../../report/picture-format.js';
import { workingFolder } from '../../workspace.js';
import { openResults, shownPath } from '../reports/output.js';
import { demand, work } from '../run/work.js';
import { type CacheOption, openWorld, type StoreOptions, sayWorld } from '../run/world.js';
import type { Answer } from '../terminal/answer.js';
import { gridName, nameOf, writeGrid, writeImages, writeInters } from './sample-files.js';
import { type SampledOptions, sampledBy } from './sampled.js';

export interface SampleOptions extends SampledOptions, StoreOptions, CacheOption, ExecutorOptions {
  readonly outdir?: string;
  readonly subdirs?: boolean;
  readonly grid?: boolean;
  readonly returnInters?: boolean;
  readonly format?: PictureFormat;
}

/** More images are more than a person looks at in one picture, and more states than memory holds. */
const mostInGrid = 1024;
const mostInters = 256;
const rowsOfInters = 16;

/**
 * `fewstep sample [SPEC]`: the images of the seeds as files, PNG or WebP, named as the official sampler names them; of a spec, or of a
 * predictor or table whose file says the rest.
 */
export async function sample(
  spec: string | undefined,
  options: SampleOptions,
  answer: Answer,
): Promise<void> {
  const { grid = false, subdirs = false, returnInters = false, format = 'png' } = options;
  if (grid && subdirs)
    throw new RunnerError(
      'E_USAGE',
      '--grid writes one picture, and --subdirs is for many: give one of them.',
    );
  const experiment = await sampledBy(spec, options);
  checkFiles(experiment);
  for (const point of experiment.points) {
    if (grid) checkCount(point, mostInGrid, '--grid puts them in one picture');
    if (returnInters) checkCount(point, mostInters, '--return-inters keeps all that they go through');
  }
  const world = await openWorld(options, spec);
  sayWorld(world);
  const { points } = compile(experiment, returnInters ? { inters: rowsOfInters } : {});
  const outdir = resolve(workingFolder(), options.outdir ?? folderOf(experiment, spec, grid));
  const folders = points.length === 1 ? [''] : foldersOf(points.map(({ point }) => point.label));
  const all = await openResults(outdir);
  const earlier = imagesIn(outdir);
  refuseOthers(outdir, earlier, (name) =>
    points.some(({ point }, i) => {
      if (grid) return name === posix.join(folders[i]!, gridName(format));
      const seed = imageSeed(name);
      if (seed === undefined) return false;
      const isAsked = point.seeds.some(([first, last]) => first <= seed && seed <= last);
      return isAsked && name === posix.join(folders[i]!, nameOf(seed, { subdirs, format }));
    }),
  );
  const results = await Promise.all(folders.map((folder) => openResults(join(outdir, folder))));
  const execution = await work(
    points.flatMap(({ samples, inters }) => [samples, ...(inters ? [inters.states, inters.picture] : [])]),
    world,
  );
  const { shards, records } = execution;
  const isAny = points.some(({ samples }) => shards.get(samples)?.some((shard) => records.has(shard)));
  // those of an earlier run never stand among new ones
  if (isAny) for (const name of earlier) await all.remove(name);
  const written = [];
  for (const [i, one] of points.entries()) {
    const ran = { execution, store: world.store, results: results[i]! };
    const counted = shards.get(one.samples)?.map((shard) => records.get(shard)?.meta.thresholding);
    const thresholding = counted?.find((told) => told !== undefined);
    const inters = await writeInters(one, ran);
    written.push({
      label: one.point.label,
      folder: shownPath(join(outdir, folders[i]!)),
      ...(grid
        ? await writeGrid(one, ran, format)
        : { images: await writeImages(one, ran, { subdirs, format }) }),
      ...(inters && { inters }),
      ...(thresholding !== undefined && { thresholding }),
    });
  }
  answer.object({
    experiments: [{ name: experiment.name, points: written }],
    tasks: { computed: execution.computed, local: execution.local, remote: execution.remote },
  });
  for (const { label, folder, images, inters, thresholding, ...one } of written) {
    const where = 'grid' in one ? `as ${one.grid}` : `in ${folder}`;
    const bounds = thresholding === 'dynamic' ? ', with dynamic thresholding' : '';
    answer.line(`${label}: ${images} images ${where}${bounds}`);
    if (inters)
      answer.line(
        `${label}: what they go through in ${inters.file}, of the first ${Math.min(images, rowsOfInters)} as ${inters.picture}`,
      );
  }
  demand(execution);
}

/** @throws RunnerError E_SEEDS where they are more than `most` */
function checkCount({ seeds }: Point, most: number, why: string): void {
  const count = seeds.reduce((sum, [first, last]) => sum + last - first + 1, 0);
  if (count > most)
    throw new RunnerError(
      'E_SEEDS',
      `these seeds are ${count} images, and ${why}, of at most ${most}: ask for fewer --seeds.`,
      { evidence: { count, most } },
    );
}

/** Where images go unless it is said: those of a predictor alone where the official sampler puts them. */
function folderOf({ name, points }: Experiment, spec: string | undefined, grid: boolean): string {
  const folder = grid ? join('samples', 'grids') : 'samples';
  const [point] = points;
  if (spec !== undefined || !point || points.length > 1) return join(folder, name);
  const [own] = foldersOf([`${point.sampler.method.solver}_nfe${officialNfe(point)}`]);
  return join(folder, point.dataset.name ?? name, own!);
}

/** Evaluations as the official scripts count them: where guidance by prompts takes two passes, these are two. */
function officialNfe({ sampler, table, guidance }: Point): number {
  const { evaluations, numSteps, afs, denoiseToZero } = sampler;
  const nfe =
    table?.sampler.table.sigmas.length ?? evaluations * (numSteps - 1) - Number(afs) + Number(denoiseToZero);
  return guidance?.type === 'cfg' && guidance.rate !== 1 ? 2 * nfe : nfe;
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
