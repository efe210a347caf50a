import type { Ops } from './ops.js';

/** Options that CLIP's two encoders have in common, by their names in the transformers library. */
export interface ClipLayersOptions {
  readonly hidden_size: number;
  readonly intermediate_size: number;
  readonly num_hidden_layers: number;
  readonly num_attention_heads: number;
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
 * The layers of one of CLIP's encoders, on tokens [n, positions, width]: attention, then two linear layers, each after a
 * norm and added to what came in. `causal`: a position sees itself and those before.
 *
 * Source: Radford et al. 2021, section 2.4, arXiv:2103.00020.
 */
export function clipLayers<T>(
  ops: Ops<T>,
  { causal, ...options }: ClipLayersOptions & { readonly causal: boolean },
  encoder: string,
  tokens: T,
): T {
  const { hidden_size: width, intermediate_size: wide, num_attention_heads: heads } = options;
  const act = (y: T) => (options.hidden_act === 'gelu' ? ops.gelu(y) : quickGelu(ops, y));
  let x = tokens;
  for (let i = 0; i < options.num_hidden_layers; i++) {
    const layer = (part: string) => `${encoder}.layers.${i}.${part}`;
    const norm = (part: string) => clipNorm(ops, x, layer(part), width);
    const linear = (y: T, part: string, from = width, to = width) =>
      ops.linear(y, layer(part), { in: from, out: to });
    const own = norm('layer_norm1');
    const project = (part: string) => linear(own, `self_attn.${part}`);
    const mixed = ops.attend(project('q_proj'), project('k_proj'), project('v_proj'), { heads, causal });
    x = ops.add(x, linear(mixed, 'self_attn.out_proj'));
    const hidden = act(linear(norm('layer_norm2'), 'mlp.fc1', width, wide));
    x = ops.add(x, linear(hidden, 'mlp.fc2', wide, width));
  }
  return x;
}

/** x·sigmoid(1.702 x), CLIP's approximation of GELU. */
const quickGelu = <T>(ops: Ops<T>, x: T): T => ops.affine(ops.silu(ops.affine(x, 1.702, 0)), 1 / 1.702, 0);
