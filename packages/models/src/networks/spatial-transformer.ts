import type { Ops } from './ops.js';

export interface TransformerShape {
  readonly channels: number;
  readonly heads: number;
  /** Blocks one after another. */
  readonly depth: number;
  /** Entries of a token of the context. */
  readonly contextWidth: number;
}

const GROUPS = 32;
const GROUP_EPS = 1e-6;
const LAYER_EPS = 1e-5;
/** The feed-forward layer is this much wider. */
const EXPANSION = 4;

/**
 * Self-attention over all positions, cross attention to the context and a gated feed-forward layer, `depth` times,
 * added to the input.
 *
 * Source: Rombach et al. 2022, appendix E.2.1, arXiv:2112.10752; the gate: Shazeer 2020, GEGLU, arXiv:2002.05202.
 */
export function spatialTransformer<T>(
  ops: Ops<T>,
  name: string,
  { channels, heads, depth, contextWidth }: TransformerShape,
  x: T,
  context: T,
): T {
  const normed = ops.groupNorm(x, `${name}.norm`, { channels, groups: GROUPS, eps: GROUP_EPS });
  const same = { in: channels, out: channels, kernel: 1 };
  let tokens = ops.tokens(ops.conv(normed, `${name}.proj_in`, same));
  for (let i = 0; i < depth; i++) {
    const block = `${name}.transformer_blocks.${i}`;
    const norm = (layer: string) =>
      ops.layerNorm(tokens, `${block}.${layer}`, { width: channels, eps: LAYER_EPS });
    const own = norm('norm1');
    const self = attention(ops, `${block}.attn1`, { channels, heads, contextWidth: channels }, own, own);
    tokens = ops.add(tokens, self);
    const cross = attention(ops, `${block}.attn2`, { channels, heads, contextWidth }, norm('norm2'), context);
    tokens = ops.add(tokens, cross);
    tokens = ops.add(tokens, feedForward(ops, `${block}.ff`, channels, norm('norm3')));
  }
  return ops.add(x, ops.conv(ops.featureMap(tokens, x), `${name}.proj_out`, same));
}

function attention<T>(
  ops: Ops<T>,
  name: string,
  { channels, heads, contextWidth }: Omit<TransformerShape, 'depth'>,
  x: T,
  context: T,
): T {
  const project = (y: T, layer: string, width: number) =>
    ops.linear(y, `${name}.${layer}`, { in: width, out: channels, bias: false });
  const query = project(x, 'to_q', channels);
  const key = project(context, 'to_k', contextWidth);
  const value = project(context, 'to_v', contextWidth);
  const mixed = ops.attend(query, key, value, { heads });
  return ops.linear(mixed, `${name}.to_out.0`, { in: channels, out: channels });
}

function feedForward<T>(ops: Ops<T>, name: string, channels: number, x: T): T {
  const wide = EXPANSION * channels;
  const [y, gate] = ops.halves(ops.linear(x, `${name}.net.0.proj`, { in: channels, out: 2 * wide }));
  return ops.linear(ops.multiply(y, ops.gelu(gate)), `${name}.net.2`, { in: wide, out: channels });
}
