import { readFile } from 'node:fs/promises';
import { seedRanges } from '@fewstep/solvers/seeds';
import type { Range } from '@fewstep/taskgraph';
import { codeOf } from '../errors.js';
import { countOfShared } from '../experiment/seeds.js';
import { firstTrainingSeed, type PlannedPoint } from '../graph/compile.js';
import { readPredictor } from '../predictor/predictor-file.js';

/** Images of a score that something was fitted to or chosen on, so that the score flatters it. */
export interface Leak {
  /**
   * What the seeds were before: those that the predictor or table was trained on, or that told its loss beside; those that noise
   * levels were searched on; those that the spec says settings were chosen on.
   */
  readonly of: 'training' | 'validation' | 'schedule' | 'tuned_on';
  /** How many of the scored images are of such seeds. */
  readonly images: number;
}

/** What leaks from before into a point's scores. */
export async function leaksOf({ point, predictor, fit, schedule }: PlannedPoint): Promise<Leak[]> {
  const { tunedOn = [], seeds, rng } = point;
  const training = (predictor ?? fit?.sampler)?.params ?? {};
  const { seeds: trained, validation } = training as Partial<Record<string, Range>>;
  const searched = (schedule?.inputs.costs ?? []).flatMap((ref) =>
    'shards' in ref ? ref.shards.ranges : [],
  );
  const fitted = point.table?.sampler.train;
  const before: Record<Leak['of'], readonly Range[]> = {
    training: fitted
      ? seedRanges(fitted.seeds)
      : trained
        ? [trained]
        : await trainingSeedsIn(point.predictor),
    validation: fitted ? seedRanges(fitted.validation_seeds) : validation ? [validation] : [],
    schedule: searched,
    tuned_on: tunedOn,
  };
  // training draws its latents as torch-cpu does: by another generator the same seeds are other images
  const isOther = (of: string) => of !== 'tuned_on' && rng !== 'torch-cpu';
  return Object.entries(before).flatMap(([of, ranges]) => {
    const images = isOther(of) ? 0 : countOfShared(seeds, ranges);
    return images > 0 ? [{ of: of as Leak['of'], images }] : [];
  });
}

/** The seeds that a trained predictor's file says; one of the official training, which drew without seeds, says none. */
async function trainingSeedsIn(file: string | undefined): Promise<Range[]> {
  if (file === undefined) return [];
  try {
    const { settings } = await readPredictor(await readFile(file));
    const { total_kimg } = (settings.train ?? {}) as { readonly total_kimg?: number };
    if (total_kimg === undefined) return [];
    return [[firstTrainingSeed, firstTrainingSeed + Math.round(1000 * total_kimg) - 1]];
  } catch (error) {
    if (codeOf(error) === undefined) throw error;
    return []; // it was there when the spec was read, and its task has said what is wrong since
  }
}
