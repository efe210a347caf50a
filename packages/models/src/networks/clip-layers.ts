import type { Ops } from './ops.js';
import { type TransformerOptions, transformerLayers } from './transformer-layers.js';

/** Options that CLIP's two encoders have in common, by their names in the transformers library. */
export interface ClipLayersOptions extends TransformerOptions {
  readonly hidden_act: ClipActivation;
}

/** x·sigmoid(1.702 x), as in OpenAI's networks, or x·Φ(x), as in most that OpenCLIP trained. */
export type ClipActivation = 'quick_gelu' | 'gelu';

/** Of all layer norms. */
const EPS = 1e-5;

/** A layer norm of CLIP's. */
export const clipNorm = <T>(ops: Ops<T>, x: T, name: string, width: number): T =>
  ops.layerNorm(x, name, { width, eps: EPS });

/**
 * The layers of one of CLIP's encoders, on tokens [n, positions, width]. `causal`: a position sees itself and those before.
 *
 * Source: Radford et al. 2021, section 2.4, arXiv:2103.00020.
 */
export function clipLayers<T>(
  ops: Ops<T>,
  { causal, ...options }: ClipLayersOptions & { readonly causal: boolean },
  encoder: string,
  tokens: T,
): T {
  const { hidden_size: width, intermediate_size: wide } = options;
  const act = (y: T) => (options.hidden_act === 'gelu' ? ops.gelu(y) : quickGelu(ops, y));
  const feedForward = (x: T, mlp: string) =>
    ops.linear(act(ops.linear(x, `${mlp}.fc1`, { in: width, out: wide })), `${mlp}.fc2`, {
      in: wide,
      out: width,
    });
  return transformerLayers(ops, options, { eps: EPS, causal, feedForward }, encoder, tokens);
}

/** x·sigmoid(1.702 x), CLIP's approximation of GELU. */
const quickGelu = <T>(ops: Ops<T>, x: T): T => ops.affine(ops.silu(ops.affine(x, 1.702, 0)), 1 / 1.702, 0);
