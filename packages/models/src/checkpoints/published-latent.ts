import { isDeepStrictEqual } from 'node:util';
import type { ClipTextOptions } from '../networks/clip-text-encoder.js';
import type { FirstStageOptions } from '../networks/first-stage-decoder.js';
import type { LatentUNetOptions } from '../networks/latent-unet.js';
import type { BetaSchedule } from '../networks/noise-levels.js';
import type { LatentOptions } from './latent-options.js';

/** What a model's weights show of it. */
export interface ShownParts {
  readonly network: { readonly [N in keyof LatentUNetOptions]?: LatentUNetOptions[N] | undefined };
  readonly decoder: Partial<FirstStageOptions>;
  readonly textEncoder: Partial<ClipTextOptions> | undefined;
}

/** What is known of a model that its weights don't show and its reader doesn't tell. */
export interface LatentFacts {
  /** Where from: a configuration beside the weights, or the published model that has their shapes. */
  readonly from: 'config' | 'registry';
  readonly options: LatentOptions;
  readonly betas?: BetaSchedule | undefined;
}

interface Published extends ShownParts {
  readonly facts: Omit<LatentFacts, 'from'>;
}

const scaled = (start: number, end: number): BetaSchedule => ({
  type: 'scaled_linear',
  start,
  end,
  steps: 1000,
});

/** Rombach et al. 2022, arXiv:2112.10752; the configurations of CompVis/stable-diffusion and CompVis/latent-diffusion. */
const published = {
  'Stable Diffusion v1': {
    network: {
      in_channels: 4,
      out_channels: 4,
      model_channels: 320,
      channel_mult: [1, 2, 4, 4],
      num_res_blocks: 2,
      attention_resolutions: [1, 2, 4],
      use_scale_shift_norm: false,
      resblock_updown: false,
      transformer: { depth: 1, context_dim: 768 },
    },
    decoder: { embed_dim: 4, n_embed: 0 },
    textEncoder: {
      vocab_size: 49408,
      hidden_size: 768,
      max_position_embeddings: 77,
      intermediate_size: 3072,
      num_hidden_layers: 12,
    },
    facts: {
      options: {
        image_size: 64,
        num_heads: 8,
        scale_factor: 0.18215,
        parametrization: 'eps',
        num_attention_heads: 12,
        hidden_act: 'quick_gelu',
      },
      betas: scaled(0.00085, 0.012),
    },
  },
  'latent diffusion’s CelebA-HQ, FFHQ and LSUN Bedrooms': {
    network: {
      in_channels: 3,
      out_channels: 3,
      model_channels: 224,
      channel_mult: [1, 2, 3, 4],
      num_res_blocks: 2,
      attention_resolutions: [2, 4, 8],
      use_scale_shift_norm: false,
      resblock_updown: false,
      transformer: undefined,
    },
    decoder: { embed_dim: 3, n_embed: 8192 },
    textEncoder: undefined,
    facts: {
      options: {
        image_size: 64,
        num_head_channels: 32,
        attention_order: 'heads-qkv-channels',
        scale_factor: 1,
        parametrization: 'eps',
      },
      betas: scaled(0.0015, 0.0195),
    },
  },
  'latent diffusion’s LSUN Churches': {
    network: {
      in_channels: 4,
      out_channels: 4,
      model_channels: 192,
      channel_mult: [1, 2, 2, 4, 4],
      num_res_blocks: 2,
      attention_resolutions: [1, 2, 4, 8],
      use_scale_shift_norm: true,
      resblock_updown: true,
      transformer: undefined,
    },
    decoder: { embed_dim: 4, n_embed: 0 },
    textEncoder: undefined,
    facts: {
      // its scale is that of its data, and its file has it
      options: {
        image_size: 32,
        num_heads: 8,
        attention_order: 'heads-qkv-channels',
        parametrization: 'eps',
      },
      betas: scaled(0.0015, 0.0155),
    },
  },
} satisfies Readonly<Record<string, Published>>;

const fits = (expected: object | undefined, found: object | undefined) =>
  found === undefined || expected === undefined
    ? found === expected
    : Object.entries(expected).every(([name, value]) =>
        isDeepStrictEqual(value, (found as Record<string, unknown>)[name]),
      );

/** What is known of the latents of the one published model whose first stage is like this; nothing where several have such. */
export function publishedLatents(
  decoder: ShownParts['decoder'],
): Pick<LatentOptions, 'image_size' | 'scale_factor'> {
  const [one, ...others] = Object.values<Published>(published).filter((one) => fits(one.decoder, decoder));
  return one && others.length === 0 ? one.facts.options : {};
}

/** What is known of the published model that has these shapes; undefined where none has. */
export function publishedFacts(shown: ShownParts): LatentFacts | undefined {
  const found = Object.values<Published>(published).find(
    (one) =>
      fits(one.network, shown.network) &&
      fits(one.decoder, shown.decoder) &&
      fits(one.textEncoder, shown.textEncoder),
  );
  return found && { from: 'registry', ...found.facts };
}
