import { type GuidedUNetOptions, guidedUNet } from './guided-unet.js';
import type { Network } from './network.js';
import { spatialTransformer } from './spatial-transformer.js';

/** ADM's options, and those of cross attention by their names in latent diffusion's repository. */
export interface LatentUNetOptions extends GuidedUNetOptions {
  /** Transformers that attend to a context too, in place of self-attention. */
  readonly transformer?: { readonly depth: number; readonly context_dim: number };
}

/**
 * The U-Net of latent diffusion: ADM's, without or with cross attention.
 *
 * Source: Rombach et al. 2022, arXiv:2112.10752.
 */
export function latentUNet(options: LatentUNetOptions): Network {
  const { transformer } = options;
  if (!transformer) return guidedUNet(options);
  const { depth, context_dim: contextWidth } = transformer;
  return guidedUNet(options, (ops, name, shape, x, context) => {
    if (context === undefined) throw new TypeError('a network with cross attention needs a context');
    return spatialTransformer(ops, name, { ...shape, depth, contextWidth }, x, context);
  });
}
