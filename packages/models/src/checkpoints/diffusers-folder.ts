import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { checkpointFault, type ModelError } from '../errors.js';
import { wholeFile } from '../files/source.js';
import { openStateDict, type StateDict } from '../files/state-dict.js';
import { type Config, type ConfigKind, refusalsIn, short, trainingOf } from './configs.js';
import { type DiffusersPart, fromDiffusers } from './diffusers-names.js';
import type { LatentParts, LatentSource } from './latent-checkpoint.js';
import type { LatentOptions } from './latent-options.js';

const stems = ['diffusion_pytorch_model', 'model', 'pytorch_model'];
const endings = ['.safetensors', '.bin'].flatMap((ending) => [
  ending,
  `${ending}.index.json`,
  `.fp16${ending}`,
  `${ending}.index.fp16.json`,
]);

/**
 * Opens a Stable Diffusion model in diffusers' layout: `unet`, `vae`, `text_encoder` and `scheduler`, each with its
 * configuration. Gives its tensors under the original checkpoints' names, with what the configurations say.
 *
 * @throws ModelError `E_CHECKPOINT` when a file is missing, or says something that is not read
 */
export async function openDiffusers(path: string): Promise<{ source: LatentSource; close(): void }> {
  if (!existsSync(join(path, 'unet'))) throw noModelFolder(path);
  const said = readConfigs(path);
  const opened: StateDict[] = [];
  const close = () => {
    for (const dict of opened) dict.close();
  };
  const open = async (part: DiffusersPart): Promise<LatentSource> => {
    const dict = await openStateDict(weightsFile(join(path, part)));
    opened.push(dict);
    return { tensors: Object.fromEntries(dict.tensors), read: (name) => dict.read(name)['']! };
  };
  try {
    const [unet, vae, text_encoder] = [await open('unet'), await open('vae'), await open('text_encoder')];
    const source = fromDiffusers({ unet, vae, text_encoder });
    return { source: { ...source, ...said }, close };
  } catch (cause) {
    close();
    throw cause;
  }
}

/** The error of a folder that has not the parts of a model; where its index says what it is, by that. */
export function noModelFolder(path: string): ModelError {
  const index = join(path, 'model_index.json');
  if (existsSync(index)) readConfig('model_index', index);
  return checkpointFault(
    `${path} is no model's folder: diffusers' has unet, vae, text_encoder and scheduler, and one of ONNX files has unet/model.onnx or denoiser/model.onnx`,
    { path },
  );
}

function weightsFile(folder: string): string {
  const candidates = endings.flatMap((ending) => stems.map((stem) => join(folder, stem + ending)));
  const file = candidates.find((one) => existsSync(one));
  if (file !== undefined) return file;
  throw checkpointFault(
    `${folder} holds no weights: one of ${stems.join(', ')} with ${endings.join(', ')} is expected`,
    { path: folder },
  );
}

/** A configuration, and where it is. */
interface ConfigFile {
  readonly path: string;
  readonly config: Config;
}

function readConfigs(folder: string): Required<Pick<LatentSource, 'facts' | 'agree'>> {
  const index = join(folder, 'model_index.json');
  if (existsSync(index)) readConfig('model_index', index);
  const second = ['text_encoder_2', 'tokenizer_2'].find((name) => existsSync(join(folder, name)));
  if (second !== undefined)
    throw checkpointFault(
      `${folder} has ${second}: Stable Diffusion XL and its kin encode prompts twice, and are not read; Stable Diffusion 1.x and 2.x are`,
      { path: folder },
    );
  return saidBy({
    unet: readConfig('unet', join(folder, 'unet', 'config.json')),
    vae: readConfig('vae', join(folder, 'vae', 'config.json')),
    text_encoder: readConfig('text_encoder', join(folder, 'text_encoder', 'config.json')),
    scheduler: readConfig('scheduler', join(folder, 'scheduler', 'scheduler_config.json')),
  });
}

type ConfigFiles = Readonly<Record<'unet' | 'vae' | 'text_encoder' | 'scheduler', ConfigFile>>;

/**
 * What configurations without refusals say: options and noise, and what must be as the weights show it.
 *
 * @throws ModelError `E_CHECKPOINT` for noise that they don't say, or heads that can't be read
 */
export function saidBy({
  unet,
  vae,
  text_encoder,
  scheduler,
}: ConfigFiles): Required<Pick<LatentSource, 'facts' | 'agree'>> {
  const { parametrization, betas } = trainingOf(scheduler.config);
  if (!betas)
    throw fault(
      scheduler.path,
      'does not say what noise the network was trained on: beta_schedule, beta_start, beta_end and num_train_timesteps, or trained_betas',
      ['beta_schedule', 'beta_start', 'beta_end', 'num_train_timesteps', 'trained_betas'].filter(
        (key) => (scheduler.config[key] ?? undefined) === undefined,
      ),
    );
  // what a configuration leaves out is its class's default
  const { sample_size } = unet.config;
  const { scaling_factor = defaultOf(vae, '_class_name', 'AutoencoderKL', 0.18215) } = vae.config;
  const isClip = <T>(value: T) => defaultOf(text_encoder, 'model_type', 'clip_text_model', value);
  const { num_attention_heads = isClip(8), hidden_act = isClip('quick_gelu') } = text_encoder.config;
  const options: Readonly<Record<string, unknown>> = {
    ...headsOf(unet),
    image_size: sample_size,
    scale_factor: scaling_factor,
    parametrization,
    num_attention_heads,
    hidden_act,
  };
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  return {
    facts: { from: 'config', options: Object.fromEntries(given) as LatentOptions, betas },
    agree(parts) {
      agree(unet, shownByUNet(parts));
      agree(vae, shownByDecoder(parts));
      agree(text_encoder, shownByTextEncoder(parts));
    },
  };
}

const defaultOf = <T>({ config }: ConfigFile, key: string, name: string, value: T): T | undefined =>
  config[key] === name ? value : undefined;

/** Heads of the denoiser, which may differ from level to level where each has as many channels. */
function headsOf({ path, config }: ConfigFile): Pick<LatentOptions, 'num_heads' | 'num_head_channels'> {
  // what the configuration calls attention_head_dim has been the number of heads since its first version
  const names = ['num_attention_heads', 'attention_head_dim'] as const;
  const name = names.find((one) => (config[one] ?? undefined) !== undefined);
  const value =
    name === undefined ? defaultOf({ path, config }, '_class_name', 'UNet2DConditionModel', 8) : config[name];
  if (value === undefined) return {};
  const heads = [value].flat() as number[];
  const widths = Array.isArray(config.block_out_channels) ? (config.block_out_channels as number[]) : [];
  const perHead = heads.map((n, level) => widths[level]! / n);
  const alike = (values: readonly number[]) => values.every((one) => one === values[0]);
  if (alike(heads)) return { num_heads: heads[0]! };
  if (alike(perHead)) return { num_head_channels: perHead[0]! };
  throw fault(
    path,
    `says ${name} [${heads}] for block_out_channels [${widths}]; as many heads at each level, or heads of as many channels, can be read`,
    ['block_out_channels', ...names],
  );
}

/** Values that a configuration may have for its keys, as the weights show them. */
type Shows = Readonly<Record<string, readonly unknown[]>>;

function shownByUNet({ network }: LatentParts): Shows {
  const { channel_mult, model_channels, num_res_blocks, attention_resolutions, transformer } = network;
  const levels = channel_mult.map((_, level) => attention_resolutions.includes(2 ** level));
  const perLevel = (value: unknown) => levels.map(() => value);
  const down = levels.map((attends) => (attends ? 'CrossAttnDownBlock2D' : 'DownBlock2D'));
  const up = levels.map((attends) => (attends ? 'CrossAttnUpBlock2D' : 'UpBlock2D')).reverse();
  const [width, depth] = [transformer?.context_dim, transformer?.depth];
  return {
    in_channels: [network.in_channels],
    out_channels: [network.out_channels],
    block_out_channels: [channel_mult.map((mult) => mult * model_channels)],
    layers_per_block: [num_res_blocks, perLevel(num_res_blocks)],
    cross_attention_dim: [width, perLevel(width)],
    transformer_layers_per_block: [depth, perLevel(depth)],
    down_block_types: [down],
    up_block_types: [up],
  };
}

function shownByDecoder({ decoder }: LatentParts): Shows {
  const { ch, ch_mult, attn_levels } = decoder;
  const up = ch_mult.map((_, level) =>
    attn_levels.includes(level) ? 'AttnUpDecoderBlock2D' : 'UpDecoderBlock2D',
  );
  return {
    out_channels: [decoder.out_ch],
    latent_channels: [decoder.embed_dim],
    block_out_channels: [ch_mult.map((mult) => mult * ch)],
    layers_per_block: [decoder.num_res_blocks],
    mid_block_add_attention: [decoder.attn_type !== 'none'],
    up_block_types: [up.reverse()],
  };
}

function shownByTextEncoder({ textEncoder }: LatentParts): Shows {
  if (!textEncoder) return {};
  const { vocab_size, hidden_size, intermediate_size, num_hidden_layers, max_position_embeddings } =
    textEncoder;
  const shown = { vocab_size, hidden_size, intermediate_size, num_hidden_layers, max_position_embeddings };
  return Object.fromEntries(Object.entries(shown).map(([name, value]) => [name, [value]]));
}

/** @throws ModelError `E_CHECKPOINT` for a key that says something else than the weights show */
function agree({ path, config }: ConfigFile, shows: Shows): void {
  for (const [key, values] of Object.entries(shows)) {
    if (config[key] === undefined) continue;
    if (!values.some((value) => JSON.stringify(value) === JSON.stringify(config[key])))
      throw fault(path, `says ${key} ${short(config[key])}, and its weights show ${short(values[0])}`, [key]);
  }
}

const fault = (path: string, message: string, keys: readonly string[] = [], cause?: unknown): ModelError =>
  checkpointFault(`${path} ${message}`, { path, keys }, cause);

/** A configuration takes a few thousand bytes. */
const MAX_CONFIG = 2 ** 20;

function readConfig(kind: ConfigKind, path: string): ConfigFile {
  let config: unknown;
  const bytes = wholeFile(path, MAX_CONFIG);
  try {
    config = JSON.parse(Buffer.from(bytes).toString());
  } catch (cause) {
    throw fault(path, `is no JSON: ${(cause as Error).message}`, [], cause);
  }
  if (typeof config !== 'object' || config === null || Array.isArray(config))
    throw fault(path, 'is no JSON object');
  const refusals = refusalsIn(kind, config as Config);
  if (refusals.length > 0)
    throw fault(
      path,
      refusals.map(({ sentence }) => sentence).join('; it '),
      refusals.map(({ key }) => key),
    );
  return { path, config: config as Config };
}
