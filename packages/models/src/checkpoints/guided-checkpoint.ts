import { checkpointFault, withPath } from '../errors.js';
import type { Inspected, Look } from '../families/family.js';
import type { Told } from '../families/options.js';
import { CLASSIFIER } from '../families/published.js';
import type { classifierOptions, guidedOptions } from '../families/unseen.js';
import { readStateDict } from '../files/state-dict.js';
import type { Tensors } from '../files/tensor.js';
import { classifierGradient } from '../networks/guided-classifier.js';
import { guidedUNet } from '../networks/guided-unet.js';
import { alphasCumprod, sigmaRange } from '../networks/noise-levels.js';
import { asking } from './asking.js';
import type { Checkpoint, GuidedCheckpoint } from './checkpoint.js';
import type { UnseenOptions } from './guided-options.js';
import {
  type AdmOptions,
  asClassifiers,
  besideClassifier,
  type ClassifierOptions,
  classifierSettings,
  type GuidedSettings,
  STEPS,
  settled,
  uNetSettings,
} from './guided-settings.js';
import { lookAt, oneSet } from './look.js';

/** Which weights are taken of a file that has averaged ones beside others: the averaged ones by default. */
type UseEma = Pick<Told<typeof guidedOptions>, 'use_ema'>;

/**
 * Reads a network of Consistency Models' repository that was trained as EDM is, such as `edm_bedroom256_ema.pt`.
 *
 * @param told options that the weights don't show: those of a published file are known by its name, others must be told
 * Source: Song et al. 2023, arXiv:2303.01469; σ from 0.002 to 80 and σ_data 0.5, arXiv:2206.00364.
 * @throws ModelError `E_CHECKPOINT` with `path` in `evidence`, and the lists `missing`, `unexpected`, `wrongShape` of
 * weights, or `asked`: the options that must be told, with what they could be; the errors of `readStateDict`.
 */
export const readCmCheckpoint = async (
  path: string,
  told: UnseenOptions & UseEma = {},
): Promise<GuidedCheckpoint> => readGuided('cm', await lookAt(path, told.use_ema), told);

/** The same from weights in memory; every option that they don't show must be told. @throws as `readCmCheckpoint`. */
export const cmCheckpoint = (weights: Tensors, told: UnseenOptions = {}): GuidedCheckpoint =>
  checkpointOf('cm', weights, uNetSettings('cm', weights, told));

/**
 * Reads the networks of guided diffusion's repository and of improved diffusion's: `256x256_diffusion.pt` and, to guide
 * it, `256x256_classifier.pt`. Of a network that learned a variance the mean is taken.
 *
 * @param told as for `readCmCheckpoint`, for each of the two, and of the first the noise that it was trained on; the
 * classifier's images are as large as the others
 * Source: Dhariwal & Nichol 2021, arXiv:2105.05233; Nichol & Dhariwal 2021, arXiv:2102.09672. As a denoiser for σ: the VP
 * column of table 1, arXiv:2206.00364, where β is evenly spaced over 1000 times, else the table of training.
 * @throws ModelError as `readCmCheckpoint`.
 */
export async function readAdmCheckpoint(
  { diffusion, classifier }: { readonly diffusion: string; readonly classifier?: string },
  told: { readonly diffusion?: AdmOptions & UseEma; readonly classifier?: ClassifierOptions } = {},
): Promise<GuidedCheckpoint> {
  const others = Object.entries(told.classifier ?? {}).map(([name, value]) => [
    `${CLASSIFIER}${name}`,
    value,
  ]);
  return readGuided('adm', await lookAt(diffusion, told.diffusion?.use_ema), {
    ...told.diffusion,
    ...Object.fromEntries(others),
    ...(classifier !== undefined && { classifier }),
  });
}

/** The diffusion network from weights in memory; every option that they don't show must be told. @throws as `readAdmCheckpoint`. */
export const admCheckpoint = (weights: Tensors, told: AdmOptions = {}): GuidedCheckpoint =>
  checkpointOf('adm', weights, uNetSettings('adm', weights, told));

/** Adds the classifier of the same images, of which every option that its weights don't show must be told. @throws as `readAdmCheckpoint`. */
export const withClassifier = (
  checkpoint: GuidedCheckpoint,
  weights: Tensors,
  told: ClassifierOptions & Pick<UnseenOptions, 'image_size'> = {},
): GuidedCheckpoint =>
  guidedBy(checkpoint, weights, classifierSettings(weights, { image_size: checkpoint.resolution, ...told }));

/** What a family of this kind is told: of the network, of its classifier, and the classifier's file. */
type GuidedTold = UseEma & AdmOptions & Told<typeof classifierOptions> & { readonly classifier?: string };

/** Reads a file that was looked at. @throws as `readAdmCheckpoint`. */
export async function readGuided(
  family: 'adm' | 'cm',
  look: Look,
  told: GuidedTold,
): Promise<GuidedCheckpoint> {
  const { path } = look;
  const { network, classifier, all } = await withPath(path, () => settingsAt(family, look, told));
  const checkpoint = await withPath(path, async () => {
    if (Object.keys(all.asked).length > 0) throw asking([all]);
    settled(network);
    return checkpointOf(family, await weightsOf(look), network);
  });
  if (!classifier) return checkpoint;
  return withPath(classifier.look.path, async () =>
    guidedBy(checkpoint, await weightsOf(classifier.look), classifier.settings),
  );
}

/** What is known of a file, and of its classifier's, before they are read. @throws as `readAdmCheckpoint`, but not for what is open */
export async function inspectGuided(family: 'adm' | 'cm', look: Look, told: GuidedTold): Promise<Inspected> {
  const { all, network } = await settingsAt(family, look, told);
  if (Object.keys(all.asked).length === 0) settled(network);
  const { averaged } = look;
  const taken = averaged !== undefined && { use_ema: averaged };
  return {
    ...inspected(all),
    network: { ...all.options, ...taken },
    sources: { ...all.sources, ...(taken && { use_ema: told.use_ema === undefined ? 'file' : 'spec' }) },
  };
}

/** The same of a classifier by itself. @throws as `inspectGuided` */
export function inspectClassifier({ tensors, path }: Look): Inspected {
  const { shown, options, sources, asked, like } = classifierSettings(tensors, {}, path);
  const { image_size } = asked;
  return {
    network: { ...shown, ...asClassifiers(options) },
    sources: { ...sources, ...asClassifiers(sources) },
    asked: { ...(image_size && { image_size }), ...asClassifiers(asked) },
    like,
  };
}

const inspected = ({ options, sources, asked, like }: GuidedSettings): Inspected => ({
  network: options,
  sources,
  asked,
  like,
});

async function settingsAt(
  family: 'adm' | 'cm',
  look: Look,
  { classifier: path, use_ema, ...told }: GuidedTold,
) {
  const options = Object.entries(told);
  const isOthers = ([name]: readonly [string, unknown]) => name.startsWith(CLASSIFIER);
  const own: AdmOptions = Object.fromEntries(options.filter((one) => !isOthers(one)));
  const others = options.filter(isOthers);
  if (use_ema && look.averaged === undefined) throw oneSet();
  if (path === undefined && others.length > 0)
    throw checkpointFault(`there is no classifier to tell ${others.map(([name]) => name).join(', ')} of`);
  const network = uNetSettings(family, look.tensors, own, look.path);
  if (path === undefined) return { network, all: network };
  const other = await lookAt(path);
  const { image_size } = network.given;
  const settings = withPath(path, () =>
    classifierSettings(
      other.tensors,
      {
        ...(image_size !== undefined && { image_size }),
        ...Object.fromEntries(others.map(([name, value]) => [name.slice(CLASSIFIER.length), value])),
      },
      path,
    ),
  );
  return { network, classifier: { look: other, settings }, all: besideClassifier(network, settings) };
}

const weightsOf = ({ path, prefix = '' }: Look): Promise<Tensors> => readStateDict(path, { prefix });

/** With every option of its settings. @throws ModelError `E_CHECKPOINT` that asks for what is left open */
function checkpointOf(family: 'adm' | 'cm', weights: Tensors, settings: GuidedSettings): GuidedCheckpoint {
  const network = settled(settings);
  const { in_channels: channels, image_size: resolution, num_classes: classes } = network;
  const noise = family === 'cm' ? edmNoise : noiseOf(settings.given);
  return { family, network, forward: guidedUNet(network), channels, resolution, classes, ...noise, weights };
}

type Noise = Pick<Checkpoint, 'preconditioning' | 'sigmaMin' | 'sigmaMax' | 'clamped'>;

const edmNoise: Noise = {
  preconditioning: { type: 'cm', sigmaData: 0.5 },
  sigmaMin: 0.002,
  sigmaMax: 80,
};

/** β of other numbers of times are scaled, so that they come to the same noise. */
function noiseOf({
  noise_schedule,
  diffusion_steps: steps = STEPS,
  rescale_timesteps = false,
  parametrization = 'eps',
}: AdmOptions): Noise {
  if (noise_schedule === 'linear' && steps === STEPS && parametrization === 'eps')
    return {
      preconditioning: { type: 'vp', betaD: 19.9, betaMin: 0.1, steps },
      // σ at t = 0.001 and 1, in float32 as official samplers compute it; exactly, the first is 0.0104860
      sigmaMin: 0.01048384327441454,
      sigmaMax: 152.16697692871094,
      clamped: true,
    };
  const scale = STEPS / steps;
  const table = alphasCumprod(
    noise_schedule === 'cosine'
      ? { type: 'cosine', steps }
      : { type: 'linear', start: scale * 0.0001, end: scale * 0.02, steps },
  );
  return {
    preconditioning: {
      type: 'ldm',
      alphasCumprod: table,
      ...(parametrization !== 'eps' && { predicts: parametrization }),
      ...(rescale_timesteps && steps !== STEPS && { timeScale: scale }),
    },
    ...sigmaRange(table),
    clamped: true,
  };
}

function guidedBy(
  checkpoint: GuidedCheckpoint,
  weights: Tensors,
  settings: GuidedSettings,
): GuidedCheckpoint {
  const { resolution: image_size, channels, classes } = checkpoint;
  const network = settled(settings);
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
