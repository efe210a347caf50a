import type { Ops } from './ops.js';
import { type TransformerOptions, transformerLayers } from './transformer-layers.js';

/** Height and width that the network sees. */
export const DINO_SIZE = 224;

/** Options of DINOv2's vision transformer, by their names in the transformers library. */
export interface DinoOptions extends TransformerOptions {
  /** Height and width of a patch, in pixels: a divisor of 224. */
  readonly patch_size: number;
  /** Each layer's second half is gated, as in ViT-g: W₃(silu(a)·b), of which W₁₂x is a and then b. */
  readonly use_swiglu_ffn: boolean;
}

/** Of all layer norms. */
const EPS = 1e-6;

/** Patches along a side of what the network sees. */
export const dinoGrid = ({ patch_size }: Pick<DinoOptions, 'patch_size'>): number => DINO_SIZE / patch_size;

/**
 * DINOv2's vision transformer without registers: the class token after the last norm [n, hidden_size].
 *
 * - `images`: [n, 3, 224, 224], each channel less its mean and over its deviation.
 * - Position embeddings are those of the grid that it sees.
 * - Source: Oquab et al. 2023, arXiv:2304.07193.
 */
export function dino<T>(ops: Ops<T>, options: DinoOptions, images: T): T {
  const { hidden_size: width, intermediate_size: wide, patch_size, use_swiglu_ffn } = options;
  const patches = ops.conv(images, 'embeddings.patch_embedding', {
    in: 3,
    out: width,
    kernel: patch_size,
    stride: patch_size,
    padding: 0,
  });
  const tokens = ops.prepend(ops.tokens(patches), 'embeddings.class_embedding', width);
  const places = ops.parameter('embeddings.position_embedding', [1 + dinoGrid(options) ** 2, width]);
  const plain = (x: T, mlp: string) =>
    ops.linear(ops.gelu(ops.linear(x, `${mlp}.fc1`, { in: width, out: wide })), `${mlp}.fc2`, {
      in: wide,
      out: width,
    });
  const gated = (x: T, mlp: string) => {
    const [gate, value] = ops.halves(ops.linear(x, `${mlp}.w12`, { in: width, out: 2 * wide }));
    return ops.linear(ops.multiply(ops.silu(gate), value), `${mlp}.w3`, { in: wide, out: width });
  };
  const kind = { eps: EPS, scaled: true, feedForward: use_swiglu_ffn ? gated : plain };
  const x = transformerLayers(ops, options, kind, 'encoder', ops.add(tokens, places));
  return ops.layerNorm(ops.token(x, 0), 'norm', { width, eps: EPS });
}
