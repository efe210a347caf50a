import type { Tensors } from '../files/tensor.js';
import { openDiffusers } from './diffusers-folder.js';
import { planLatent } from './latent-checkpoint.js';
import type { LatentOptions } from './latent-options.js';

/**
 * What is told of a model without reading its weights, or of its folder in diffusers' layout: the options of its network
 * that are known, where each option is from that its weights don't show, and those that must be told.
 */
export async function inspectLatent(from: Tensors | string, told: LatentOptions) {
  if (typeof from !== 'string') return inspect({ tensors: from }, told);
  const { source, close } = await openDiffusers(from);
  try {
    const hollow = Object.entries(source.tensors).map(([name, info]) => [name, { ...info, data: [] }]);
    return { ...inspect(source, told), weights: Object.fromEntries(hollow) as unknown as Tensors };
  } finally {
    close();
  }
}

function inspect(source: Parameters<typeof planLatent>[0], told: LatentOptions) {
  const { settled, names: _, ...parts } = planLatent(source, told);
  const { asked, sources } = settled;
  if (Object.keys(asked).length === 0) source.agree?.(parts);
  const { num_heads, num_head_channels, image_size, attention_order, num_heads_upsample, ...shown } =
    parts.network;
  const { betas, values } = settled;
  const noise = betas?.type === 'scaled_linear' && { linear_start: betas.start, linear_end: betas.end };
  // what the file's own tables say is not read here
  const known = Object.entries({ ...values, ...noise }).filter(
    ([name]) => Object.hasOwn(sources, name) && sources[name] !== 'file',
  );
  const from = (names: readonly string[], source: 'file' | 'asked') =>
    Object.fromEntries(names.map((name) => [name, source]));
  return {
    network: { ...shown, ...Object.fromEntries(known) },
    sources: { ...from(Object.keys(shown), 'file'), ...sources, ...from(Object.keys(asked), 'asked') },
    asked,
  };
}
