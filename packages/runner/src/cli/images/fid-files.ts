import { existsSync } from 'node:fs';
import { extname, join, posix, resolve } from 'node:path';
import { digestOfText } from '@fewstep/taskgraph';
import { errorOfLines, RunnerError } from '../../errors.js';
import { modelsFolder } from '../../workspace.js';
import { fetchFiles, sayDownloaded } from '../models/fetch-files.js';
import { type PlacedFile, registryFiles, registryNames } from '../models/registry-files.js';

/** Looks for the files that a command is given, so that all that is missing is told at once. */
export function search() {
  const missing: string[] = [];
  return {
    /** What `find` finds for an option. */
    look(option: string, find: () => string): string {
      try {
        return find();
      } catch (error) {
        if (!(error instanceof RunnerError)) throw error;
        missing.push(`${option}: ${error.message}`);
        return '';
      }
    },
    /** @throws RunnerError E_FILE */
    end(): void {
      if (missing.length > 0) throw errorOfLines('E_FILE', missing);
    },
  };
}

/** @throws RunnerError E_FILE */
export function pathOf(given: string): string {
  const path = resolve(given);
  if (existsSync(path)) return path;
  throw new RunnerError('E_FILE', `there is no ${given} (looked at ${path})`, { evidence: { path } });
}

/** A set as it is on disk; how many images or vectors are in it, where that is known. */
export type CountedSet =
  | { readonly type: 'images' | 'features'; readonly data: string; readonly count: number }
  | { readonly type: 'statistics'; readonly data: string };

/** Whether there are images at a path, in a zip or folder, or what was made of some. */
export const holdsImages = (path: string): boolean => !/\.(npz|pkl|safetensors)$/i.test(path);

/**
 * What is at a path: images in a zip or folder; in an .npz or .safetensors features; or statistics, mu and sigma, in an .npz
 * or a pickle.
 *
 * @throws RunnerError E_FEATURES, E_IMAGES for less than two; MetricsError, ModelError for what can't be read
 */
export async function setAt(data: string): Promise<CountedSet> {
  if (holdsImages(data)) {
    const { countImages } = await import('@fewstep/metrics/images');
    return { type: 'images', data, count: enough(data, await countImages(data), 'image') };
  }
  if (/\.pkl$/i.test(data)) return { type: 'statistics', data };
  const { statisticsIn } = await import('@fewstep/metrics/npz');
  if (/\.npz$/i.test(data) && (await statisticsIn(data)).length > 0) return { type: 'statistics', data };
  const { openFeaturesOf } = await import('../../features-of-file.js');
  const features = await openFeaturesOf(data);
  features.close();
  return { type: 'features', data, count: enough(data, features.n, 'vector') };
}

/** Refused before anything is evaluated. */
function enough(data: string, count: number, what: string): number {
  if (count > 1) return count;
  throw new RunnerError(
    'E_IMAGES',
    `${data} holds ${count} ${what}, and a covariance is of two at least: add more`,
    { evidence: { file: data, count } },
  );
}

/** What is downloaded as a reference, as names end, and how long it may be: images lie beside statistics, too. */
const endings = ['.npz', '.pkl', '.safetensors', '.zip'];
const most = 2 ** 36;

/**
 * Where a reference belongs that is given by its address: a file of the registry to its place, any other in a folder of its
 * own within that of models, named after the address. Undefined where what is given is no address.
 *
 * @throws RunnerError E_FILE where it is none that can be downloaded, or doesn't tell what it is of
 */
export function referenceAt(given: string): PlacedFile | undefined {
  if (!/^[a-z][a-z\d+.-]*:\/\//i.test(given)) return undefined;
  const refuse = (why: string) =>
    new RunnerError('E_FILE', `${given} ${why}: download it, and give its path`, { evidence: { given } });
  if (!/^https?:\/\//i.test(given) || !URL.canParse(given))
    throw refuse('is no address of http:// or https://');
  const published = registryNames()
    .flatMap(registryFiles)
    .find(({ file }) => file.address === given);
  if (published) return published;
  const name = posix.basename(new URL(given).pathname);
  if (!endings.includes(extname(name).toLowerCase())) throw refuse(`ends with none of ${endings.join(', ')}`);
  const folder = join(modelsFolder(), 'references', digestOfText(given).slice(0, 16));
  const file = { name, address: given, licence: 'its licence is not known' };
  return { role: 'reference_data', file, folder, path: join(folder, name) };
}

/**
 * Makes sure that a reference is here: downloaded once, told of before, and held to its digest from then on.
 *
 * @throws RunnerError as `fetchFiles` does
 */
export const fetchReference = (reference: PlacedFile): Promise<void> =>
  fetchFiles([reference], sayDownloaded, { most });
