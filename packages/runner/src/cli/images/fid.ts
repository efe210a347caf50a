import { readFile } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import type { FeatureResize } from '@fewstep/models';
import type { Execution, Task } from '@fewstep/taskgraph';
import { RunnerError } from '../../errors.js';
import type { ExecutorOptions } from '../../execute/experiment-executor.js';
import type { FeatureNetworkFile } from '../../experiment/experiment.js';
import { compileFid, compileReference, type FidSet } from '../../graph/reference.js';
import { isWeights } from '../../is-weights.js';
import { imagesOf, tasksOf } from '../../report/image-counts.js';
import { pathOrNamed } from '../models/registry-files.js';
import { openResults, shownPath } from '../reports/output.js';
import { demand, work } from '../run/work.js';
import { type CacheOption, openWorld, type StoreOptions } from '../run/world.js';
import type { Answer } from '../terminal/answer.js';
import { checkDrawing, drawn } from './drawn.js';
import {
  type CountedSet,
  fetchReference,
  holdsImages,
  pathOf,
  referenceAt,
  search,
  setAt,
} from './fid-files.js';

export interface EvaluationOptions extends StoreOptions, CacheOption, ExecutorOptions {
  readonly features?: string;
  readonly resize?: FeatureResize;
  readonly batch?: number;
}

/** `fewstep fid ref IMAGES`: the statistics of a set of images, as the .npz that the official code reads. */
export async function fidRef(
  images: string,
  options: EvaluationOptions & { readonly dest: string },
  answer: Answer,
): Promise<void> {
  const { look, end } = search();
  const data = look('images', () => pathOf(images));
  const network = networkFor([images], options, look);
  end();
  const set = await setAt(data);
  if (set.type === 'statistics')
    throw new RunnerError('E_USAGE', `${images} is of statistics already: give it as --ref of fid calc`);
  const dest = resolve(options.dest);
  const results = await openResults(dirname(dest));
  const world = await openWorld(options);
  const tasks = compileReference(set, { network, batch: options.batch });
  const execution = await work(tasks, world);
  demand(execution);
  const [{ statistics }, { writeStatistics }, { featureSets }, { withProducts }] = await Promise.all([
    import('@fewstep/metrics'),
    import('@fewstep/metrics/npz'),
    import('../../tasks/features-file.js'),
    import('../../tasks/products.js'),
  ]);
  const paths = await Promise.all(
    tasks.map((task) => world.store.blob(execution.records.get(task)!.outputs.features!)),
  );
  const sets = featureSets(paths.map((path) => path!));
  const found = await withProducts((products) => statistics(sets, products));
  const file = await results.write(await writeStatistics(found), basename(dest));
  const resized = resizeOf(execution, tasks);
  answer.object({ file, images: found.n, dim: found.mu.length, ...(resized && { resize: resized }) });
  answer.line(
    `${file}: mean and covariance of ${found.n} images, ${found.mu.length} features${saidOf(resized)}`,
  );
}

/** `fewstep fid calc IMAGES…`: the Fréchet distance of each set of images to a reference. */
export async function fidCalc(
  images: readonly string[],
  options: EvaluationOptions & { readonly ref: string; readonly num?: number; readonly seed?: number },
  answer: Answer,
): Promise<void> {
  const { ref, num, seed = 0 } = options;
  checkDrawing(options);
  const { look, end } = search();
  const paths = images.map((path) => look('images', () => pathOf(path)));
  let remote: ReturnType<typeof referenceAt>;
  const reference = look('ref', () => {
    remote = referenceAt(ref);
    return remote?.path ?? resolve(pathOrNamed(ref, 'reference_data'));
  });
  // by what was given where nothing is there, so that a network isn’t asked for in vain
  const network = networkFor([...images, reference || ref], options, look);
  end();
  const sets = await Promise.all(paths.map(async (data) => partOf(await setAt(data), num, seed)));
  const world = await openWorld(options);
  if (remote) await fetchReference(remote);
  const tasks = compileFid(sets, await setAt(reference), { network, batch: options.batch });
  const execution = await work(tasks, world);
  const scored = [];
  for (const [i, task] of tasks.entries()) {
    const record = execution.records.get(task);
    if (!record) continue;
    const path = await world.store.blob(record.outputs.value!);
    const score = JSON.parse(await readFile(path!, 'utf8'));
    const { features, reference: real }: Task['inputs'] = task.inputs;
    const [own, others] = [tasksOf(features), tasksOf(real)];
    const count = imagesOf(execution, own);
    const realImages = imagesOf(execution, others);
    const resized = resizeOf(execution, [...own, ...others]);
    const set = sets[i]!;
    const of = 'drawn' in set ? set.drawn?.of : undefined;
    scored.push({
      set: images[i],
      ...score,
      ...(count !== undefined && { images: count }),
      ...(of !== undefined && { of, seed }),
      ...(realImages !== undefined && { realImages }),
      ...(resized && { resize: resized }),
    });
    const name = images.length > 1 || count === undefined ? `${images[i]}` : '';
    const which =
      count === undefined
        ? ''
        : of === undefined
          ? `${count} images`
          : `${count} of ${of} images, drawn with seed ${seed},`;
    const against = realImages ?? (remote ? shownPath(remote.path) : ref);
    const what = [name, which].filter(Boolean).join(': ');
    const error = score.fid_se === undefined ? '' : `, standard error ${score.fid_se}`;
    answer.line(`fid ${score.fid}${error} (${what} against ${against}${saidOf(resized)})`);
  }
  answer.object({ sets: scored });
  demand(execution);
}

/**
 * The feature network that images among these sets need: the one that is asked for, by default the official code's.
 *
 * @throws RunnerError E_USAGE where one is told of, or how it resizes, and that decides nothing
 */
function networkFor(
  paths: readonly string[],
  { features, resize }: EvaluationOptions,
  look: ReturnType<typeof search>['look'],
): FeatureNetworkFile | undefined {
  const [told] = Object.entries({ features, resize }).filter(([, value]) => value !== undefined);
  if (!paths.some(holdsImages)) {
    if (!told) return undefined;
    throw new RunnerError(
      'E_USAGE',
      `--${told[0]} ${told[1]} is for images, and of these there are none but their features or statistics: leave it out`,
    );
  }
  const file = look('features', () => resolve(pathOrNamed(features ?? 'inception', 'feature_network')));
  if (resize !== undefined && file !== '' && !isWeights(file))
    throw new RunnerError(
      'E_USAGE',
      `--resize ${resize} is a choice of weights of FID’s Inception-v3, and ${features} is an ONNX file, which resizes as it was written to: leave it out`,
    );
  return { file, resize };
}

/** How images came to the size of the network that tasks evaluated, where that is chosen. */
function resizeOf({ records }: Execution, tasks: readonly Task[]): string | undefined {
  const [resize] = tasks.flatMap((task) => records.get(task)?.meta.resize ?? []);
  return resize === undefined ? undefined : String(resize);
}

const saidOf = (resize: string | undefined) => (resize ? `, images resized as by ${resize}` : '');

/**
 * The part of a set that is drawn, the whole where none is.
 *
 * @throws RunnerError as `drawn`, and E_USAGE where it can’t be drawn from
 */
async function partOf(set: CountedSet, num: number | undefined, seed: number): Promise<FidSet> {
  if (set.type !== 'statistics') return { ...set, drawn: await drawn(set.data, set.count, num, seed) };
  if (num === undefined) return set;
  throw new RunnerError(
    'E_USAGE',
    `--num ${num} draws images, and ${set.data} is of statistics, of which nothing can be drawn: leave it out`,
  );
}
