import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkpointFault, type ModelError } from '../errors.js';
import { openStateDict, type StateDict } from '../files/state-dict.js';
import { type DiffusersPart, fromDiffusers } from './diffusers-names.js';
import type { LatentSource } from './latent-checkpoint.js';
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
 * configuration. Gives its tensors under the original checkpoints' names, and the options that the files say.
 *
 * @throws ModelError `E_CHECKPOINT` when a file is missing or says something that no Stable Diffusion v1 model does
 */
export async function openDiffusers(
  path: string,
): Promise<{ source: LatentSource; options: LatentOptions; close(): void }> {
  if (!existsSync(join(path, 'unet'))) throw noModelFolder(path);
  const options = readOptions(path);
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
    return { source: fromDiffusers({ unet, vae, text_encoder }), options, close };
  } catch (cause) {
    close();
    throw cause;
  }
}

export const noModelFolder = (path: string) =>
  checkpointFault(
    `${path} is no model's folder: diffusers' has unet, vae, text_encoder and scheduler, and one of ONNX files has unet/model.onnx or denoiser/model.onnx`,
    { path },
  );

function weightsFile(folder: string): string {
  const candidates = endings.flatMap((ending) => stems.map((stem) => join(folder, stem + ending)));
  const file = candidates.find((one) => existsSync(one));
  if (file !== undefined) return file;
  throw checkpointFault(
    `${folder} holds no weights: one of ${stems.join(', ')} with ${endings.join(', ')} is expected`,
    { path: folder },
  );
}

/** What a configuration may say, and every Stable Diffusion v1 model has. */
const vaeOfEach = { act_fn: 'silu', norm_num_groups: 32 };
const unetOfEach = {
  ...vaeOfEach,
  norm_eps: 1e-5,
  flip_sin_to_cos: true,
  freq_shift: 0,
  center_input_sample: false,
  mid_block_scale_factor: 1,
};

function readOptions(path: string): LatentOptions {
  const unet = readConfig(join(path, 'unet', 'config.json'));
  const vae = readConfig(join(path, 'vae', 'config.json'));
  const text = readConfig(join(path, 'text_encoder', 'config.json'));
  const scheduler = readConfig(join(path, 'scheduler', 'scheduler_config.json'));
  scheduler.oneOf('beta_schedule', ['scaled_linear']);
  scheduler.oneOf('num_train_timesteps', [1000]);
  scheduler.oneOf('prediction_type', ['epsilon', undefined]);
  for (const [name, value] of Object.entries(unetOfEach)) unet.oneOf(name, [value, undefined]);
  for (const [name, value] of Object.entries(vaeOfEach)) vae.oneOf(name, [value, undefined]);
  text.oneOf('layer_norm_eps', [1e-5, undefined]);
  return {
    ...headsOf(unet),
    ...given('image_size', unet.number('sample_size')),
    ...given('scale_factor', vae.number('scaling_factor')),
    ...given('linear_start', scheduler.number('beta_start')),
    ...given('linear_end', scheduler.number('beta_end')),
    ...given('num_attention_heads', text.number('num_attention_heads')),
    ...given('hidden_act', text.oneOf('hidden_act', ['quick_gelu', 'gelu', undefined])),
  };
}

const given = (name: keyof LatentOptions, value: number | string | undefined): LatentOptions =>
  value === undefined ? {} : { [name]: value };

/** Heads of the denoiser, which may differ from level to level where each has as many channels. */
function headsOf(unet: Config): LatentOptions {
  // what the configuration calls attention_head_dim has been the number of heads since its first version
  const name = ['num_attention_heads', 'attention_head_dim'].find((one) => unet.numbers(one).length > 0);
  if (name === undefined) return {};
  const heads = unet.numbers(name);
  const widths = unet.numbers('block_out_channels');
  const perHead = heads.map((n, level) => widths[level]! / n);
  const alike = (values: readonly number[]) => values.every((value) => value === values[0]);
  if (alike(heads)) return { num_heads: heads[0]! };
  if (alike(perHead)) return { num_head_channels: perHead[0]! };
  throw unet.fault(
    `says ${name} [${heads}] for block_out_channels [${widths}]; as many heads at each level, or heads of as many channels, can be read`,
  );
}

type Said = string | number | boolean | undefined;

interface Config {
  number(name: string): number | undefined;
  /** One for each level; one number stands for a list of it, and nothing for none. */
  numbers(name: string): readonly number[];
  oneOf<T extends Said>(name: string, values: readonly T[]): T;
  fault(message: string): ModelError;
}

function readConfig(path: string): Config {
  const fault = (message: string, cause?: unknown) => checkpointFault(`${path} ${message}`, { path }, cause);
  let config: unknown;
  try {
    config = JSON.parse(readFileSync(path, 'utf8'));
  } catch (cause) {
    throw fault(`can't be read: ${(cause as Error).message}`, cause);
  }
  if (typeof config !== 'object' || config === null || Array.isArray(config))
    throw fault('is no JSON object');
  const values = new Map<string, unknown>(Object.entries(config));
  const isNumber = (value: unknown) => typeof value === 'number';
  return {
    number(name) {
      const value = values.get(name) ?? undefined;
      if (value === undefined || isNumber(value)) return value;
      throw fault(`says ${name} ${JSON.stringify(value)}; a number is expected`);
    },
    numbers(name) {
      const value = values.get(name) ?? [];
      const list: readonly unknown[] = Array.isArray(value) ? value : [value];
      if (list.every(isNumber)) return list;
      throw fault(`says ${name} ${JSON.stringify(value)}; a number, or one for each level, is expected`);
    },
    oneOf(name, expected) {
      const value = values.get(name) ?? undefined;
      for (const one of expected) if (one === value) return one;
      throw fault(
        `says ${name} ${JSON.stringify(value)}; only ${expected.filter((one) => one !== undefined)} can be read`,
      );
    },
    fault,
  };
}
