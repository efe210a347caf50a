import type { BetaSchedule } from '../networks/noise-levels.js';
import type { Parametrization } from '../networks/preconditioning.js';

/** The values of a configuration's file by their keys. */
export type Config = Readonly<Record<string, unknown>>;

/** What becomes of a key in a configuration beside weights, and why. */
export type ConfigKey =
  /** It is used. `words`: what values there are. */
  | { readonly is: 'applied'; readonly takes: (value: unknown) => boolean; readonly words: string }
  /** The weights show it, and must agree. */
  | { readonly is: 'shown' }
  /** What the network is built of, and only one way of it is; a graph has it within. */
  | { readonly is: 'built'; readonly values: readonly unknown[]; readonly why: string }
  /** What is around the network, and only one way of it is read. */
  | { readonly is: 'fixed'; readonly values: readonly unknown[]; readonly why: string }
  /** No sample depends on it. */
  | { readonly is: 'idle'; readonly why: string };

const applied = (words: string, takes: (value: unknown) => boolean) =>
  ({ is: 'applied', takes, words }) as const;
const shown: ConfigKey = { is: 'shown' };
const built = (values: readonly unknown[], why: string): ConfigKey => ({ is: 'built', values, why });
const fixed = (values: readonly unknown[], why: string): ConfigKey => ({ is: 'fixed', values, why });
const idle = (why: string): ConfigKey => ({ is: 'idle', why });
const idleKeys = (why: string, ...names: readonly string[]): Record<string, ConfigKey> =>
  Object.fromEntries(names.map((name) => [name, idle(why)]));

const isCount = (value: unknown) => Number.isSafeInteger(value) && (value as number) >= 1;
const isBeta = (value: unknown) => typeof value === 'number' && value > 0 && value < 1;
const isPositive = (value: unknown) => typeof value === 'number' && value > 0 && value < Infinity;
const count = applied('a whole number from 1', isCount);
const beta = applied('a number between 0 and 1', isBeta);
const oneOf = (...values: readonly unknown[]) =>
  applied(values.map((value) => JSON.stringify(value)).join(' or '), (value) => values.includes(value));
const heads = applied(
  'a whole number from 1, or one for each level',
  (value) => isCount(value) || (Array.isArray(value) && value.length > 0 && value.every(isCount)),
);

const training = 'it is of training';
const drawing = 'it is of how diffusers spaces and takes its steps, which the spec says here';
const xl = 'it is of Stable Diffusion XL and its kin, which is not read';
const silu = built(['silu', 'swish'], 'the activation is SiLU');
const groups = built([32], 'channels are normed in 32 groups');

/** Of a UNet2DConditionModel. */
const unet = {
  _class_name: built(['UNet2DConditionModel', 'FlaxUNet2DConditionModel'], 'other networks are not read'),
  act_fn: silu,
  addition_embed_type: built([null], xl),
  addition_embed_type_num_heads: idle('only an addition_embed_type of text has heads'),
  addition_time_embed_dim: built([null], xl),
  attention_head_dim: heads,
  attention_type: built(['default'], 'gated attention is not read'),
  block_out_channels: shown,
  center_input_sample: built([false], 'latents go in as they are'),
  class_embed_type: built([null], 'a network that is told classes beside prompts is not read'),
  class_embeddings_concat: built([false], 'a network that is told classes beside prompts is not read'),
  conv_in_kernel: built([3], 'the first convolution is of 3×3'),
  conv_out_kernel: built([3], 'the last convolution is of 3×3'),
  cross_attention_dim: shown,
  cross_attention_norm: built([null], 'what is attended to goes in as it is'),
  down_block_types: shown,
  downsample_padding: built([1], 'the halving convolutions pad by 1'),
  dropout: idle(training),
  dual_cross_attention: built([false], 'one transformer stands at each place'),
  encoder_hid_dim: built([null], 'what is attended to goes in as it is'),
  encoder_hid_dim_type: built([null], 'what is attended to goes in as it is'),
  flip_sin_to_cos: built([true], 'noise is told by cosines first'),
  freq_shift: built([0], 'noise is told by frequencies without a shift'),
  in_channels: shown,
  layers_per_block: shown,
  mid_block_only_cross_attention: built([null, false], 'all transformers attend to themselves first'),
  mid_block_scale_factor: built([1], 'the middle is added as it is'),
  mid_block_type: built(['UNetMidBlock2DCrossAttn'], 'the middle attends to the prompt'),
  norm_eps: built([1e-5], 'norms have this ε'),
  norm_num_groups: groups,
  num_attention_heads: { ...heads, takes: (value) => value === null || heads.takes(value) },
  num_class_embeds: built([null], 'a network that is told classes beside prompts is not read'),
  only_cross_attention: built([false], 'all transformers attend to themselves first'),
  out_channels: shown,
  projection_class_embeddings_input_dim: built([null], xl),
  resnet_out_scale_factor: built([1], 'blocks are added as they are'),
  resnet_skip_time_act: built([false], 'blocks activate what they are told of noise'),
  resnet_time_scale_shift: built(['default'], 'noise is added in blocks'),
  reverse_transformer_layers_per_block: built([null], 'levels have one number of transformers both ways'),
  sample_size: count,
  time_cond_proj_dim: built([null], 'a network that is told the guidance’s rate is not read'),
  time_embedding_act_fn: built([null], 'noise is told without another activation'),
  time_embedding_dim: built([null], 'noise is told by four times the first channels'),
  time_embedding_type: built(['positional'], 'noise is told by sines and cosines'),
  timestep_post_act: built([null], 'noise is told without another activation'),
  transformer_layers_per_block: shown,
  up_block_types: shown,
  upcast_attention: idle('all is computed in float32'),
  use_linear_projection: idle('a convolution of 1×1 and a linear layer are the same'),
  ...idleKeys(training, 'decay', 'min_decay', 'inv_gamma', 'power', 'optimization_step'),
  ...idleKeys(training, 'update_after_step', 'use_ema_warmup'),
} satisfies ConfigTable;

/** Of an AutoencoderKL. */
const vae = {
  _class_name: built(['AutoencoderKL', 'FlaxAutoencoderKL'], 'other first stages are not read'),
  act_fn: silu,
  block_out_channels: shown,
  down_block_types: idle('only the encoder has these'),
  force_upcast: idle('all is computed in float32'),
  in_channels: idle('only the encoder takes pictures'),
  latent_channels: shown,
  latents_mean: fixed([null], 'latents are scaled, and not shifted'),
  latents_std: fixed([null], 'all channels of latents are scaled alike'),
  layers_per_block: shown,
  mid_block_add_attention: shown,
  norm_num_groups: groups,
  out_channels: shown,
  sample_size: idle('a picture is as large as its latent says'),
  scaling_factor: applied('a positive number', isPositive),
  shift_factor: fixed([null], 'latents are scaled, and not shifted'),
  up_block_types: shown,
  use_post_quant_conv: built([true], 'a convolution leads to the decoder'),
  use_quant_conv: idle('only the encoder has it'),
} satisfies ConfigTable;

const perPrompt = 'it is of making text, which this encoder does not';
/** Of a CLIPTextModel. */
const text_encoder = {
  architectures: built([['CLIPTextModel']], 'other text encoders are not read'),
  model_type: built(['clip_text_model'], 'other text encoders are not read'),
  hidden_act: oneOf('quick_gelu', 'gelu'),
  hidden_size: shown,
  intermediate_size: shown,
  layer_norm_eps: built([1e-5], 'norms have this ε'),
  max_position_embeddings: shown,
  num_attention_heads: count,
  num_hidden_layers: shown,
  use_attention_mask: fixed([null, false], 'padding is attended to, as all tokens are'),
  vocab_size: shown,
  is_decoder: built([false], 'tokens attend to those before them, and to nothing else'),
  add_cross_attention: built([false], 'tokens attend to those before them, and to nothing else'),
  is_encoder_decoder: built([false], 'tokens attend to those before them, and to nothing else'),
  pruned_heads: built([{}], 'all heads are there'),
  ...idleKeys('the tokenizer says it', 'bos_token_id', 'eos_token_id', 'pad_token_id', 'sep_token_id'),
  ...idleKeys('the tokenizer says it', 'tokenizer_class', 'prefix'),
  ...idleKeys('only a projection has it, which is not used', 'projection_dim'),
  ...idleKeys(training, 'attention_dropout', 'dropout', 'initializer_factor', 'initializer_range'),
  ...idleKeys(training, 'gradient_checkpointing', 'finetuning_task', 'task_specific_params', 'problem_type'),
  ...idleKeys('all is computed in float32', 'torch_dtype', 'dtype', 'use_bfloat16'),
  ...idleKeys('it says who wrote the file', 'transformers_version', 'name_or_path', 'is_composition'),
  ...idleKeys('it is of what Python’s call returns', 'return_dict', 'output_hidden_states'),
  ...idleKeys('it is of what Python’s call returns', 'output_attentions', 'torchscript', 'use_cache'),
  ...idleKeys('it is of what Python’s call returns', 'output_scores', 'return_dict_in_generate'),
  ...idleKeys('speed and memory only', 'chunk_size_feed_forward', 'tf_legacy_loss', 'attn_implementation'),
  ...idleKeys('there is one encoder, and no weight is tied', 'tie_word_embeddings', 'tie_encoder_decoder'),
  ...idleKeys('there is one encoder, and no weight is tied', 'cross_attention_hidden_size'),
  ...idleKeys('it tells no classes', 'id2label', 'label2id'),
  ...idleKeys(perPrompt, 'max_length', 'min_length', 'do_sample', 'early_stopping', 'num_beams'),
  ...idleKeys(perPrompt, 'num_beam_groups', 'diversity_penalty', 'temperature', 'top_k', 'top_p'),
  ...idleKeys(perPrompt, 'typical_p', 'repetition_penalty', 'length_penalty', 'no_repeat_ngram_size'),
  ...idleKeys(perPrompt, 'encoder_no_repeat_ngram_size', 'bad_words_ids', 'num_return_sequences'),
  ...idleKeys(perPrompt, 'forced_bos_token_id', 'forced_eos_token_id', 'remove_invalid_values'),
  ...idleKeys(perPrompt, 'exponential_decay_length_penalty', 'suppress_tokens', 'begin_suppress_tokens'),
  ...idleKeys(perPrompt, 'decoder_start_token_id'),
} satisfies ConfigTable;

const clipping = 'it is of clipping, which is off';
const flow = 'networks of flow matching are not read';
/** Of a scheduler of diffusers: what noise the network was trained on, and what it predicts. */
const scheduler = {
  beta_start: beta,
  beta_end: beta,
  beta_schedule: oneOf('linear', 'scaled_linear', 'squaredcos_cap_v2'),
  num_train_timesteps: applied('a whole number from 2', (value) => isCount(value) && value !== 1),
  prediction_type: oneOf('epsilon', 'v_prediction', 'sample'),
  trained_betas: applied(
    'a list of numbers between 0 and 1',
    (value) => value === null || (Array.isArray(value) && value.length >= 2 && value.every(isBeta)),
  ),
  rescale_betas_zero_snr: fixed(
    [null, false],
    'it makes the last time pure noise, which is of no finite σ that sampling could start at',
  ),
  clip_sample: fixed([null, false], 'it bounds the denoised, and latents have no bounds'),
  thresholding: fixed([null, false], 'it bounds the denoised, and latents have no bounds'),
  timestep_type: fixed(['discrete'], 'the network is told times, from 0'),
  predict_epsilon: fixed([null, true], 'say sample as prediction_type'),
  use_flow_sigmas: fixed([null, false], flow),
  use_dynamic_shifting: fixed([null, false], flow),
  variance_type: fixed(
    [null, 'fixed_small', 'fixed_small_log', 'fixed_large', 'fixed_large_log'],
    'a network that gives a variance is not read',
  ),
  ...idleKeys(clipping, 'clip_sample_range', 'dynamic_thresholding_ratio', 'sample_max_value'),
  ...idleKeys('only flow matching has it', 'flow_shift', 'time_shift_type'),
  ...idleKeys(drawing, 'set_alpha_to_one', 'steps_offset', 'timestep_spacing', 'skip_prk_steps'),
  ...idleKeys(drawing, 'algorithm_type', 'solver_type', 'solver_order', 'solver_p', 'lower_order_final'),
  ...idleKeys(drawing, 'euler_at_final', 'predict_x0', 'disable_corrector', 'final_sigmas_type'),
  ...idleKeys(drawing, 'interpolation_type', 'lambda_min_clipped', 'sigma_min', 'sigma_max'),
  ...idleKeys(drawing, 'use_karras_sigmas', 'use_exponential_sigmas', 'use_beta_sigmas', 'use_lu_lambdas'),
  ...idleKeys(drawing, 'original_inference_steps', 'timestep_scaling', 'tensor_format'),
} satisfies ConfigTable;

const part = 'its folder says it';
/** Of the whole model. */
const model_index = {
  _class_name: fixed(
    [
      'StableDiffusionPipeline',
      'OnnxStableDiffusionPipeline',
      'StableDiffusionOnnxPipeline',
      'ORTStableDiffusionPipeline',
    ],
    'Stable Diffusion 1.x and 2.x from text to image are read',
  ),
  ...idleKeys(part, 'unet', 'vae', 'vae_encoder', 'vae_decoder', 'text_encoder', 'tokenizer', 'scheduler'),
  ...idleKeys('it judges pictures, and changes none here', 'safety_checker', 'requires_safety_checker'),
  ...idleKeys('only pictures that lead samples go in there', 'feature_extractor', 'image_encoder'),
  text_encoder_2: fixed([], xl),
  tokenizer_2: fixed([], xl),
  force_zeros_for_empty_prompt: fixed([], xl),
  add_watermarker: idle('it marks pictures, and changes none here'),
} satisfies ConfigTable;

const token = applied('a token, by itself or as content that takes no space beside it', isToken);
const tokens = { bos_token: token, eos_token: token, unk_token: token, pad_token: token };
const isEmpty = (value: unknown) => typeof value === 'object' && Object.keys(value ?? {}).length === 0;
const noTokens = applied('nothing in it', isEmpty);

/** Of a tokenizer's special tokens. */
const special_tokens_map = { ...tokens, additional_special_tokens: noTokens } satisfies ConfigTable;

/** Of a CLIPTokenizer. */
const tokenizer_config = {
  ...tokens,
  additional_special_tokens: noTokens,
  extra_special_tokens: noTokens,
  added_tokens_decoder: applied(
    'numbers of tokens, each with content that takes no space beside it',
    isAdded,
  ),
  model_max_length: applied('a positive number', isPositive),
  tokenizer_class: fixed(['CLIPTokenizer', 'CLIPTokenizerFast'], 'other tokenizers are not read'),
  do_lower_case: fixed([true], 'CLIP’s vocabulary is of lower case'),
  add_prefix_space: fixed([false], 'prompts go in as they are'),
  padding_side: fixed(['right'], 'padding comes last'),
  truncation_side: fixed(['right'], 'what is too long is cut off at its end'),
  split_special_tokens: fixed([false], 'special tokens are whole'),
  ...idleKeys('it is of making text from tokens', 'clean_up_tokenization_spaces', 'errors'),
  ...idleKeys('it says who wrote the file', 'name_or_path', 'special_tokens_map_file', 'tokenizer_file'),
  ...idleKeys('it says who wrote the file', 'processor_class', 'use_fast'),
} satisfies ConfigTable;

/** What becomes of each key, by its name. Of others, those that begin with `_` are diffusers' own, and idle. */
type ConfigTable = Readonly<Record<string, ConfigKey>>;

/** Every key of the configurations beside weights that is known, once. */
export const configTables = {
  unet,
  vae,
  text_encoder,
  scheduler,
  model_index,
  special_tokens_map,
  tokenizer_config,
} satisfies Readonly<Record<string, ConfigTable>>;

export type ConfigKind = keyof typeof configTables;

/** What a configuration says that is not read. */
export interface Refusal {
  readonly key: string;
  /** As `says clip_sample true; …`. */
  readonly sentence: string;
}

/**
 * What of a configuration is not read, key by key. `inGraph`: the network is in a graph, which has within it what it is
 * built of.
 */
export function refusalsIn(kind: ConfigKind, config: Config, inGraph = false): Refusal[] {
  const table: ConfigTable = configTables[kind];
  const { trained_betas: betas, num_train_timesteps: steps } = config;
  if (kind === 'scheduler' && Array.isArray(betas) && typeof steps === 'number' && betas.length !== steps)
    return [
      {
        key: 'trained_betas',
        sentence: `says trained_betas of ${betas.length} times, and num_train_timesteps ${steps}`,
      },
    ];
  return Object.entries(config).flatMap(([key, value]) => {
    const why = reasonAgainst(Object.hasOwn(table, key) ? table[key] : undefined, key, value, inGraph);
    return why === undefined ? [] : [{ key, sentence: `says ${key} ${short(value)}; ${why}` }];
  });
}

function reasonAgainst(
  known: ConfigKey | undefined,
  key: string,
  value: unknown,
  inGraph: boolean,
): string | undefined {
  if (!known)
    return key.startsWith('_')
      ? undefined
      : 'nothing here knows it, or whether samples depend on it: remove it from the file if they do not';
  switch (known.is) {
    case 'applied':
      return known.takes(value) ? undefined : `${known.words} is expected`;
    case 'built':
      if (inGraph) return undefined;
      break;
    case 'fixed':
      break;
    default:
      return undefined;
  }
  const shown = JSON.stringify(value);
  if (known.values.some((one) => JSON.stringify(one) === shown)) return undefined;
  if (known.values.length === 0) return known.why;
  return `only ${known.values.map((one) => JSON.stringify(one)).join(' or ')} can be read: ${known.why}`;
}

const SHOWN = 80;

/** A value in a message. */
export function short(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text;
}

const parametrizations = { epsilon: 'eps', v_prediction: 'v', sample: 'x0' } as const;

/**
 * What a scheduler's configuration without refusals says of the network: what it predicts, and on which noise it was
 * trained; undefined where it doesn't say.
 */
export function trainingOf(scheduler: Config): {
  readonly parametrization: Parametrization;
  readonly betas: BetaSchedule | undefined;
} {
  const { prediction_type = 'epsilon' } = scheduler;
  return {
    // diffusers' own default, and of every configuration that is older than the key
    parametrization: parametrizations[prediction_type as keyof typeof parametrizations],
    betas: betasOf(scheduler),
  };
}

function betasOf({
  beta_schedule,
  beta_start: start,
  beta_end: end,
  num_train_timesteps: steps,
  trained_betas,
}: Config): BetaSchedule | undefined {
  if (Array.isArray(trained_betas)) {
    let product = 1;
    return { type: 'explicit', alphasCumprod: (trained_betas as number[]).map((b) => (product *= 1 - b)) };
  }
  if (typeof steps !== 'number') return undefined;
  if (beta_schedule === 'squaredcos_cap_v2') return { type: 'cosine', steps };
  if (beta_schedule !== 'linear' && beta_schedule !== 'scaled_linear') return undefined;
  if (typeof start !== 'number' || typeof end !== 'number') return undefined;
  return { type: beta_schedule, start, end, steps };
}

/** A token that a tokenizer's file names, by itself or with what it is; undefined for anything else. */
export function tokenOf(value: unknown): string | undefined {
  const content = typeof value === 'object' && value !== null ? (value as Config).content : value;
  return typeof content === 'string' ? content : undefined;
}

function isToken(value: unknown): boolean {
  const { lstrip, rstrip, single_word } = (
    typeof value === 'object' && value !== null ? value : {}
  ) as Config;
  return tokenOf(value) !== undefined && !lstrip && !rstrip && !single_word;
}

function isAdded(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  return Object.entries(value).every(([number, one]) => /^\d+$/.test(number) && isToken(one));
}
