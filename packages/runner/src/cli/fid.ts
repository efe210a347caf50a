import { readFile } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import { RunnerError } from '../errors.js';
import { compileFid, compileReference, type ImageSet } from '../graph/reference.js';
import { imagesOf, tasksOf } from '../report/image-counts.js';
import type { Answer } from './answer.js';
import { fetchReference, pathOf, referenceAt, search } from './fid-files.js';
import { openResults, shownPath } from './output.js';
import { pathOrNamed } from './registry-files.js';
import { demand, work } from './work.js';
import { openWorld, type StoreOptions } from './world.js';

interface EvaluationOptions extends StoreOptions {
  readonly features: string;
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
  const network = look('features', () => resolve(pathOrNamed(options.features, 'feature_network')));
  end();
  const dest = resolve(options.dest);
  const results = await openResults(dirname(dest));
  const world = await openWorld(options);
  const tasks = compileReference(data, { ...options, network });
  const execution = await work(tasks, world);
  demand(execution);
  const [{ statistics }, { writeStatistics }, { featureSets }, { withProducts }] = await Promise.all([
    import('@fewstep/metrics'),
    import('@fewstep/metrics/npz'),
    import('../tasks/features-file.js'),
    import('../tasks/products.js'),
  ]);
  const paths = await Promise.all(
    tasks.map((task) => world.store.blob(execution.records.get(task)!.outputs.features!)),
  );
  const sets = featureSets(paths.map((path) => path!));
  const found = await withProducts((products) => statistics(sets, products));
  const file = await results.write(await writeStatistics(found), basename(dest));
  answer.object({ file, images: found.n, dim: found.mu.length });
  answer.line(`${file}: mean and covariance of ${found.n} images, ${found.mu.length} features`);
}

/** `fewstep fid calc IMAGES…`: the Fréchet distance of each set of images to a reference. */
export async function fidCalc(
  images: readonly string[],
  options: EvaluationOptions & { readonly ref: string; readonly num?: number; readonly seed?: number },
  answer: Answer,
): Promise<void> {
  const { ref, num, seed = 0 } = options;
  if (options.seed !== undefined && num === undefined)
    throw new RunnerError('E_USAGE', `--seed ${seed} draws nothing without --num: give both, or neither`);
  const { look, end } = search();
  const paths = images.map((path) => look('images', () => pathOf(path)));
  const network = look('features', () => resolve(pathOrNamed(options.features, 'feature_network')));
  let remote: ReturnType<typeof referenceAt>;
  const reference = look('ref', () => {
    remote = referenceAt(ref);
    return remote?.path ?? resolve(pathOrNamed(ref, 'reference_data'));
  });
  end();
  const sets = await Promise.all(paths.map((data) => drawn(data, num, seed)));
  const world = await openWorld(options);
  if (remote) await fetchReference(remote);
  const tasks = compileFid(sets, reference, { ...options, network });
  const execution = await work(tasks, world);
  const scored = [];
  for (const [i, task] of tasks.entries()) {
    const record = execution.records.get(task);
    if (!record) continue;
    const path = await world.store.blob(record.outputs.value!);
    const { fid } = JSON.parse(await readFile(path!, 'utf8'));
    const count = imagesOf(execution, tasksOf(task.inputs.features));
    const realImages = imagesOf(execution, tasksOf(task.inputs.reference));
    const of = sets[i]!.drawn?.of;
    scored.push({
      set: images[i],
      fid,
      images: count,
      ...(of !== undefined && { of, seed }),
      ...(realImages !== undefined && { realImages }),
    });
    const name = images.length > 1 ? `${images[i]}: ` : '';
    const which = of === undefined ? `${count} images` : `${count} of ${of} images, drawn with seed ${seed},`;
    const real = realImages ?? (remote ? shownPath(remote.path) : ref);
    answer.line(`fid ${fid} (${name}${which} against ${real})`);
  }
  answer.object({ sets: scored });
  demand(execution);
}

/**
 * The images of a set that EDM's code draws: where it has more than `num`, NumPy's legacy generator shuffles their numbers,
 * and the first are taken, in the order of names.
 *
 * @param num all where it is undefined
 * @param seed taken modulo 2³¹
 * @throws RunnerError E_IMAGES where the set has fewer; MetricsError
 */
async function drawn(data: string, num: number | undefined, seed: number): Promise<ImageSet> {
  if (num === undefined) return { data };
  const [{ countImages }, { numpyShuffle }] = await Promise.all([
    import('@fewstep/metrics/images'),
    import('@fewstep/solvers'),
  ]);
  const of = await countImages(data);
  if (of < num)
    throw new RunnerError(
      'E_IMAGES',
      `${data} has ${of} images, fewer than --num ${num}: add what is missing, or draw ${of} at most`,
      { evidence: { file: data, count: of, num } },
    );
  if (of === num) return { data };
  const modulus = 2 ** 31;
  const order = numpyShuffle(of, ((seed % modulus) + modulus) % modulus);
  return { data, drawn: { numbers: [...order.subarray(0, num).sort()], of } };
}
