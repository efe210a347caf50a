import { checkpointFault } from '../errors.js';
import { type Dtype, type Tensor, type Tensors, toNumbers } from '../files/tensor.js';
import { type ClipTextOptions, clipTextEncoder } from '../networks/clip-text-encoder.js';
import { type FirstStageOptions, firstStageDecoder } from '../networks/first-stage-decoder.js';
import { type LatentUNetOptions, latentUNet } from '../networks/latent-unet.js';
import { sigmaRange } from '../networks/noise-levels.js';
import { checkParameters, parameterShapes, recordShapes, type Shaped } from '../networks/parameters.js';
import { asking } from './asking.js';
import type { LatentCheckpoint } from './checkpoint.js';
import {
  firstStageOptions,
  type LatentOptions,
  latentUNetOptions,
  type ShownLatentUNet,
  shownLatentUNet,
  shownTextEncoder,
} from './latent-options.js';
import { oneSet } from './look.js';
import { halfPrecisionOf, isRounded, noiseTable } from './noise-table.js';
import { type LatentFacts, publishedFacts } from './published-latent.js';
import { type SettledOptions, settledOptions } from './settled-options.js';

/** A latent diffusion model's parts. */
export interface LatentParts {
  readonly network: LatentUNetOptions;
  readonly decoder: FirstStageOptions;
  readonly textEncoder: ClipTextOptions | undefined;
}

/** The tensors of a model under the names of the original checkpoints, of which only the needed ones are read. */
export interface LatentSource {
  readonly tensors: Readonly<Record<string, { readonly dtype: Dtype; readonly shape: readonly number[] }>>;
  read(name: string): Tensor;
  /** Whether its file has averaged weights and others, each a network by itself, of which these are the averaged ones. */
  readonly averaged?: boolean;
  /** What a configuration beside the weights says. */
  readonly facts?: LatentFacts;
  /** @throws ModelError `E_CHECKPOINT` where it says something else than the weights show */
  agree?(parts: LatentParts): void;
}

const UNET = 'model.diffusion_model.';
export const FIRST_STAGE = 'first_stage_model.';
const TEXT = 'cond_stage_model.transformer.';
const EMA = 'model_ema.';
const NORM_GROUPS = 32;

/** What these checkpoints hold besides and a sampler doesn't need. */
const unread: readonly RegExp[] = [
  /^(?:betas|alphas_cumprod|alphas_cumprod_prev|sqrt_alphas_cumprod|sqrt_one_minus_alphas_cumprod)$/,
  /^(?:log_one_minus_alphas_cumprod|sqrt_recip_alphas_cumprod|sqrt_recipm1_alphas_cumprod)$/,
  /^(?:posterior_variance|posterior_log_variance_clipped|posterior_mean_coef[12])$/,
  /^(?:lvlb_weights|logvar|scale_factor)$/,
  /^model_ema\.(?:decay|num_updates)$/,
  // a first stage decodes by its own weights, also where copies are averaged beside them
  /^first_stage_model\.(?:encoder|quant_conv|loss|model_ema)\./,
  /^cond_stage_model\.transformer\.text_model\.embeddings\.position_ids$/,
];

type Names = ReadonlyMap<string, string>;

/** What a latent diffusion model consists of, and where each of its weights is: its name there by its name here. */
interface LatentPlan extends LatentParts {
  /** What the weights of its network show. */
  readonly shown: ShownLatentUNet;
  /** Whether its weights are averaged ones; undefined where there is one set. */
  readonly averaged: boolean | undefined;
  readonly names: { readonly unet: Names; readonly decoder: Names; readonly text: Names };
  /** Of its options those that weights don't show; where some are asked for, what stands for them is of no meaning. */
  readonly settled: SettledOptions;
}

/** The needed tensors whose names begin so, without that. */
const partOf = (tensors: Shaped, prefix: string): Shaped =>
  Object.fromEntries(
    Object.entries(tensors)
      .filter(([name]) => name.startsWith(prefix) && !unread.some((pattern) => pattern.test(name)))
      .map(([name, tensor]) => [name.slice(prefix.length), tensor]),
  );

/**
 * Finds in a latent diffusion model's tensors what a sampler needs, and that nothing is left over, by names and shapes.
 *
 * What shapes don't show is told, or known of a published model. Averaged weights are taken where the file has them:
 * `model_ema.` and the parameter's name without dots.
 *
 * @throws ModelError `E_CHECKPOINT`, with the lists `missing`, `unexpected` and `wrongShape` of weights.
 */
export function planLatent(source: Omit<LatentSource, 'read'>, options: LatentOptions): LatentPlan {
  const { tensors } = source;
  const needed = Object.keys(tensors).filter((name) => !unread.some((pattern) => pattern.test(name)));
  const hasBoth = needed.some((name) => name.startsWith(EMA));
  const averaged = hasBoth ? (options.use_ema ?? true) : source.averaged;
  // false is what configurations say of such a file
  if (options.use_ema && averaged === undefined) throw oneSet();
  const shown = shownParts(tensors, partOf(tensors, UNET));
  const settled = settledOptions(shown, options, source.facts ?? publishedFacts(shown), {
    scale_factor: isExact(tensors.scale_factor),
    alphas_cumprod: isExact(tensors.alphas_cumprod),
  });
  const { decoder } = shown;
  const network = latentUNetOptions(shown.network, settled.values);
  const { num_attention_heads = 1, hidden_act = 'quick_gelu' } = settled.values;
  const textEncoder = shown.textEncoder && { ...shown.textEncoder, num_attention_heads, hidden_act };
  const shapes = {
    unet: parameterShapes(latentUNet(network)),
    decoder: decoderShapes(decoder),
    text: recordShapes((ops) => textEncoder && clipTextEncoder(ops, textEncoder, null)),
  };

  const plain = (name: string) => `${UNET}${name}`;
  const ema = (name: string) => `${EMA}${`diffusion_model.${name}`.replaceAll('.', '')}`;
  const named = (of: ReadonlyMap<string, unknown>, there: (name: string) => string): Names =>
    new Map([...of.keys()].map((name) => [name, there(name)]));
  const names = {
    unet: named(shapes.unet, hasBoth && averaged ? ema : plain),
    decoder: named(shapes.decoder, (name) => `${FIRST_STAGE}${name}`),
    text: named(shapes.text, (name) => `${TEXT}${name}`),
  };
  const copies = new Set(named(shapes.unet, hasBoth && averaged ? plain : ema).values());
  checkParameters(
    Object.fromEntries(needed.filter((name) => !copies.has(name)).map((name) => [name, tensors[name]!])),
    new Map(
      (['unet', 'decoder', 'text'] as const).flatMap((one) =>
        [...shapes[one]].map(([name, shape]) => [names[one].get(name)!, shape] as const),
      ),
    ),
  );
  checkFit(network, decoder, textEncoder);
  return { network, decoder, textEncoder, shown: shown.network, averaged, names, settled };
}

/** What the weights of each part show. @throws ModelError `E_CHECKPOINT` where one is missing */
function shownParts(tensors: Shaped, unet: Shaped) {
  const network = shownLatentUNet(unet);
  const { in_channels, out_channels } = network;
  if (in_channels !== out_channels)
    throw checkpointFault(
      `its network takes ${in_channels} channels and gives ${out_channels}: beside the latent it is told another picture, a mask or a depth, and such networks are not read`,
      { in_channels, out_channels },
    );
  const decoder = partOf(tensors, FIRST_STAGE);
  if (Object.keys(decoder).length === 0)
    throw checkpointFault(
      `it has no first stage (${FIRST_STAGE}*), which makes pictures of its latents: give the first stage's own checkpoint as first_stage`,
      { missing: [`${FIRST_STAGE}decoder.conv_in.weight`] },
    );
  const text = partOf(tensors, TEXT);
  if (network.transformer && Object.keys(text).length === 0)
    throw checkpointFault(
      `its network attends to prompts, and it has no text encoder (${TEXT}*): take a file that has it, or its folder in diffusers' layout`,
      { missing: [`${TEXT}text_model.embeddings.token_embedding.weight`] },
    );
  return {
    network,
    decoder: firstStageOptions(decoder),
    textEncoder: network.transformer && shownTextEncoder(text),
  };
}

const decoderShapes = (decoder: FirstStageOptions) =>
  recordShapes((ops) => firstStageDecoder(ops, decoder, null));

const isExact = (tensor: { readonly dtype: Dtype } | undefined): boolean =>
  tensor !== undefined && tensor.dtype !== 'F16' && tensor.dtype !== 'BF16';

/**
 * Checks a first stage by itself, before it is taken into a model whose latents have so many channels, or alone.
 *
 * @returns its decoder, and the names of what it needs
 * @throws ModelError `E_CHECKPOINT` as `planLatent`
 */
export function checkFirstStage(
  tensors: Shaped,
  channels?: number,
): { readonly decoder: FirstStageOptions; readonly names: readonly string[] } {
  const weights = partOf(tensors, FIRST_STAGE);
  const decoder = firstStageOptions(weights);
  checkParameters(weights, decoderShapes(decoder));
  if (channels !== undefined && decoder.embed_dim !== channels)
    throw checkpointFault(
      `its latents have ${decoder.embed_dim} channels, and those of the model that it is given to have ${channels}`,
      { channels: decoder.embed_dim, expected: channels },
    );
  return { decoder, names: [...decoderShapes(decoder).keys()] };
}

/** Channels of the latents of a model. */
export const latentChannels = (tensors: Shaped): number | undefined =>
  tensors[`${UNET}input_blocks.0.0.weight`]?.shape[1];

/**
 * Reads the model.
 *
 * @throws ModelError as `planLatent`; with `asked`, the options that must be told; and where its noise table is none, or
 * a configuration says something else than the weights show
 */
export function assembleLatent(source: LatentSource, options: LatentOptions): LatentCheckpoint {
  const plan = planLatent(source, options);
  const { network, decoder, textEncoder, names, settled } = plan;
  const family = textEncoder ? 'stable-diffusion' : 'ldm';
  if (Object.keys(settled.asked).length > 0) {
    const rough = ['alphas_cumprod', 'scale_factor'].filter(
      (name) => source.tensors[name] && !isExact(source.tensors[name]),
    );
    const { values, sources, asked } = settled;
    throw asking([{ family, options: { ...values }, sources, asked, like: [] }], rough);
  }
  const { alphas, scaleFactor } = measuresOf(source, plan, options);
  const read = (of: Names): Tensors =>
    Object.fromEntries([...of].map(([name, there]) => [name, source.read(there)]));
  const { in_channels: channels, image_size: resolution, num_classes: classes } = network;
  return {
    family,
    guidance: textEncoder ? 'cfg' : 'uncond',
    network,
    forward: latentUNet(network),
    channels,
    resolution,
    classes,
    preconditioning: { type: 'ldm', alphasCumprod: alphas, predicts: settled.values.parametrization! },
    ...sigmaRange(alphas),
    scaleFactor,
    weights: read(names.unet),
    decoder: { options: decoder, weights: read(names.decoder) },
    ...(textEncoder && { textEncoder: { options: textEncoder, weights: read(names.text) } }),
  };
}

/**
 * The noise levels of a model of which nothing is asked, and what its latents are multiplied by: of its tensors those two
 * are read.
 *
 * @throws ModelError as `assembleLatent`
 */
export function measuresOf(
  source: LatentSource,
  { settled, ...parts }: LatentPlan,
  options: LatentOptions,
): { readonly alphas: readonly number[]; readonly scaleFactor: number } {
  source.agree?.(parts);
  const numbers = (name: string) =>
    Object.hasOwn(source.tensors, name) ? Array.from(toNumbers(source.read(name)), Number) : undefined;
  const alphas = noiseTable(
    numbers('alphas_cumprod'),
    settled.betas,
    options.linear_start !== undefined || options.linear_end !== undefined,
  );
  const inFile = numbers('scale_factor')?.[0];
  return { alphas, scaleFactor: scaleFactorOf(inFile, settled.values.scale_factor, options.scale_factor) };
}

/** What shapes by themselves don't hold to: that the parts can divide and pass on what they are given. */
function checkFit(
  { in_channels, transformer }: LatentUNetOptions,
  decoder: FirstStageOptions,
  text: ClipTextOptions | undefined,
): void {
  const problems: string[] = [];
  for (const channels of new Set(decoder.ch_mult.map((mult) => decoder.ch * mult)))
    if (channels % NORM_GROUPS !== 0)
      problems.push(`${channels} channels of the decoder are no ${NORM_GROUPS} equal groups`);
  if (decoder.embed_dim !== in_channels)
    problems.push(`the decoder takes ${decoder.embed_dim} channels, the denoiser gives ${in_channels}`);
  if (text && text.hidden_size !== transformer?.context_dim)
    problems.push(
      `the text encoder gives ${text.hidden_size} entries of a token, the denoiser takes ${transformer?.context_dim}`,
    );
  if (text && !Number.isInteger(text.hidden_size / text.num_attention_heads))
    problems.push(
      `${text.hidden_size} entries of a token are no num_attention_heads ${text.num_attention_heads} equal heads; give the text encoder's own`,
    );
  if (problems.length > 0) throw checkpointFault(`its parts don't fit: ${problems.join('; ')}`, { problems });
}

/** A factor of half precision in a file is taken for what it was rounded from, never for itself. */
function scaleFactorOf(
  inFile: number | undefined,
  settled: number | undefined,
  told: number | undefined,
): number {
  const half = inFile === undefined ? undefined : halfPrecisionOf([inFile]);
  if (half && settled === undefined)
    throw checkpointFault(
      `its scale_factor ${inFile} is of ${half.name}, too rough to decode by: give scale_factor, from its configuration or a file of full precision`,
      { scale_factor: inFile, keys: ['scale_factor'] },
    );
  if (half && !isRounded(inFile!, settled!, half))
    throw checkpointFault(`its scale_factor is ${inFile}, and ${settled} is given; take its own`, {
      scale_factor: inFile,
      keys: ['scale_factor'],
    });
  const value = told ?? (half ? settled : (inFile ?? settled));
  if (value !== undefined && value > 0 && value < Infinity) return value;
  throw checkpointFault(`scale_factor is a positive number, not ${value}`, { scale_factor: value });
}
