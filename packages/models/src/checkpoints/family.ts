import type { Shaped } from '../networks/parameters.js';

/** Names that only the files of a family have. The first that fits is told. */
const families = [
  {
    family: 'stable-diffusion',
    signs: [
      'model.diffusion_model.input_blocks.0.0.weight',
      'cond_stage_model.transformer.text_model.embeddings.token_embedding.weight',
    ],
  },
  { family: 'ldm', signs: ['model.diffusion_model.input_blocks.0.0.weight'] },
  { family: 'adm-classifier', signs: ['input_blocks.0.0.weight', 'out.2.positional_embedding'] },
  { family: 'adm', signs: ['input_blocks.0.0.weight', 'out.2.weight', 'time_embed.0.weight'] },
  { family: 'inception', signs: ['Conv2d_1a_3x3.conv.weight', 'Mixed_7c.branch_pool.conv.weight'] },
  { family: 'diffusers-unet', signs: ['conv_in.weight', 'time_embedding.linear_1.weight'] },
  { family: 'diffusers-vae', signs: ['decoder.conv_in.weight', 'post_quant_conv.weight'] },
  { family: 'clip-text', signs: ['text_model.embeddings.token_embedding.weight'] },
] as const;

/** What tensors by their names are of, where the names are known. */
export type Family = (typeof families)[number]['family'] | 'cm';

/** What these tensors are of, by their names; undefined where the names are of no network that is known. */
export function familyOf(tensors: Shaped): Family | undefined {
  const found = families.find(({ signs }) => signs.every((name) => Object.hasOwn(tensors, name)))?.family;
  return found === 'adm' && !learnsVariance(tensors) ? 'cm' : found;
}

/** Consistency Models' network is ADM's, but gives no variance beside the mean. */
const learnsVariance = (tensors: Shaped) =>
  tensors['out.2.weight']!.shape[0] !== tensors['input_blocks.0.0.weight']!.shape[1];
