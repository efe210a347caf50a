import { checkpointFault } from '../errors.js';
import type { FamilyOptions } from '../families/options.js';
import {
  CLASSIFIER,
  differencesOf,
  type HiddenOptions,
  hasHeads,
  overPublished,
  type PublishedNetwork,
  publishedAt,
  publishedLike,
} from '../families/published.js';
import { type Asked, allFrom, type OptionSource } from '../families/sources.js';
import { classifierOptions, diffusionOptions, guidedOptions } from '../families/unseen.js';
import { guidedClassifier } from '../networks/guided-classifier.js';
import { type GuidedUNetOptions, guidedUNet } from '../networks/guided-unet.js';
import { checkParameters, parameterShapes, type Shaped } from '../networks/parameters.js';
import { type AskedNetwork, asking } from './asking.js';
import {
  attendingChannels,
  isWhole,
  neutral,
  type ShownOptions,
  shownClassifier,
  shownUNet,
  type UnseenOptions,
  withUnseen,
} from './guided-options.js';

/** What a network of discrete times was trained on, and what it gives. */
type DiffusionOptions = Partial<
  Pick<HiddenOptions, 'noise_schedule' | 'diffusion_steps' | 'rescale_timesteps' | 'parametrization'>
>;

/** What the weights of an ADM network don't show. */
export type AdmOptions = UnseenOptions & DiffusionOptions;

/** What the weights of a classifier don't show; its images are as large as those that it guides. */
export type ClassifierOptions = Omit<UnseenOptions, 'image_size' | 'num_heads_upsample'>;

/** A network as its file, its name and its user say it, which may leave options open. */
export interface GuidedSettings extends AskedNetwork {
  readonly shown: ShownOptions;
  /** Told or published. */
  readonly given: Partial<AdmOptions>;
}

/**
 * What is known of a U-Net before its weights are read.
 *
 * @param path of its file, whose name may be a published network's
 * @throws ModelError `E_CHECKPOINT` for weights of no such network, and for a published name over another network
 */
export function uNetSettings(
  family: 'cm' | 'adm',
  weights: Shaped,
  told: AdmOptions,
  path?: string,
): GuidedSettings {
  const shown = shownUNet(weights);
  checkParameters(weights, parameterShapes(guidedUNet({ ...neutral, ...shown })));
  const { in_channels: taken, out_channels: made } = shown;
  if (made !== taken && (family === 'cm' || made !== 2 * taken))
    throw checkpointFault(
      `it gives ${made} channels for images of ${taken}: ${family === 'cm' ? 'a network of cm gives as many' : 'one of adm gives as many, or twice that, with a variance'}`,
    );
  if (taken !== 1 && taken !== 3)
    throw checkpointFault(
      `it denoises ${taken} channels, and an image has 1 (grey) or 3 (RGB): these are latents, and no first stage is read beside such a network`,
      { channels: taken },
    );
  return settingsOf(family, shown, told, path);
}

/** The sizes of images that classifiers are made for. */
const SIZES = [64, 128, 256, 512, 32, 16] as const;

/** The same of a classifier, whose levels show only beside the size of its images. @throws as `uNetSettings` */
export function classifierSettings(
  weights: Shaped,
  told: ClassifierOptions & Pick<UnseenOptions, 'image_size'>,
  path?: string,
): GuidedSettings {
  const shownAt = (image_size: number) => {
    const shown = shownClassifier(weights, image_size);
    checkParameters(weights, parameterShapes(guidedClassifier({ ...neutral, ...shown, image_size })));
    return shown;
  };
  const size = told.image_size ?? publishedOf('adm-classifier', path)?.hides.image_size;
  if (size !== undefined) return settingsOf('adm-classifier', shownAt(size), told, path);
  const sizes = SIZES.filter((one) => {
    try {
      return shownAt(one);
    } catch {
      return false;
    }
  });
  const settings = settingsOf('adm-classifier', shownAt(sizes[0] ?? SIZES[0]), told, path);
  return {
    ...settings,
    sources: { ...settings.sources, image_size: 'asked' },
    asked: { image_size: sizes, ...settings.asked },
  };
}

function publishedOf(family: string, path: string | undefined): PublishedNetwork | undefined {
  const found = path === undefined ? undefined : publishedAt(path);
  return found?.family === family ? found : undefined;
}

function settingsOf(
  family: PublishedNetwork['family'],
  shown: ShownOptions,
  told: AdmOptions,
  path: string | undefined,
): GuidedSettings {
  checkWords(told);
  const published = publishedOf(family, path);
  const differences = published ? differencesOf(published, shown) : [];
  if (published && differences.length > 0)
    throw checkpointFault(
      `it has the name of a file of ${published.of}, but is another network: ${differences.join(', ')}; rename it, and tell what it is`,
      { differences },
    );
  const given: AdmOptions = overPublished(told, published?.hides);
  const asked = askedOf(family, shown, given);
  const sources: Record<string, OptionSource> = {
    ...allFrom('file', shown),
    ...Object.fromEntries(
      Object.keys(given).map((name) => [name, Object.hasOwn(told, name) ? 'spec' : 'registry']),
    ),
    ...allFrom('asked', asked),
  };
  return {
    family,
    shown,
    given,
    options: { ...shown, ...given },
    sources,
    asked,
    like: publishedLike(shown, [family]),
  };
}

function checkWords(told: AdmOptions): void {
  const declared: FamilyOptions = { ...guidedOptions, ...diffusionOptions };
  for (const [name, value] of Object.entries(told)) {
    const option = declared[name];
    if (option && 'enum' in option && !option.enum.includes(value as string))
      throw checkpointFault(`${name} is ${JSON.stringify(value)}, not one of ${option.enum.join(', ')}`, {
        [name]: value,
      });
  }
}

/** Times that β of 0.0001 to 0.02 are of, and that networks are told where times are rescaled. */
export const STEPS = 1000;

/** What is left open, with what it is in published networks where it could be anything. */
function askedOf(family: PublishedNetwork['family'], shown: ShownOptions, given: AdmOptions): Asked {
  const channels = attendingChannels(shown);
  const fitting = (counts: readonly number[]) =>
    counts.filter((count) => channels.every((n) => isWhole(n, count)));
  const halvings = shown.channel_mult.length - 1;
  const steps = given.diffusion_steps;
  const open: Record<string, Asked[string] | false> = {
    image_size:
      family !== 'adm-classifier' &&
      given.image_size === undefined &&
      [8, 4].map((last) => last * 2 ** halvings),
    num_head_channels: !hasHeads(given) && fitting([64, 32, 16]),
    num_heads: !hasHeads(given) && fitting([4, 1]),
    attention_order: given.attention_order === undefined && guidedOptions.attention_order.enum,
    ...(family === 'adm' && {
      noise_schedule: given.noise_schedule === undefined && diffusionOptions.noise_schedule.enum,
      diffusion_steps: steps === undefined && [STEPS, 4 * STEPS],
      rescale_timesteps: given.rescale_timesteps === undefined && steps !== STEPS && [false, true],
      parametrization: given.parametrization === undefined && diffusionOptions.parametrization.enum,
    }),
  };
  return Object.fromEntries(
    Object.entries(open).flatMap(([name, values]) => (values ? [[name, values]] : [])),
  );
}

/** The settings of a network and of the classifier that guides it, whose options are asked under names of their own. */
export const besideClassifier = (network: GuidedSettings, classifier: GuidedSettings): GuidedSettings => ({
  ...network,
  options: { ...network.options, ...asClassifiers(classifier.given) },
  sources: { ...network.sources, ...asClassifiers(classifier.sources) },
  asked: { ...network.asked, ...asClassifiers(classifier.asked) },
});

/** Values of a classifier's options, under their names in a spec. */
export const asClassifiers = <T>(values: Readonly<Partial<Record<string, T>>>): Readonly<Record<string, T>> =>
  Object.fromEntries(
    Object.entries(values).flatMap(([name, value]): [string, T][] =>
      value !== undefined && Object.hasOwn(classifierOptions, `${CLASSIFIER}${name}`)
        ? [[`${CLASSIFIER}${name}`, value]]
        : [],
    ),
  );

/** All options of the network. @throws ModelError `E_CHECKPOINT` that asks for what is left open, or says what doesn't fit */
export function settled(settings: GuidedSettings): GuidedUNetOptions {
  if (Object.keys(settings.asked).length > 0) throw asking([settings]);
  const { shown, given } = settings;
  const { image_size, attention_order, num_heads, num_head_channels, num_heads_upsample } = given;
  return withUnseen(shown, {
    image_size: image_size!,
    attention_order: attention_order!,
    ...(num_heads !== undefined && { num_heads }),
    ...(num_head_channels !== undefined && { num_head_channels }),
    ...(num_heads_upsample !== undefined && { num_heads_upsample }),
  });
}
