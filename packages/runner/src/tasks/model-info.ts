import { readFile } from 'node:fs/promises';
import type { DecoderInfo, DenoiserInfo, TextEncoderInfo } from '@fewstep/models';

/** What the task `denoiser` says of a model. */
export interface ModelInfo extends DenoiserInfo {
  /** Where it denoises latents: how they become images. */
  readonly decoder?: DecoderInfo;
  readonly textEncoder?: TextEncoderInfo;
  /**
   * Where the network knows no other noise levels: those that timestamps are rounded to. Said here and not worked out by
   * each task that solves, so that it is in the keys of those networks' tasks, and of no other's.
   */
  readonly solvedAt?: readonly number[];
}

/** Whether images of so many channels can be shown and scored. */
export const isPictured = (channels: number): boolean => channels === 1 || channels === 3;

/** Why no table is fitted to features of latents. */
export const noFeaturesOfLatents =
  'features are of pictures, and the dataset’s network denoises latents, each of which would have to be decoded thousands of times: leave loss out of train (l2), which compares latents.';

interface Range {
  readonly sigmaMin: number;
  readonly sigmaMax: number;
}

/**
 * Why a network that is told discrete times can't be solved in a range: for noise beyond that of its training there is no
 * time. The last digits of its ends are rounding.
 */
export function beyondTraining(
  { sigmaMin, sigmaMax }: Range,
  trained: Range,
): { readonly key: 'sigma_min' | 'sigma_max'; readonly sentence: string } | undefined {
  const isAbove = sigmaMax > 1.01 * trained.sigmaMax;
  if (!isAbove && sigmaMin >= trained.sigmaMin / 1.01) return undefined;
  const [key, sigma] = isAbove ? (['sigma_max', sigmaMax] as const) : (['sigma_min', sigmaMin] as const);
  return {
    key,
    sentence: `${key} ${sigma} is noise that the dataset’s network has no time for, which was trained on ${trained.sigmaMin} to ${trained.sigmaMax}: stay within that, or leave ${key} out.`,
  };
}

export async function readInfo(inputs: { readonly info: string }): Promise<ModelInfo> {
  return JSON.parse(await readFile(inputs.info, 'utf8')) as ModelInfo;
}

/** Black and white of images; none of latents, for what is decoded from them isn't cut off where they are. */
export const boundsSeen = ({ decoder }: Pick<ModelInfo, 'decoder'>): readonly [number, number] | undefined =>
  decoder ? undefined : [-1, 1];
