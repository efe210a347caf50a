import * as tf from '@tensorflow/tfjs-core';
import type { Operator } from './operator.js';

/** Matrices, and attention. */
export const products = {
  MatMul: () => (x, y) => tf.matMul(x, y),
  Gemm: (attributes) => {
    const alpha = attributes.float('alpha', 1);
    const beta = attributes.float('beta', 1);
    const turnX = attributes.int('transA', 0) === 1;
    const turnY = attributes.int('transB', 0) === 1;
    const times = (x: tf.Tensor, factor: number) => (factor === 1 ? x : tf.mul(x, factor));
    return (x, y, ...[z]) => {
      const product = times(tf.matMul(x, y, turnX, turnY), alpha);
      return z ? tf.add(product, times(z, beta)) : product;
    };
  },
} satisfies Readonly<Record<string, Operator>>;

/** ONNX Runtime's own, of the domain com.microsoft. */
export const microsoft = {
  /** softmax(q kᵀ/√d) v by head; query [n, positions, heads·d], key and value [n, other positions, heads·d]. */
  MultiHeadAttention: (attributes) => {
    const heads = attributes.int('num_heads', 1);
    const causal = attributes.int('unidirectional', 0) === 1;
    const given = attributes.float('scale', 0);
    return (query, key, value, ...others) => {
      if (others.some(Boolean)) throw new Error('it has a bias, a mask or a past');
      const ofHeads = (x: tf.Tensor) => {
        const [n, positions, width] = x.shape as [number, number, number];
        return tf.transpose(tf.reshape(x, [n, positions, heads, width / heads]), [0, 2, 1, 3]);
      };
      const [q, k, v] = [ofHeads(query!), ofHeads(key!), ofHeads(value!)];
      const scaled = tf.mul(q, given === 0 ? q.shape[3]! ** -0.5 : given);
      const scores = tf.matMul(scaled, k, false, true);
      const mixed = tf.matMul(tf.softmax(causal ? tf.add(scores, future(scores)) : scores), v);
      return tf.reshape(tf.transpose(mixed, [0, 2, 1, 3]), query!.shape);
    };
  },
} satisfies Readonly<Record<string, Operator>>;

/** −∞, as far as float32 needs it, where a key comes after its query. */
function future({ shape }: tf.Tensor): tf.Tensor {
  const [queries, keys] = shape.slice(-2) as [number, number];
  const mask = Float32Array.from({ length: queries * keys }, (_, i) =>
    i % keys > Math.floor(i / keys) + keys - queries ? -1e30 : 0,
  );
  return tf.tensor2d(mask, [queries, keys]);
}
