import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import { errorOfLines } from '../errors.js';
import { compileFid, compileReference } from '../graph/reference.js';
import { imagesOf, tasksOf } from '../report/image-counts.js';
import type { Answer } from './answer.js';
import { openResults } from './output.js';
import { demand, work } from './work.js';
import { openWorld, type StoreOptions } from './world.js';

interface NetworkOption {
  readonly features: string;
}

/** `fewstep fid ref IMAGES`: the statistics of a set of images, as the .npz that the official code reads. */
export async function fidRef(
  images: string,
  options: StoreOptions & NetworkOption & { readonly dest: string },
  answer: Answer,
): Promise<void> {
  checkExists({ images, features: options.features });
  const dest = resolve(options.dest);
  const results = await openResults(dirname(dest));
  const world = await openWorld(options);
  const tasks = compileReference(resolve(images), resolve(options.features));
  const execution = await work(tasks, world);
  demand(execution);
  const [{ statistics, writeStatistics }, { featureSets }] = await Promise.all([
    import('@fewstep/metrics'),
    import('../tasks/features-file.js'),
  ]);
  const paths = await Promise.all(
    tasks.map((task) => world.store.blob(execution.records.get(task)!.outputs.features!)),
  );
  const found = await statistics(featureSets(paths.map((path) => path!)));
  const file = await results.write(await writeStatistics(found), basename(dest));
  answer.object({ file, images: found.n, dim: found.mu.length });
  answer.line(`${file}: mean and covariance of ${found.n} images, ${found.mu.length} features`);
}

/** `fewstep fid calc IMAGES`: the Fréchet distance of a set of images to a reference. */
export async function fidCalc(
  images: string,
  options: StoreOptions & NetworkOption & { readonly ref: string },
  answer: Answer,
): Promise<void> {
  checkExists({ images, features: options.features, ref: options.ref });
  const world = await openWorld(options);
  const task = compileFid(resolve(images), resolve(options.ref), resolve(options.features));
  const execution = await work([task], world);
  demand(execution);
  const path = await world.store.blob(execution.records.get(task)!.outputs.value!);
  const value = JSON.parse(await readFile(path!, 'utf8'));
  const count = imagesOf(execution, tasksOf(task.inputs.features));
  const realImages = imagesOf(execution, tasksOf(task.inputs.reference));
  answer.object({ ...value, images: count, ...(realImages !== undefined && { realImages }) });
  answer.line(`fid ${value.fid} (${count} images against ${realImages ?? options.ref})`);
}

function checkExists(files: Readonly<Record<string, string>>): void {
  const missing = Object.entries(files).filter(([, path]) => !existsSync(path));
  if (missing.length === 0) return;
  throw errorOfLines(
    'E_FILE',
    missing.map(([role, path]) => `${role}: there is no ${path} (looked at ${resolve(path)})`),
  );
}
