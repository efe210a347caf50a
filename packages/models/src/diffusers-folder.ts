import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type DiffusersPart, fromDiffusers } from './diffusers-names.js';
import { ModelError } from './errors.js';
import type { LatentSource } from './latent-checkpoint.js';
import type { LatentOptions } from './latent-options.js';
import { openStateDict, type StateDict } from './state-dict.js';

const stems = ['diffusion_pytorch_model', 'model', 'pytorch_model'];
const endings = ['.safetensors', '.safetensors.index.json', '.fp16.safetensors', '.bin'];

/**
 * Opens a Stable Diffusion model in diffusers' layout: `unet`, `vae`, `text_encoder` and `scheduler`, each with its
 * configuration. Gives its tensors under the original checkpoints' names, and the options that the files say.
 *
 * @throws ModelError `E_CHECKPOINT` when a file is missing or says something that no Stable Diffusion v1 model does
 */
export async function openDiffusers(
  path: string,
): Promise<{ source: LatentSource; options: LatentOptions; close(): void }> {
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

function weightsFile(folder: string): string {
  const candidates = endings.flatMap((ending) => stems.map((stem) => join(folder, stem + ending)));
  const file = candidates.find((one) => existsSync(one));
  if (file !== undefined) return file;
  throw new ModelError(
    'E_CHECKPOINT',
    `${folder} holds no weights: one of ${stems.join(', ')} with ${endings.join(', ')} is expected`,
    { path: folder },
  );
}

function readOptions(path: string): LatentOptions {
  const unet = readConfig(join(path, 'unet', 'config.json'));
  const vae = readConfig(join(path, 'vae', 'config.json'));
  const text = readConfig(join(path, 'text_encoder', 'config.json'));
  const scheduler = readConfig(join(path, 'scheduler', 'scheduler_config.json'));
  scheduler.oneOf('beta_schedule', ['scaled_linear']);
  scheduler.oneOf('num_train_timesteps', [1000]);
  scheduler.oneOf('prediction_type', ['epsilon', undefined]);
  text.oneOf('hidden_act', ['quick_gelu', undefined]);
  // what the configuration calls attention_head_dim has been the number of heads since its first version
  const heads = unet.number('num_attention_heads') ?? unet.number('attention_head_dim');
  return {
    ...given('num_heads', heads),
    ...given('image_size', unet.number('sample_size')),
    ...given('scale_factor', vae.number('scaling_factor')),
    ...given('linear_start', scheduler.number('beta_start')),
    ...given('linear_end', scheduler.number('beta_end')),
    ...given('num_attention_heads', text.number('num_attention_heads')),
  };
}

const given = (name: keyof LatentOptions, value: number | undefined): LatentOptions =>
  value === undefined ? {} : { [name]: value };

interface Config {
  number(name: string): number | undefined;
  oneOf(name: string, values: readonly unknown[]): void;
}

function readConfig(path: string): Config {
  const fault = (message: string, cause?: unknown) =>
    new ModelError('E_CHECKPOINT', `${path} ${message}`, { path }, { cause });
  let config: unknown;
  try {
    config = JSON.parse(readFileSync(path, 'utf8'));
  } catch (cause) {
    throw fault(`can't be read: ${(cause as Error).message}`, cause);
  }
  if (typeof config !== 'object' || config === null || Array.isArray(config))
    throw fault('is no JSON object');
  const values = new Map<string, unknown>(Object.entries(config));
  return {
    number(name) {
      const value = values.get(name) ?? undefined;
      if (value === undefined || typeof value === 'number') return value;
      throw fault(`says ${name} ${JSON.stringify(value)}; a number, one for all levels, is expected`);
    },
    oneOf(name, expected) {
      const value = values.get(name) ?? undefined;
      if (!expected.includes(value))
        throw fault(
          `says ${name} ${JSON.stringify(value)}; only ${expected.filter((one) => one !== undefined)} can be read`,
        );
    },
  };
}
