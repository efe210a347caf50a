import { checkpointFault } from '../errors.js';
import type { Dtype } from '../files/tensor.js';
import type { LatentSource } from './latent-checkpoint.js';
import { countOf } from './latent-options.js';

/** A name or its beginning in the diffusers layout, and what stands there in the original one. */
type Rule = readonly [pattern: RegExp, name: string | ((...numbers: number[]) => string)];

const rename = (name: string, rules: readonly Rule[]): string => {
  for (const [pattern, to] of rules) {
    const match = pattern.exec(name);
    if (!match) continue;
    const start = typeof to === 'string' ? to : to(...match.slice(1).map(Number));
    return start + name.slice(match[0].length);
  }
  return name;
};

const residualOfUNet: readonly Rule[] = [
  [/^norm1\./, 'in_layers.0.'],
  [/^conv1\./, 'in_layers.2.'],
  [/^time_emb_proj\./, 'emb_layers.1.'],
  [/^norm2\./, 'out_layers.0.'],
  [/^conv2\./, 'out_layers.3.'],
  [/^conv_shortcut\./, 'skip_connection.'],
];

const residualOfVae: readonly Rule[] = [[/^conv_shortcut\./, 'nin_shortcut.']];

const attentionOfVae: readonly Rule[] = [
  [/^group_norm\./, 'norm.'],
  [/^(?:to_q|query)\./, 'q.'],
  [/^(?:to_k|key)\./, 'k.'],
  [/^(?:to_v|value)\./, 'v.'],
  [/^(?:to_out\.0|proj_attn)\./, 'proj_out.'],
];

/**
 * Names of a UNet2DConditionModel as Stable Diffusion's own checkpoints have them: blocks are counted through all
 * levels there, with the resampling layers among them.
 */
function unetNames(names: readonly string[]): (name: string) => string {
  const perLevel = countOf(names, 'down_blocks.0.resnets.#.') + 1;
  const attends = (level: number) => names.some((name) => name.startsWith(`up_blocks.${level}.attentions.`));
  const blocks: readonly Rule[] = [
    [/^time_embedding\.linear_(\d+)\./, (i) => `time_embed.${2 * (i - 1)}.`],
    [/^conv_in\./, 'input_blocks.0.0.'],
    [/^down_blocks\.(\d+)\.resnets\.(\d+)\./, (i, j) => `input_blocks.${1 + i * perLevel + j}.0.`],
    [/^down_blocks\.(\d+)\.attentions\.(\d+)\./, (i, j) => `input_blocks.${1 + i * perLevel + j}.1.`],
    [/^down_blocks\.(\d+)\.downsamplers\.0\.conv\./, (i) => `input_blocks.${(i + 1) * perLevel}.0.op.`],
    [/^mid_block\.resnets\.(\d+)\./, (j) => `middle_block.${2 * j}.`],
    [/^mid_block\.attentions\.0\./, 'middle_block.1.'],
    [/^up_blocks\.(\d+)\.resnets\.(\d+)\./, (i, j) => `output_blocks.${i * perLevel + j}.0.`],
    [/^up_blocks\.(\d+)\.attentions\.(\d+)\./, (i, j) => `output_blocks.${i * perLevel + j}.1.`],
    [
      /^up_blocks\.(\d+)\.upsamplers\.0\.conv\./,
      (i) => `output_blocks.${(i + 1) * perLevel - 1}.${attends(i) ? 2 : 1}.conv.`,
    ],
    [/^conv_norm_out\./, 'out.0.'],
    [/^conv_out\./, 'out.2.'],
  ];
  return (name) => within(name, blocks, [[/\.resnets\.\d+\./, residualOfUNet]]);
}

/** Names of an AutoencoderKL as the original checkpoints have them, which count the decoder's levels from the image. */
function vaeNames(names: readonly string[]): (name: string) => string {
  const last = countOf(names, 'decoder.up_blocks.#.') - 1;
  const blocks: readonly Rule[] = [
    [/^decoder\.mid_block\.resnets\.(\d+)\./, (j) => `decoder.mid.block_${j + 1}.`],
    [/^decoder\.mid_block\.attentions\.0\./, 'decoder.mid.attn_1.'],
    [/^decoder\.up_blocks\.(\d+)\.resnets\.(\d+)\./, (i, j) => `decoder.up.${last - i}.block.${j}.`],
    [/^decoder\.up_blocks\.(\d+)\.attentions\.(\d+)\./, (i, j) => `decoder.up.${last - i}.attn.${j}.`],
    [/^decoder\.up_blocks\.(\d+)\.upsamplers\.0\.conv\./, (i) => `decoder.up.${last - i}.upsample.conv.`],
    [/^decoder\.conv_norm_out\./, 'decoder.norm_out.'],
  ];
  return (name) =>
    within(name, blocks, [
      [/\.resnets\.\d+\./, residualOfVae],
      [/\.attentions\.\d+\./, attentionOfVae],
    ]);
}

/** Renames the block, and what is inside of it by the rules of its kind. */
function within(
  name: string,
  blocks: readonly Rule[],
  kinds: readonly (readonly [block: RegExp, rules: readonly Rule[]])[],
): string {
  for (const [block, rules] of kinds) {
    const match = block.exec(name);
    if (!match) continue;
    const end = match.index + match[0].length;
    return rename(name.slice(0, end) + rename(name.slice(end), rules), blocks);
  }
  return rename(name, blocks);
}

/** The folders of the layout, each with the prefix that its tensors have in one file. */
const prefixes = {
  unet: 'model.diffusion_model.',
  vae: 'first_stage_model.',
  text_encoder: 'cond_stage_model.transformer.',
} as const;

export type DiffusersPart = keyof typeof prefixes;

const originals: Readonly<Record<DiffusersPart, (names: readonly string[]) => (name: string) => string>> = {
  unet: unetNames,
  vae: vaeNames,
  text_encoder: () => (name) => name,
};

/** Whether a first stage has diffusers' names. */
export const hasDiffusersDecoder = (names: readonly string[]): boolean =>
  names.some((name) => name.startsWith('decoder.up_blocks.'));

/**
 * The tensors of a model in diffusers' layout, or of parts of one, under the names of the original one.
 *
 * @throws ModelError `E_CHECKPOINT` when two names stand for the same weight
 */
export function fromDiffusers(parts: Readonly<Partial<Record<DiffusersPart, LatentSource>>>): LatentSource {
  const found = new Map<
    string,
    { source: LatentSource; name: string; dtype: Dtype; shape: readonly number[] }
  >();
  for (const [part, source] of Object.entries(parts) as [DiffusersPart, LatentSource][]) {
    const original = originals[part](Object.keys(source.tensors));
    for (const [name, { dtype, shape }] of Object.entries(source.tensors)) {
      const key = prefixes[part] + original(name);
      const other = found.get(key);
      if (other)
        throw checkpointFault(`${part} has one weight twice: as ${other.name} and as ${name}`, {
          names: [other.name, name],
        });
      found.set(key, { source, name, dtype, shape });
    }
  }
  return {
    tensors: Object.fromEntries(found),
    read(key) {
      const { source, name } = found.get(key)!;
      return source.read(name);
    },
  };
}
