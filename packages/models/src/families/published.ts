import { basename } from 'node:path';
import type { AttentionOrder } from '../networks/ops.js';
import type { Parametrization } from '../networks/preconditioning.js';
import type { CheckpointValues } from './registry.js';

/** What a published network is: what its weights show, which must be found in its file, and what they don't. */
export interface PublishedNetwork {
  readonly family: 'adm' | 'cm' | 'adm-classifier';
  /** Whose file it is. */
  readonly of: string;
  readonly shows: {
    readonly in_channels: number;
    readonly out_channels: number;
    readonly model_channels: number;
    readonly channel_mult: readonly number[];
    readonly num_res_blocks: number;
    readonly attention_resolutions: readonly number[];
    readonly num_classes: number;
    readonly use_scale_shift_norm: boolean;
    readonly resblock_updown: boolean;
  };
  readonly hides: HiddenOptions;
}

/** Under their names in a spec. */
export interface HiddenOptions {
  readonly image_size: number;
  readonly num_heads?: number;
  readonly num_head_channels?: number;
  readonly attention_order: Exclude<AttentionOrder, 'heads-channels-qkv'>;
  readonly noise_schedule?: 'linear' | 'cosine';
  readonly diffusion_steps?: number;
  readonly rescale_timesteps?: boolean;
  readonly parametrization?: Parametrization;
}

type Size = 32 | 64 | 128 | 256 | 512;

/** Width of each level, in both repositories and in that of Consistency Models. */
const multiples: Readonly<Record<Size, readonly number[]>> = {
  32: [1, 2, 2, 2],
  64: [1, 2, 3, 4],
  128: [1, 1, 2, 3, 4],
  256: [1, 1, 2, 2, 4, 4],
  512: [0.5, 1, 1, 2, 2, 4, 4],
};

/** What a README's flags say, by their names there; `attention`: the sizes that attend. */
interface Flags {
  readonly size: Size;
  readonly num_channels: number;
  readonly num_res_blocks: number;
  readonly attention: readonly number[];
  readonly class_cond: boolean;
  readonly use_scale_shift_norm?: boolean;
}

const shown = (
  { size, num_channels, num_res_blocks, attention, class_cond, use_scale_shift_norm = true }: Flags,
  more: Pick<PublishedNetwork['shows'], 'out_channels' | 'resblock_updown'>,
): PublishedNetwork['shows'] => ({
  in_channels: 3,
  model_channels: num_channels,
  channel_mult: multiples[size],
  num_res_blocks,
  attention_resolutions: attention.map((side) => size / side).sort((a, b) => a - b),
  num_classes: class_cond ? 1000 : 0,
  use_scale_shift_norm,
  ...more,
});

const legacy = 'heads-qkv-channels';

/** Dhariwal & Nichol 2021: the README of guided diffusion. */
const guided = (
  flags: Omit<Flags, 'attention'>,
  hides: Omit<HiddenOptions, 'image_size' | 'attention_order' | 'noise_schedule'> & Partial<HiddenOptions> = {
    num_head_channels: 64,
  },
): PublishedNetwork => ({
  family: 'adm',
  of: 'guided diffusion',
  shows: shown({ ...flags, attention: [32, 16, 8] }, { out_channels: 6, resblock_updown: true }),
  hides: {
    image_size: flags.size,
    attention_order: legacy,
    noise_schedule: 'linear',
    diffusion_steps: 1000,
    rescale_timesteps: false,
    parametrization: 'eps',
    ...hides,
  },
});

/** Its classifiers, which its scripts make with heads of 64 channels in the legacy order. */
const classifier = (size: Size, num_res_blocks = 2): PublishedNetwork => ({
  family: 'adm-classifier',
  of: 'guided diffusion',
  shows: shown(
    { size, num_channels: 128, num_res_blocks, attention: [32, 16, 8], class_cond: false },
    { out_channels: 1000, resblock_updown: true },
  ),
  hides: { image_size: size, num_head_channels: 64, attention_order: legacy },
});

/** Nichol & Dhariwal 2021: the README of improved diffusion, whose networks all have the legacy order. */
const improved = (
  flags: Omit<Flags, 'attention' | 'class_cond'> & Partial<Flags>,
  hides: Partial<HiddenOptions> = {},
): PublishedNetwork => ({
  family: 'adm',
  of: 'improved diffusion',
  shows: shown(
    { attention: [16, 8], class_cond: false, ...flags },
    { out_channels: 6, resblock_updown: false },
  ),
  hides: {
    image_size: flags.size,
    num_heads: 4,
    attention_order: legacy,
    noise_schedule: 'cosine',
    diffusion_steps: 4000,
    rescale_timesteps: true,
    parametrization: 'eps',
    ...hides,
  },
});
const improvedBedroom = improved(
  { size: 256, num_channels: 128, num_res_blocks: 2, attention: [16], use_scale_shift_norm: false },
  { num_heads: 1, noise_schedule: 'linear', diffusion_steps: 1000, rescale_timesteps: false },
);

/** Song et al. 2023: the launch script of Consistency Models; its attention is that of flash-attention. */
const consistency = (flags: Omit<Flags, 'attention'>): PublishedNetwork => ({
  family: 'cm',
  of: 'Consistency Models',
  shows: shown({ ...flags, attention: [32, 16, 8] }, { out_channels: 3, resblock_updown: true }),
  hides: { image_size: flags.size, num_head_channels: 64, attention_order: 'qkv-heads-channels' },
});
const consistencyLsun = consistency({
  size: 256,
  num_channels: 256,
  num_res_blocks: 2,
  class_cond: false,
  use_scale_shift_norm: false,
});

const imagenet64 = { size: 64, num_channels: 192, num_res_blocks: 3, class_cond: true } as const;
const wide = { num_channels: 256, num_res_blocks: 2 } as const;
const lsun = guided({ ...wide, size: 256, class_cond: false });
const uncond64 = improved({ size: 64, num_channels: 128, num_res_blocks: 3 });
const cifar10 = improved({ size: 32, num_channels: 128, num_res_blocks: 3 });

/**
 * The U-Nets of ADM's kind that their authors published, by the names of their files.
 *
 * Source: README.md of openai/guided-diffusion and openai/improved-diffusion, scripts/launch.sh of
 * openai/consistency_models, and the defaults of their script_util.py.
 */
export const published = {
  '64x64_diffusion.pt': guided(imagenet64, {
    num_head_channels: 64,
    attention_order: 'qkv-heads-channels',
    noise_schedule: 'cosine',
  }),
  '128x128_diffusion.pt': guided({ ...wide, size: 128, class_cond: true }, { num_heads: 4 }),
  '256x256_diffusion.pt': guided({ ...wide, size: 256, class_cond: true }),
  '256x256_diffusion_uncond.pt': lsun,
  '512x512_diffusion.pt': guided({ ...wide, size: 512, class_cond: true }),
  'lsun_bedroom.pt': lsun,
  'lsun_cat.pt': lsun,
  'lsun_horse.pt': lsun,
  'lsun_horse_nodropout.pt': lsun,
  '64x64_classifier.pt': classifier(64, 4),
  '128x128_classifier.pt': classifier(128),
  '256x256_classifier.pt': classifier(256),
  '512x512_classifier.pt': classifier(512),
  'imagenet64_uncond_100M_1500K.pt': uncond64,
  'imagenet64_uncond_vlb_100M_1500K.pt': uncond64,
  'imagenet64_cond_270M_250K.pt': improved(imagenet64, { rescale_timesteps: false }),
  'cifar10_uncond_50M_500K.pt': cifar10,
  'cifar10_uncond_vlb_50M_500K.pt': cifar10,
  'lsun_uncond_100M_1200K_bs128.pt': improvedBedroom,
  'lsun_uncond_100M_2400K_bs64.pt': improvedBedroom,
  'edm_imagenet64_ema.pt': consistency(imagenet64),
  'edm_bedroom256_ema.pt': consistencyLsun,
  'edm_cat256_ema.pt': consistencyLsun,
} as const satisfies Readonly<Record<string, PublishedNetwork>>;

const upsampler =
  'an upsampler, which is told the small image beside the noisy one: it denoises nothing by itself';
const consistencyModel =
  'a consistency model, which goes from noise to an image in one step and is no denoiser: take one of edm_*_ema.pt';
const data = ['imagenet64', 'bedroom256', 'cat256'] as const;

/** Files that were published beside them and are no denoisers, with what they are. */
export const refused: Readonly<Record<string, string>> = {
  '64_256_upsampler.pt': upsampler,
  '128_512_upsampler.pt': upsampler,
  'upsample_cond_500K.pt': upsampler,
  ...Object.fromEntries(
    data.flatMap((one) =>
      [`cd_${one}_l2.pt`, `cd_${one}_lpips.pt`, `ct_${one}.pt`].map((name) => [name, consistencyModel]),
    ),
  ),
};

const own = <T>(table: Readonly<Record<string, T>>, name: string): T | undefined =>
  Object.hasOwn(table, name) ? table[name] : undefined;

/** The published network that a file has the name of. */
export const publishedAt = (path: string): PublishedNetwork | undefined =>
  own<PublishedNetwork>(published, basename(path));

/** What the published file of that name is, which is no denoiser. */
export const refusedAt = (path: string): string | undefined => own(refused, basename(path));

/** The names of the published files that show the same. */
export const publishedLike = (
  shows: PublishedNetwork['shows'],
  families: readonly string[],
): readonly string[] =>
  Object.entries<PublishedNetwork>(published)
    .filter(([, one]) => families.includes(one.family) && differencesOf(one, shows).length === 0)
    .map(([name]) => name);

/** What a file shows that the published one of its name doesn't: `channel_mult [1,2] for [1,1,2]`. */
export function differencesOf(
  { shows }: Pick<PublishedNetwork, 'shows'>,
  found: PublishedNetwork['shows'],
): readonly string[] {
  const words = (value: unknown) => JSON.stringify(value);
  return (Object.keys(shows) as (keyof typeof shows)[])
    .filter((name) => words(shows[name]) !== words(found[name]))
    .map((name) => `${name} ${words(found[name])} for ${words(shows[name])}`);
}

/** Whether heads are told, in one way or the other; -1 channels of a head are none, as in the official flags. */
export const hasHeads = ({ num_heads, num_head_channels = -1 }: Partial<HiddenOptions>): boolean =>
  num_heads !== undefined || num_head_channels !== -1;

/** What is told, before what is published; heads that are told in one way are not the published ones in the other. */
export function overPublished<Told extends Partial<HiddenOptions>>(
  told: Told,
  hides: Partial<HiddenOptions> = {},
): Told & Partial<HiddenOptions> {
  const { num_heads, num_head_channels, ...others } = hides;
  const heads = {
    ...(num_heads !== undefined && { num_heads }),
    ...(num_head_channels !== undefined && { num_head_channels }),
  };
  return { ...others, ...(!hasHeads(told) && heads), ...told };
}

/** Stands before the names of a classifier's options in a spec. */
export const CLASSIFIER = 'classifier_';

/** What is told of a checkpoint, and what the names of its files say beside that, where they are published ones. */
export function withPublished(
  told: CheckpointValues,
  { checkpoint, classifier }: { readonly checkpoint: string; readonly classifier?: string | undefined },
): CheckpointValues {
  const network = publishedAt(checkpoint);
  const other = classifier === undefined ? undefined : publishedAt(classifier);
  const own =
    network && network.family !== 'adm-classifier' && (told.family ?? network.family) === network.family
      ? { ...overPublished(told, network.hides), family: network.family }
      : told;
  if (other?.family !== 'adm-classifier') return own;
  const { classifier_num_heads: num_heads, classifier_num_head_channels: num_head_channels } = told;
  const heads = {
    ...(num_heads !== undefined && { num_heads }),
    ...(num_head_channels !== undefined && { num_head_channels }),
  };
  const { image_size: _, ...hides } = overPublished(heads, other.hides);
  const named = Object.entries(hides).map(([name, value]) => [`${CLASSIFIER}${name}`, value] as const);
  return { ...Object.fromEntries(named), ...own };
}
