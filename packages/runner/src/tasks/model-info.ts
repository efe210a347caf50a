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

export async function readInfo(inputs: { readonly info: string }): Promise<ModelInfo> {
  return JSON.parse(await readFile(inputs.info, 'utf8')) as ModelInfo;
}
