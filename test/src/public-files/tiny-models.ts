import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readStateDict, type Tensors, toFloat32, writeSafetensors } from '@fewstep/models';
import { root } from '../command-line.js';

const fixture = (name: string) => readStateDict(join(root, 'packages/models/fixtures', name));
const tensor = (shape: readonly number[]): Tensors[string] => ({
  dtype: 'F32',
  shape: [...shape],
  data: new Float32Array(shape.reduce((product, size) => product * size, 1)),
});

/** A file of weights that has these names, to be recognised by. */
export const named = (shapes: Readonly<Record<string, readonly number[]>>): Tensors =>
  Object.fromEntries(Object.entries(shapes).map(([name, shape]) => [name, tensor(shape)]));

export const save = (path: string, weights: Tensors): void => writeFileSync(path, writeSafetensors(weights));

/** A U-Net of guided diffusion's kind, of 16×16 pixels and ten classes, and what it was trained with. */
export const adm = () => fixture('adm-diffusion.pt');
export const admTold = {
  family: 'adm',
  image_size: 16,
  num_head_channels: 16,
  attention_order: 'heads-qkv-channels',
  noise_schedule: 'linear',
  diffusion_steps: 1000,
  parametrization: 'eps',
} as const;

/** The same with other channels at its ends. */
export async function admOf(inputs: number, outputs: number): Promise<Tensors> {
  const weights = await adm();
  const [first, last] = [weights['input_blocks.0.0.weight']!, weights['out.2.weight']!];
  return {
    ...weights,
    'input_blocks.0.0.weight': tensor([first.shape[0]!, inputs, 3, 3]),
    'out.2.weight': tensor([outputs, ...last.shape.slice(1)]),
    'out.2.bias': tensor([outputs]),
  };
}

/** A network as Consistency Models' repository has them: ADM's without classes and without a variance. */
export async function consistency(): Promise<Tensors> {
  const { 'label_emb.weight': _, ...weights } = await adm();
  const half = (name: string): Tensors[string] => {
    const { shape } = weights[name]!;
    const data = toFloat32(weights[name]!);
    return { dtype: 'F32', shape: [shape[0]! / 2, ...shape.slice(1)], data: data.slice(0, data.length / 2) };
  };
  return { ...weights, 'out.2.weight': half('out.2.weight'), 'out.2.bias': half('out.2.bias') };
}
export const consistencyTold = {
  family: 'cm',
  image_size: 16,
  num_head_channels: 16,
  attention_order: 'heads-qkv-channels',
} as const;

/** A Stable Diffusion of 16×16 latents in one file, and what it was trained with. */
export const stableDiffusion = () => fixture('sd-tiny.ckpt');
export const stableDiffusionTold = {
  num_heads: 4,
  image_size: 16,
  parametrization: 'eps',
  scale_factor: 0.18215,
  num_attention_heads: 4,
  hidden_act: 'quick_gelu',
} as const;

/** Numbers around 0, the same in every run. */
const noise = (shape: readonly number[], scale = 0.2): Tensors[string] => ({
  dtype: 'F32',
  shape: [...shape],
  data: Float32Array.from(
    { length: shape.reduce((product, size) => product * size, 1) },
    (_, i) => scale * Math.sin(1e4 * (i + 1) ** 2),
  ),
});

/**
 * A latent diffusion as LDM's bedrooms are, in one file, and what it was trained with: of that network without prompts,
 * whose blocks attend to themselves alone, with a codebook of 16 vectors.
 */
export async function latentDiffusion(): Promise<Tensors> {
  const weights = { 'first_stage_model.quantize.embedding.weight': noise([16, 4], 2) };
  for (const [name, one] of Object.entries(await stableDiffusion())) {
    const [, block, part] = /^(model\..*\.1)\.(norm|proj_in|proj_out|transformer_blocks)\./.exec(name) ?? [];
    if (name.startsWith('cond_stage_model.') || part === 'proj_in') continue;
    if (part === 'transformer_blocks') {
      if (!name.endsWith('.attn1.to_q.weight')) continue;
      const channels = one.shape[0]!;
      const qkv = { [`${block}.qkv.weight`]: noise([3 * channels, channels, 1]) };
      Object.assign(weights, qkv, { [`${block}.qkv.bias`]: noise([3 * channels]) });
    } else
      Object.assign(weights, {
        [name]:
          part === 'proj_out' && one.shape.length > 1
            ? { ...one, shape: [...one.shape.slice(0, 2), 1] }
            : one,
      });
  }
  return weights;
}
export const latentDiffusionTold = {
  num_heads: 4,
  image_size: 16,
  attention_order: 'heads-qkv-channels',
  parametrization: 'eps',
  scale_factor: 0.18215,
} as const;

/** What its files say in diffusers' layout, as those of Stable Diffusion v1-5 do. */
const configs = {
  unet: {
    _class_name: 'UNet2DConditionModel',
    act_fn: 'silu',
    attention_head_dim: 4,
    block_out_channels: [32, 32],
    center_input_sample: false,
    cross_attention_dim: 24,
    flip_sin_to_cos: true,
    freq_shift: 0,
    in_channels: 4,
    layers_per_block: 1,
    mid_block_scale_factor: 1,
    norm_eps: 1e-5,
    norm_num_groups: 32,
    out_channels: 4,
    sample_size: 16,
  },
  vae: {
    _class_name: 'AutoencoderKL',
    act_fn: 'silu',
    block_out_channels: [32, 32],
    in_channels: 3,
    latent_channels: 4,
    layers_per_block: 1,
    norm_num_groups: 32,
    out_channels: 3,
    scaling_factor: 0.18215,
  },
  text_encoder: {
    hidden_act: 'quick_gelu',
    hidden_size: 24,
    intermediate_size: 96,
    layer_norm_eps: 1e-5,
    max_position_embeddings: 77,
    num_attention_heads: 4,
    num_hidden_layers: 3,
    vocab_size: 120,
  },
  scheduler: {
    _class_name: 'PNDMScheduler',
    beta_end: 0.012,
    beta_schedule: 'scaled_linear',
    beta_start: 0.00085,
    num_train_timesteps: 1000,
    prediction_type: 'epsilon',
    set_alpha_to_one: false,
    skip_prk_steps: true,
    steps_offset: 1,
    trained_betas: null as readonly number[] | null,
  },
};
export type Part = keyof typeof configs;

/** Writes it in diffusers' layout, where one of its configurations says something else or more. */
export async function writeFolder(folder: string, part?: Part, more: object = {}): Promise<void> {
  const weights = inDiffusers(await stableDiffusion());
  for (const [name, config] of Object.entries(configs)) {
    mkdirSync(join(folder, name), { recursive: true });
    const file = name === 'scheduler' ? 'scheduler_config.json' : 'config.json';
    writeFileSync(join(folder, name, file), JSON.stringify({ ...config, ...(name === part && more) }));
    if (name !== 'scheduler')
      save(
        join(folder, name, `${name === 'text_encoder' ? '' : 'diffusion_pytorch_'}model.safetensors`),
        weights[name as keyof typeof weights],
      );
  }
}

/** Its first stage as diffusers publishes such. */
export const diffusersVae = async () => inDiffusers(await stableDiffusion()).vae;

const residual: readonly Rename[] = [
  [/\.in_layers\.0\./, '.norm1.'],
  [/\.in_layers\.2\./, '.conv1.'],
  [/\.emb_layers\.1\./, '.time_emb_proj.'],
  [/\.out_layers\.0\./, '.norm2.'],
  [/\.out_layers\.3\./, '.conv2.'],
  [/\.skip_connection\./, '.conv_shortcut.'],
];
type Rename = readonly [RegExp, string | ((...groups: string[]) => string)];
const kind = (place: string) => (place === '0' ? 'resnets' : 'attentions');
/** Of two levels with a block each, and a layer between that halves. */
const unetNames: readonly Rename[] = [
  [/^time_embed\.(\d)\./, (_, i) => `time_embedding.linear_${Number(i) / 2 + 1}.`],
  [/^input_blocks\.0\.0\./, 'conv_in.'],
  [/^input_blocks\.(\d)\.0\.op\./, (_, i) => `down_blocks.${Number(i) / 2 - 1}.downsamplers.0.conv.`],
  [/^input_blocks\.(\d)\.(\d)\./, (_, i, j) => `down_blocks.${(Number(i) - 1) >> 1}.${kind(j!)}.0.`],
  [/^middle_block\.1\./, 'mid_block.attentions.0.'],
  [/^middle_block\.(\d)\./, (_, i) => `mid_block.resnets.${Number(i) / 2}.`],
  [/^output_blocks\.(\d)\.\d\.conv\./, (_, i) => `up_blocks.${Number(i) >> 1}.upsamplers.0.conv.`],
  [/^output_blocks\.(\d)\.(\d)\./, (_, i, j) => `up_blocks.${Number(i) >> 1}.${kind(j!)}.${Number(i) % 2}.`],
  [/^out\.0\./, 'conv_norm_out.'],
  [/^out\.2\./, 'conv_out.'],
];
const vaeNames: readonly Rename[] = [
  [/\.nin_shortcut\./, '.conv_shortcut.'],
  [/^decoder\.up\.(\d)\.block\.(\d)\./, (_, i, j) => `decoder.up_blocks.${1 - Number(i)}.resnets.${j}.`],
  [/^decoder\.up\.(\d)\.upsample\./, (_, i) => `decoder.up_blocks.${1 - Number(i)}.upsamplers.0.`],
  [/^decoder\.mid\.block_(\d)\./, (_, i) => `decoder.mid_block.resnets.${Number(i) - 1}.`],
  [/^decoder\.mid\.attn_1\.norm\./, 'decoder.mid_block.attentions.0.group_norm.'],
  [/^decoder\.mid\.attn_1\.proj_out\./, 'decoder.mid_block.attentions.0.to_out.0.'],
  [/^decoder\.mid\.attn_1\./, 'decoder.mid_block.attentions.0.to_'],
  [/^decoder\.norm_out\./, 'decoder.conv_norm_out.'],
];

const renamed = (name: string, rules: readonly Rename[]) =>
  rules.reduce((text, [pattern, to]) => text.replace(pattern, to as string), name);

/** By diffusers' names, which know no encoder here. */
function inDiffusers(weights: Tensors) {
  const under = (prefix: string, rename: (name: string) => string): Tensors =>
    Object.fromEntries(
      Object.entries(weights)
        .filter(
          ([name]) =>
            name.startsWith(prefix) && !/^first_stage_model\.(encoder|quant_conv|loss)\./.test(name),
        )
        .map(([name, one]) => [rename(name.slice(prefix.length)), one]),
    );
  return {
    unet: under('model.diffusion_model.', (name) => renamed(renamed(name, residual), unetNames)),
    vae: under('first_stage_model.', (name) => renamed(name, vaeNames)),
    text_encoder: under('cond_stage_model.transformer.', (name) => name),
  };
}

/** Writes a vocabulary of 120 tokens as CLIP has one: `!` is number 0, prompts start with 118 and end with 119. */
export function writeTokenizer(folder: string, files: Readonly<Record<string, object>> = {}): void {
  mkdirSync(folder, { recursive: true });
  const letters = [...'abcdefghijklmnopqrstuvwxyz0123456789'].flatMap((one) => [one, `${one}</w>`]);
  const vocabulary = Object.fromEntries(['!', ...letters, '!</w>'].map((token, i) => [token, i]));
  const all = { ...vocabulary, '<|startoftext|>': 118, '<|endoftext|>': 119 };
  writeFileSync(join(folder, 'vocab.json'), JSON.stringify(all));
  writeFileSync(join(folder, 'merges.txt'), '#version: 0.2\n');
  for (const [name, file] of Object.entries(files)) writeFileSync(join(folder, name), JSON.stringify(file));
}
