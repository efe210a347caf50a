import { checkpointFault } from '../errors.js';
import { fromDiffusers, hasDiffusersDecoder } from './diffusers-names.js';
import { checkFirstStage, FIRST_STAGE, type LatentSource, latentChannels } from './latent-checkpoint.js';

const isOfFirstStage = (name: string) => name.startsWith(FIRST_STAGE);

/**
 * A model with the first stage of another file: a model's, or a first stage by itself, by the original names or by
 * diffusers'.
 *
 * @throws ModelError `E_CHECKPOINT` where that file has none, or one that is not whole or of other latents
 */
export function withFirstStage(model: LatentSource, file: LatentSource): LatentSource {
  const first = firstStageOf(file);
  if (!Object.hasOwn(first.tensors, `${FIRST_STAGE}post_quant_conv.weight`))
    throw checkpointFault('it is no first stage: it has no post_quant_conv.weight', {
      missing: ['post_quant_conv.weight'],
    });
  checkFirstStage(first.tensors, latentChannels(model.tensors));
  const pick = ({ tensors }: LatentSource, isPicked: (name: string) => boolean) =>
    Object.entries(tensors).filter(([name]) => isPicked(name));
  return {
    tensors: Object.fromEntries([
      ...pick(model, (name) => !isOfFirstStage(name)),
      ...pick(first, isOfFirstStage),
    ]),
    ...(model.averaged !== undefined && { averaged: model.averaged }),
    read: (name) => (isOfFirstStage(name) ? first : model).read(name),
  };
}

/** A file's first stage, under the names that it has in a model. */
export function firstStageOf(file: LatentSource): LatentSource {
  const names = Object.keys(file.tensors);
  if (names.some(isOfFirstStage)) return file;
  if (hasDiffusersDecoder(names)) return fromDiffusers({ vae: file });
  return {
    tensors: Object.fromEntries(names.map((name) => [`${FIRST_STAGE}${name}`, file.tensors[name]!])),
    read: (name) => file.read(name.slice(FIRST_STAGE.length)),
  };
}
