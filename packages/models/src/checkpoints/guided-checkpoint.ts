import { checkpointFault, withPath } from '../errors.js';
import { readStateDict } from '../files/state-dict.js';
import type { Tensors } from '../files/tensor.js';
import { classifierGradient, guidedClassifier } from '../networks/guided-classifier.js';
import { type GuidedUNetOptions, guidedUNet } from '../networks/guided-unet.js';
import { checkParameters, parameterShapes } from '../networks/parameters.js';
import type { CheckpointNetwork, GuidedCheckpoint } from './checkpoint.js';
import { inferClassifierOptions, inferUNetOptions, type UnseenOptions } from './guided-options.js';

/**
 * Reads a network of Consistency Models' repository that was trained as EDM is, such as `edm_bedroom256_ema.pt`.
 *
 * @param unseen options that the weights don't show: images are 8·2^(levels − 1) high and wide and heads have 64
 * channels, as in the published networks, unless it says otherwise
 * Source: Song et al. 2023, arXiv:2303.01469; σ from 0.002 to 80 and σ_data 0.5, arXiv:2206.00364.
 * @throws ModelError `E_CHECKPOINT` with `path` in `evidence`, and the lists `missing`, `unexpected`, `wrongShape` of
 * weights; the errors of `readStateDict`.
 */
export async function readCmCheckpoint(path: string, unseen: UnseenOptions = {}): Promise<GuidedCheckpoint> {
  const weights = await readStateDict(path);
  return withPath(path, () => cmCheckpoint(weights, unseen));
}

/** The same from weights in memory. @throws as `readCmCheckpoint`. */
export function cmCheckpoint(weights: Tensors, unseen: UnseenOptions = {}): GuidedCheckpoint {
  const network = inferUNetOptions(weights, { attention_order: 'qkv-heads-channels', ...unseen });
  return {
    family: 'cm',
    ...fitting(weights, network),
    preconditioning: { type: 'cm', sigmaData: 0.5 },
    sigmaMin: 0.002,
    sigmaMax: 80,
    weights,
  };
}

/**
 * Reads the networks of guided diffusion's repository: `256x256_diffusion.pt` and, to guide it, `256x256_classifier.pt`.
 *
 * @param unseen as for `readCmCheckpoint`, for each of the two; the classifier's images are as large as the others
 * Source: Dhariwal & Nichol 2021, arXiv:2105.05233; as a denoiser for σ: the VP column of table 1, arXiv:2206.00364.
 * @throws ModelError as `readCmCheckpoint`.
 */
export async function readAdmCheckpoint(
  paths: { readonly diffusion: string; readonly classifier?: string },
  unseen: { readonly diffusion?: UnseenOptions; readonly classifier?: UnseenOptions } = {},
): Promise<GuidedCheckpoint> {
  const weights = await readStateDict(paths.diffusion);
  const checkpoint = withPath(paths.diffusion, () => admCheckpoint(weights, unseen.diffusion));
  if (paths.classifier === undefined) return checkpoint;
  const classifierWeights = await readStateDict(paths.classifier);
  return withPath(paths.classifier, () => withClassifier(checkpoint, classifierWeights, unseen.classifier));
}

/** The diffusion network from weights in memory. @throws as `readAdmCheckpoint`. */
export function admCheckpoint(weights: Tensors, unseen: UnseenOptions = {}): GuidedCheckpoint {
  return {
    family: 'adm',
    ...fitting(weights, inferUNetOptions(weights, unseen)),
    preconditioning: { type: 'vp', betaD: 19.9, betaMin: 0.1, steps: 1000 },
    // σ at t = 0.001 and 1, in float32 as official samplers compute it; exactly, the first is 0.0104860
    sigmaMin: 0.01048384327441454,
    sigmaMax: 152.16697692871094,
    weights,
    clamped: true,
  };
}

/** Adds the classifier of the same images. @throws as `readAdmCheckpoint`. */
export function withClassifier(
  checkpoint: GuidedCheckpoint,
  weights: Tensors,
  unseen: UnseenOptions = {},
): GuidedCheckpoint {
  const { resolution: image_size, channels, classes } = checkpoint;
  const network = inferClassifierOptions(weights, { image_size, ...unseen });
  checkParameters(weights, parameterShapes(guidedClassifier(network)));
  if (network.image_size !== image_size || network.in_channels !== channels)
    throw checkpointFault(
      `the classifier sees ${network.in_channels}×${network.image_size}×${network.image_size} images, the network gives ${channels}×${image_size}×${image_size}`,
    );
  if (classes > 0 && network.out_channels !== classes)
    throw checkpointFault(
      `the classifier tells ${network.out_channels} classes apart, the network was trained on ${classes}`,
    );
  const gradient = classifierGradient(network);
  return {
    ...checkpoint,
    guidance: 'cg',
    classifier: { network, classes: network.out_channels, gradient, weights },
  };
}

/** The network that the options describe, which the weights are of. */
function fitting(weights: Tensors, network: GuidedUNetOptions): CheckpointNetwork<GuidedUNetOptions> {
  const forward = guidedUNet(network);
  checkParameters(weights, parameterShapes(forward));
  const { in_channels: channels, image_size: resolution, num_classes: classes } = network;
  return { network, forward, channels, resolution, classes };
}
