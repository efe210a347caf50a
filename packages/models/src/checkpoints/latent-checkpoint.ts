import { checkpointFault } from '../errors.js';
import { type Tensor, type Tensors, toNumbers } from '../files/tensor.js';
import { type ClipTextOptions, clipTextEncoder } from '../networks/clip-text-encoder.js';
import { type FirstStageOptions, firstStageDecoder } from '../networks/first-stage-decoder.js';
import { type LatentUNetOptions, latentUNet } from '../networks/latent-unet.js';
import { alphasCumprod, sigmaRange } from '../networks/noise-levels.js';
import { checkParameters, parameterShapes, recordShapes, type Shaped } from '../networks/parameters.js';
import type { LatentCheckpoint } from './checkpoint.js';
import {
  clipTextOptions,
  firstStageOptions,
  type LatentOptions,
  latentUNetOptions,
} from './latent-options.js';

/** The tensors of a model under the names of the original checkpoints, of which only the needed ones are read. */
export interface LatentSource {
  readonly tensors: Shaped;
  read(name: string): Tensor;
}

const UNET = 'model.diffusion_model.';
const FIRST_STAGE = 'first_stage_model.';
const TEXT = 'cond_stage_model.transformer.';
const EMA = 'model_ema.';
const STEPS = 1000;
const NORM_GROUPS = 32;

/** What these checkpoints hold besides and a sampler doesn't need. */
const unread: readonly RegExp[] = [
  /^(?:betas|alphas_cumprod|alphas_cumprod_prev|sqrt_alphas_cumprod|sqrt_one_minus_alphas_cumprod)$/,
  /^(?:log_one_minus_alphas_cumprod|sqrt_recip_alphas_cumprod|sqrt_recipm1_alphas_cumprod)$/,
  /^(?:posterior_variance|posterior_log_variance_clipped|posterior_mean_coef[12])$/,
  /^(?:lvlb_weights|logvar|scale_factor)$/,
  /^model_ema\.(?:decay|num_updates)$/,
  /^first_stage_model\.(?:encoder|quant_conv|loss)\./,
  /^cond_stage_model\.transformer\.text_model\.embeddings\.position_ids$/,
];

/**
 * A model with the first stage of another file, whose tensors have their names by themselves or in a model.
 *
 * @throws ModelError `E_CHECKPOINT` where that file has none
 */
export function withFirstStage(model: LatentSource, first: LatentSource): LatentSource {
  const inModel = Object.keys(first.tensors).some((name) => name.startsWith(FIRST_STAGE));
  const there = (name: string) => (inModel ? name : name.slice(FIRST_STAGE.length));
  if (!Object.hasOwn(first.tensors, there(`${FIRST_STAGE}post_quant_conv.weight`)))
    throw checkpointFault('it is no first stage: it has no post_quant_conv.weight', {
      missing: ['post_quant_conv.weight'],
    });
  const isFirstStage = (name: string) => name.startsWith(FIRST_STAGE);
  const names = Object.keys(first.tensors).map((name) => (inModel ? name : `${FIRST_STAGE}${name}`));
  return {
    tensors: Object.fromEntries([
      ...Object.entries(model.tensors).filter(([name]) => !isFirstStage(name)),
      ...names.filter(isFirstStage).map((name) => [name, first.tensors[there(name)]!] as const),
    ]),
    read: (name) => (isFirstStage(name) ? first.read(there(name)) : model.read(name)),
  };
}

type Names = ReadonlyMap<string, string>;

/** What a latent diffusion model consists of, and where each of its weights is: its name there by its name here. */
interface LatentPlan {
  readonly network: LatentUNetOptions;
  readonly decoder: FirstStageOptions;
  readonly textEncoder: ClipTextOptions | undefined;
  readonly names: { readonly unet: Names; readonly decoder: Names; readonly text: Names };
}

/**
 * Finds in a latent diffusion model's tensors what a sampler needs, and that nothing is left over, by names and shapes.
 *
 * Options are read off the shapes where they show there. Averaged weights are taken where the file has them:
 * `model_ema.` and the parameter's name without dots.
 *
 * @throws ModelError `E_CHECKPOINT`, with the lists `missing`, `unexpected` and `wrongShape` of weights.
 */
export function planLatent(tensors: Shaped, options: LatentOptions): LatentPlan {
  const needed = Object.keys(tensors).filter((name) => !unread.some((pattern) => pattern.test(name)));
  const averaged = (options.use_ema ?? true) && needed.some((name) => name.startsWith(EMA));
  const part = (prefix: string): Shaped =>
    Object.fromEntries(
      needed
        .filter((name) => name.startsWith(prefix))
        .map((name) => [name.slice(prefix.length), tensors[name]!]),
    );

  const network = latentUNetOptions(part(UNET), options);
  if (!needed.some((name) => name.startsWith(FIRST_STAGE)))
    throw checkpointFault(
      `it has no first stage (${FIRST_STAGE}*), which makes pictures of its latents: give the first stage's own checkpoint as first_stage`,
      { missing: [`${FIRST_STAGE}decoder.conv_in.weight`] },
    );
  const decoder = firstStageOptions(part(FIRST_STAGE));
  const textEncoder = network.transformer ? clipTextOptions(part(TEXT), options) : undefined;
  const shapes = {
    unet: parameterShapes(latentUNet(network)),
    decoder: recordShapes((ops) => firstStageDecoder(ops, decoder, null)),
    text: recordShapes((ops) => textEncoder && clipTextEncoder(ops, textEncoder, null)),
  };

  const plain = (name: string) => `${UNET}${name}`;
  const ema = (name: string) => `${EMA}${`diffusion_model.${name}`.replaceAll('.', '')}`;
  const named = (of: ReadonlyMap<string, unknown>, there: (name: string) => string): Names =>
    new Map([...of.keys()].map((name) => [name, there(name)]));
  const names = {
    unet: named(shapes.unet, averaged ? ema : plain),
    decoder: named(shapes.decoder, (name) => `${FIRST_STAGE}${name}`),
    text: named(shapes.text, (name) => `${TEXT}${name}`),
  };
  const copies = new Set(named(shapes.unet, averaged ? plain : ema).values());
  checkParameters(
    Object.fromEntries(needed.filter((name) => !copies.has(name)).map((name) => [name, tensors[name]!])),
    new Map(
      (['unet', 'decoder', 'text'] as const).flatMap((one) =>
        [...shapes[one]].map(([name, shape]) => [names[one].get(name)!, shape] as const),
      ),
    ),
  );
  checkFit(network, decoder, textEncoder);
  return { network, decoder, textEncoder, names };
}

/** Reads the model. @throws as `planLatent`, and where its noise table is none. */
export function assembleLatent(source: LatentSource, options: LatentOptions): LatentCheckpoint {
  const { network, decoder, textEncoder, names } = planLatent(source.tensors, options);
  const read = (of: Names): Tensors =>
    Object.fromEntries([...of].map(([name, there]) => [name, source.read(there)]));
  const alphas = noiseTable(source, options);
  const { in_channels: channels, image_size: resolution, num_classes: classes } = network;
  return {
    family: textEncoder ? 'stable-diffusion' : 'ldm',
    guidance: textEncoder ? 'cfg' : 'uncond',
    network,
    forward: latentUNet(network),
    channels,
    resolution,
    classes,
    preconditioning: { type: 'ldm', alphasCumprod: alphas },
    ...sigmaRange(alphas),
    scaleFactor: scaleFactor(source, options, network.transformer !== undefined),
    weights: read(names.unet),
    decoder: { options: decoder, weights: read(names.decoder) },
    ...(textEncoder && { textEncoder: { options: textEncoder, weights: read(names.text) } }),
  };
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

function noiseTable({ tensors, read }: LatentSource, { linear_start, linear_end }: LatentOptions): number[] {
  if (Object.hasOwn(tensors, 'alphas_cumprod')) return Array.from(toNumbers(read('alphas_cumprod')), Number);
  if (linear_start !== undefined && linear_end !== undefined)
    return alphasCumprod({
      type: 'scaled_linear',
      start: linear_start,
      end: linear_end,
      steps: STEPS,
    }).map(Math.fround);
  throw checkpointFault(
    'it has no alphas_cumprod, so its noise levels must be given: linear_start and linear_end of its configuration',
    { missing: ['alphas_cumprod'] },
  );
}

function scaleFactor(
  { tensors, read }: LatentSource,
  { scale_factor }: LatentOptions,
  conditional: boolean,
): number {
  const value =
    scale_factor ??
    (Object.hasOwn(tensors, 'scale_factor')
      ? Number(toNumbers(read('scale_factor'))[0])
      : conditional
        ? 0.18215
        : 1);
  if (value > 0 && value < Infinity) return value;
  throw checkpointFault(`scale_factor is a positive number, not ${value}`, {
    scale_factor: value,
  });
}
