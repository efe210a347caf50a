import { checkpointFault } from '../errors.js';
import { hasTensors, holdsObject, type Known } from './family.js';
import { isDino, isInception } from './feature-names.js';
import { isClassifier, isUpsampler } from './guided-names.js';
import { latentParts, unreadModels } from './latent-kin.js';
import type { Part } from './part.js';
import { allFrom } from './sources.js';

const ofFolder = (name: string, ...tensors: readonly string[]): Part => ({
  name,
  isOf: hasTensors(...tensors),
  remedy: `it is ${name}, a part of a model; name the folder of the model`,
});

/** What has no place in a model that denoises. */
const useless = (name: string, isOf: Part['isOf'], remedy: string): Part => ({
  name,
  isOf,
  remedy,
  inspect: async () => {
    throw checkpointFault(remedy);
  },
});

/** What optimizers keep of each parameter, by the parameter’s number: Adam, SGD with momentum, Adafactor, Lion. */
const OPTIMIZER =
  /(?:^|\.)state\.\d+\.(?:exp_avg|exp_avg_sq|max_exp_avg_sq|momentum_buffer|square_avg|exp_avg_sq_row)$/;

/** Files that belong to a denoiser, or judge its samples. */
export const parts: readonly Part[] = [
  {
    name: 'adm-classifier',
    isOf: isClassifier,
    remedy: 'it is adm-classifier, a part of a model; name the diffusion network’s file',
    inspect: async (look) => (await import('../checkpoints/guided-checkpoint.js')).inspectClassifier(look),
  },
  useless(
    'image-conditioned',
    isUpsampler,
    'it takes another image beside the noisy one, as an upsampler takes the small one: it denoises nothing by itself',
  ),
  useless(
    'optimizer-state',
    ({ tensors }) => Object.keys(tensors).some((name) => OPTIMIZER.test(name)),
    'it holds the state of an optimizer, to go on training with, and no network that is known: name the file of the weights',
  ),
  {
    name: 'inception',
    isOf: isInception,
    remedy:
      'it is FID’s Inception-v3, which gives features and denoises nothing: name it as the feature network',
    async inspect({ tensors }) {
      const { inceptionCheckpoint } = await import('../checkpoints/inception-checkpoint.js');
      inceptionCheckpoint(tensors);
      const network = { features: 2048, logits: 1008 };
      return { network, sources: allFrom('file', network) };
    },
  },
  {
    name: 'dinov2',
    isOf: isDino,
    remedy: 'it is DINOv2, which gives features and denoises nothing: name it as the feature network',
    async inspect({ tensors }) {
      const { dinoNetwork } = await import('../checkpoints/dino-checkpoint.js');
      const { network } = dinoNetwork(tensors);
      return { network, sources: allFrom('file', network) };
    },
  },
  ...unreadModels,
  ofFolder('diffusers-unet', 'conv_in.weight', 'time_embedding.linear_1.weight'),
  {
    ...ofFolder('diffusers-vae', 'decoder.up_blocks.0.resnets.0.conv1.weight', 'decoder.conv_in.weight'),
    remedy:
      'it is diffusers-vae, a part of a model; name the folder of the model, or this file as the first_stage of another one',
  },
  ofFolder('clip-text', 'text_model.embeddings.token_embedding.weight'),
  ...latentParts,
];

/** A predictor of the official AMED-Solver. */
export const predictor: Known = {
  name: 'amed-predictor',
  isOf: holdsObject,
  async inspect({ path }) {
    const { readOfficialPredictor } = await import('../checkpoints/official-predictor.js');
    const { settings, weights } = await readOfficialPredictor(path);
    return { network: settings, weights, sources: allFrom('file', settings) };
  },
};
