import { readFile } from 'node:fs/promises';
import { seedRanges } from '@fewstep/solvers/seeds';
import type { Range } from '@fewstep/taskgraph';
import { codeOf } from '../errors.js';
import { countOfSeeds, countOfShared } from '../experiment/seeds.js';
import { firstTrainingSeed, type PlannedPoint } from '../graph/compile.js';

/** Images of a score that something was fitted to or chosen on, or how they are looked at, so that the score flatters it. */
export interface Leak {
  /**
   * What the seeds were before: those that the predictor or table was trained on, or that told its loss beside; those that noise
   * levels were searched on; those that the spec says settings were chosen on. Or `features`: whatever its seed, an image is
   * scored by features of the network that the table was fitted to.
   */
  readonly of: 'training' | 'validation' | 'schedule' | 'tuned_on' | 'features';
  /** How many of the scored images that is true of. */
  readonly images: number;
}

/** SHA-256 of the files of feature networks: of those that a point's scores are by, and of the one that it was trained on. */
interface UsedNetworks {
  readonly scoring: readonly string[];
  readonly training: string | undefined;
}

/** What leaks from before into a point's scores. */
export async function leaksOf(
  { point, predictor, fit, schedule }: PlannedPoint,
  networks: UsedNetworks,
): Promise<Leak[]> {
  const { tunedOn = [], seeds, rng } = point;
  const training = (predictor ?? fit?.sampler)?.params ?? {};
  const { seeds: trained, validation } = training as Partial<Record<string, Range>>;
  const searched = (schedule?.inputs.costs ?? []).flatMap((ref) =>
    'shards' in ref ? ref.shards.ranges : [],
  );
  const fitted = point.table?.sampler.train;
  const before: Record<Exclude<Leak['of'], 'features'>, readonly Range[]> = {
    // a predictor on top of a table, and the table itself
    training: together(
      fitted ? seedRanges(fitted.seeds) : [],
      trained ? [trained] : await trainingSeedsIn(point.predictor),
    ),
    validation: together(fitted ? seedRanges(fitted.validation_seeds) : [], validation ? [validation] : []),
    schedule: searched,
    tuned_on: tunedOn,
  };
  // training draws its latents as torch-cpu does: by another generator the same seeds are other images
  const isOther = (of: string) => of !== 'tuned_on' && rng !== 'torch-cpu';
  const { scoring, training: known } = networks;
  const isByFeatures = known !== undefined && scoring.includes(known);
  const shared = Object.entries(before).map(([of, ranges]) => ({
    of: of as Leak['of'],
    images: isOther(of) ? 0 : countOfShared(seeds, ranges),
  }));
  const all = [...shared, { of: 'features' as const, images: isByFeatures ? countOfSeeds(seeds) : 0 }];
  return all.filter(({ images }) => images > 0);
}

/** Ranges of several, so that no seed is in two of them. */
const together = (...all: readonly (readonly Range[])[]): Range[] =>
  all
    .flat()
    .sort(([a], [b]) => a - b)
    .flatMap(([first, last], i, sorted): Range[] => {
      const end = Math.max(-1, ...sorted.slice(0, i).map(([, before]) => before));
      return last > end ? [[Math.max(first, end + 1), last]] : [];
    });

/** The seeds that a trained predictor's file says; one of the official training, which drew without seeds, says none. */
async function trainingSeedsIn(file: string | undefined): Promise<Range[]> {
  if (file === undefined) return [];
  try {
    const { readPredictor } = await import('../predictor/predictor-file.js');
    const { settings } = await readPredictor(await readFile(file));
    const { total_kimg } = (settings.train ?? {}) as { readonly total_kimg?: number };
    if (total_kimg === undefined) return [];
    return [[firstTrainingSeed, firstTrainingSeed + Math.round(1000 * total_kimg) - 1]];
  } catch (error) {
    if (codeOf(error) === undefined) throw error;
    return []; // it was there when the spec was read, and its task has said what is wrong since
  }
}
