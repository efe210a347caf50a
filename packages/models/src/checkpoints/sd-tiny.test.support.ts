import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeSafetensors } from '../files/safetensors.js';
import { readStateDict } from '../files/state-dict.js';
import type { LatentOptions } from './latent-options.js';

const sdTinyFile = new URL('../../fixtures/sd-tiny.ckpt', import.meta.url).pathname;

/** What the fixture sd-tiny.ckpt does not show. */
export const sdTiny = {
  num_heads: 4,
  image_size: 16,
  parametrization: 'eps',
  scale_factor: 0.18215,
  num_attention_heads: 4,
  hidden_act: 'quick_gelu',
} satisfies LatentOptions;

/** Names of the U-Net's and the decoder's blocks in diffusers' layout, by those of the fixture: two levels of one block. */
const blocks: readonly (readonly [RegExp, (...numbers: number[]) => string])[] = [
  [/^time_embed\.(\d)\./, (i) => `time_embedding.linear_${i / 2 + 1}.`],
  [/^input_blocks\.0\.0\./, () => 'conv_in.'],
  [/^input_blocks\.(\d)\.0\.op\./, (i) => `down_blocks.${i / 2 - 1}.downsamplers.0.conv.`],
  [/^input_blocks\.(\d)\.0\./, (i) => `down_blocks.${Math.floor((i - 1) / 2)}.resnets.0.`],
  [/^input_blocks\.(\d)\.1\./, (i) => `down_blocks.${Math.floor((i - 1) / 2)}.attentions.0.`],
  [/^middle_block\.1\./, () => 'mid_block.attentions.0.'],
  [/^middle_block\.(\d)\./, (i) => `mid_block.resnets.${i / 2}.`],
  [/^output_blocks\.(\d)\.\d\.conv\./, (i) => `up_blocks.${Math.floor(i / 2)}.upsamplers.0.conv.`],
  [/^output_blocks\.(\d)\.0\./, (i) => `up_blocks.${Math.floor(i / 2)}.resnets.${i % 2}.`],
  [/^output_blocks\.(\d)\.1\./, (i) => `up_blocks.${Math.floor(i / 2)}.attentions.${i % 2}.`],
  [/^out\.0\./, () => 'conv_norm_out.'],
  [/^out\.2\./, () => 'conv_out.'],
  [/^decoder\.up\.(\d)\.block\.(\d)\./, (i, j) => `decoder.up_blocks.${1 - i}.resnets.${j}.`],
  [/^decoder\.up\.(\d)\.upsample\./, (i) => `decoder.up_blocks.${1 - i}.upsamplers.0.`],
  [/^decoder\.mid\.block_(\d)\./, (i) => `decoder.mid_block.resnets.${i - 1}.`],
  [/^decoder\.mid\.attn_1\./, () => 'decoder.mid_block.attentions.0.'],
  [/^decoder\.norm_out\./, () => 'decoder.conv_norm_out.'],
];
const layers: readonly (readonly [RegExp, string])[] = [
  [/in_layers\.0\./, 'norm1.'],
  [/in_layers\.2\./, 'conv1.'],
  [/emb_layers\.1\./, 'time_emb_proj.'],
  [/out_layers\.0\./, 'norm2.'],
  [/out_layers\.3\./, 'conv2.'],
  [/(?:skip_connection|nin_shortcut)\./, 'conv_shortcut.'],
];

function inDiffusers(name: string): string {
  for (const [pattern, to] of blocks) {
    const match = pattern.exec(name);
    if (!match) continue;
    const rest = layers.reduce(
      (left, [layer, called]) => left.replace(layer, called),
      name.slice(match[0].length),
    );
    return to(...match.slice(1).map(Number)) + rest;
  }
  return name;
}

/** What its configurations in diffusers' layout say. */
export const sdTinyConfigs = {
  unet: {
    _class_name: 'UNet2DConditionModel',
    attention_head_dim: 4,
    block_out_channels: [32, 32],
    cross_attention_dim: 24,
    layers_per_block: 1,
    sample_size: 16,
  },
  vae: { _class_name: 'AutoencoderKL', latent_channels: 4, layers_per_block: 1, scaling_factor: 0.18215 },
  text_encoder: { hidden_act: 'quick_gelu', num_attention_heads: 4, num_hidden_layers: 3 },
  scheduler: {
    beta_schedule: 'scaled_linear',
    beta_start: 0.00085,
    beta_end: 0.012,
    num_train_timesteps: 1000,
    prediction_type: 'v_prediction',
  },
};

/** Writes the fixture as a folder in diffusers' layout. */
export async function writeSdTiny(folder: string): Promise<void> {
  const tensors = Object.entries(await readStateDict(sdTinyFile));
  const parts = {
    unet: 'model.diffusion_model.',
    vae: 'first_stage_model.',
    text_encoder: 'cond_stage_model.transformer.',
    scheduler: undefined,
  };
  for (const [part, prefix] of Object.entries(parts) as [keyof typeof parts, string | undefined][]) {
    await mkdir(join(folder, part), { recursive: true });
    const config = part === 'scheduler' ? 'scheduler_config.json' : 'config.json';
    await writeFile(join(folder, part, config), JSON.stringify(sdTinyConfigs[part]));
    if (prefix === undefined) continue;
    const named = tensors.flatMap(([name, one]) =>
      name.startsWith(prefix) ? [[inDiffusers(name.slice(prefix.length)), one] as const] : [],
    );
    await writeFile(join(folder, part, 'model.safetensors'), writeSafetensors(Object.fromEntries(named)));
  }
}
