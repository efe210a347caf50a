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
  const known = Object.entries(parts.network).filter(([name]) => !Object.hasOwn(asked, name));
  return { network: Object.fromEntries(known), sources, asked };
}
