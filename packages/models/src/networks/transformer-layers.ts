import type { Ops } from './ops.js';

/** Sizes of a transformer's layers, by their names in the transformers library. */
export interface TransformerOptions {
  readonly hidden_size: number;
  readonly intermediate_size: number;
  readonly num_hidden_layers: number;
  readonly num_attention_heads: number;
}

/** What else they are made of. */
interface TransformerKind<T> {
  /** Of the layer norms. */
  readonly eps: number;
  /** A position sees itself and those before. */
  readonly causal?: boolean;
  /** What is added is scaled before, each entry by a factor of its own: `layer_scale1` and `layer_scale2`. */
  readonly scaled?: boolean;
  /** What comes after attention, on normed tokens; `layer` is what its parameters' names begin with. */
  feedForward(x: T, layer: string): T;
}

/**
 * The layers of a transformer, on tokens [n, positions, width]: attention, then what is done at each position alone, each
 * after a norm and added to what came in.
 *
 * Source: Vaswani et al. 2017, arXiv:1706.03762, with the norms before as in Dosovitskiy et al. 2020, arXiv:2010.11929.
 */
export function transformerLayers<T>(
  ops: Ops<T>,
  options: TransformerOptions,
  { eps, causal = false, scaled = false, feedForward }: TransformerKind<T>,
  encoder: string,
  tokens: T,
): T {
  const { hidden_size: width, num_attention_heads: heads } = options;
  let x = tokens;
  for (let i = 0; i < options.num_hidden_layers; i++) {
    const layer = `${encoder}.layers.${i}`;
    const norm = (part: string) => ops.layerNorm(x, `${layer}.${part}`, { width, eps });
    const add = (y: T, part: string) =>
      ops.add(x, scaled ? ops.multiply(y, ops.parameter(`${layer}.${part}`, [1, width])) : y);
    const linear = (y: T, part: string) =>
      ops.linear(y, `${layer}.self_attn.${part}`, { in: width, out: width });
    const own = norm('layer_norm1');
    const mixed = ops.attend(linear(own, 'q_proj'), linear(own, 'k_proj'), linear(own, 'v_proj'), {
      heads,
      causal,
    });
    x = add(linear(mixed, 'out_proj'), 'layer_scale1');
    x = add(feedForward(norm('layer_norm2'), `${layer}.mlp`), 'layer_scale2');
  }
  return x;
}
