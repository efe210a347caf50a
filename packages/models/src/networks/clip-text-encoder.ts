import type { Ops } from './ops.js';

/** Options of CLIP's text encoder, by their names in the transformers library. */
export interface ClipTextOptions {
  readonly vocab_size: number;
  readonly max_position_embeddings: number;
  readonly hidden_size: number;
  readonly intermediate_size: number;
  readonly num_hidden_layers: number;
  readonly num_attention_heads: number;
  readonly hidden_act: 'quick_gelu' | 'gelu';
}

const EPS = 1e-5;

/**
 * Numbers of tokens [n, positions] to the last hidden states, after the final layer norm: [n, positions, width].
 *
 * Source: Radford et al. 2021, section 2.4, arXiv:2103.00020.
 */
export function clipTextEncoder<T>(ops: Ops<T>, options: ClipTextOptions, numbers: T): T {
  const { hidden_size: width, intermediate_size: wide, num_attention_heads: heads } = options;
  const positions = options.max_position_embeddings;
  const act = (y: T) => (options.hidden_act === 'gelu' ? ops.gelu(y) : quickGelu(ops, y));
  const words = ops.embedding(numbers, 'text_model.embeddings.token_embedding', {
    count: options.vocab_size,
    width,
  });
  const places = ops.parameter('text_model.embeddings.position_embedding.weight', [positions, width]);
  let x = ops.add(words, places);
  for (let i = 0; i < options.num_hidden_layers; i++) {
    const layer = (part: string) => `text_model.encoder.layers.${i}.${part}`;
    const norm = (part: string) => ops.layerNorm(x, layer(part), { width, eps: EPS });
    const linear = (y: T, part: string, from = width, to = width) =>
      ops.linear(y, layer(part), { in: from, out: to });
    const own = norm('layer_norm1');
    const project = (part: string) => linear(own, `self_attn.${part}`);
    const mixed = ops.attend(project('q_proj'), project('k_proj'), project('v_proj'), {
      heads,
      causal: true,
    });
    x = ops.add(x, linear(mixed, 'self_attn.out_proj'));
    const hidden = act(linear(norm('layer_norm2'), 'mlp.fc1', width, wide));
    x = ops.add(x, linear(hidden, 'mlp.fc2', wide, width));
  }
  return ops.layerNorm(x, 'text_model.final_layer_norm', { width, eps: EPS });
}

/** x·sigmoid(1.702 x), CLIP's approximation of GELU. */
const quickGelu = <T>(ops: Ops<T>, x: T): T => ops.affine(ops.silu(ops.affine(x, 1.702, 0)), 1 / 1.702, 0);
