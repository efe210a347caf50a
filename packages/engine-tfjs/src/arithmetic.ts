import * as tf from '@tensorflow/tfjs-core';
import { axisOf, integers, type Operator } from './operator.js';

const types: Readonly<Record<number, 'float32' | 'int32' | 'bool'>> = {
  1: 'float32',
  6: 'int32',
  7: 'int32',
  9: 'bool',
};

const argument =
  (of: (x: tf.Tensor, axis: number) => tf.Tensor): Operator =>
  (attributes) => {
    const axis = attributes.int('axis', 0);
    const keep = attributes.int('keepdims', 1) === 1;
    attributes.only('select_last_index', 0);
    return (x) => {
      const at = axisOf(axis, x);
      const index = of(x, at);
      return keep ? tf.expandDims(index, at) : index;
    };
  };

/** Axes are an attribute, or an input in later versions of the operator. */
const reduction =
  (of: (x: tf.Tensor, axes: number[], keep: boolean) => tf.Tensor): Operator =>
  (attributes) => {
    const given = attributes.ints('axes');
    const keep = attributes.int('keepdims', 1) === 1;
    const noop = attributes.int('noop_with_empty_axes', 0) === 1;
    return (x, ...[input]) => {
      const axes = given ?? (input ? integers(input) : []);
      if (axes.length === 0 && noop) return tf.clone(x);
      const all = axes.length > 0 ? axes.map((axis) => axisOf(axis, x)) : x.shape.map((_, axis) => axis);
      return of(x, all, keep);
    };
  };

/** Element by element, and along axes. */
export const arithmetic = {
  Identity: () => (x) => tf.clone(x),
  Add: () => (x, y) => tf.add(x, y),
  Sub: () => (x, y) => tf.sub(x, y),
  Mul: () => (x, y) => tf.mul(x, y),
  Div: () => (x, y) => tf.div(x, y),
  Pow: () => (x, y) => tf.pow(x, y),
  Sqrt: () => (x) => tf.sqrt(x),
  Neg: () => (x) => tf.neg(x),
  Abs: () => (x) => tf.abs(x),
  Exp: () => (x) => tf.exp(x),
  Log: () => (x) => tf.log(x),
  Sin: () => (x) => tf.sin(x),
  Cos: () => (x) => tf.cos(x),
  Erf: () => (x) => tf.erf(x),
  Tanh: () => (x) => tf.tanh(x),
  Relu: () => (x) => tf.relu(x),
  Sigmoid: () => (x) => tf.sigmoid(x),
  Greater: () => (x, y) => tf.greater(x, y),
  Less: () => (x, y) => tf.less(x, y),
  Where: () => (condition, x, y) => tf.where(condition, x, y),
  Clip:
    () =>
    (x, ...[low, high]) => {
      const raised = low ? tf.maximum(x, low) : x;
      return high ? tf.minimum(raised, high) : tf.clone(raised);
    },
  Cast: (attributes) => {
    const to = attributes.int('to', 0);
    const type = types[to];
    if (!type) throw new Error(`to is ${to}; float32 (1), int32 (6), int64 (7) and bool (9) are known`);
    return (x) => tf.cast(x, type);
  },
  Softmax: (attributes) => {
    const axis = attributes.int('axis', -1);
    return (x) => {
      const at = axisOf(axis, x);
      if (at === x.rank - 1) return tf.softmax(x);
      const turned = x.shape.map((_, d) => (d === at ? x.rank - 1 : d === x.rank - 1 ? at : d));
      return tf.transpose(tf.softmax(tf.transpose(x, turned)), turned);
    };
  },
  ArgMin: argument((x, axis) => tf.argMin(x, axis)),
  ArgMax: argument((x, axis) => tf.argMax(x, axis)),
  ReduceSum: reduction((x, axes, keep) => tf.sum(x, axes, keep)),
  ReduceMean: reduction((x, axes, keep) => tf.mean(x, axes, keep)),
} satisfies Readonly<Record<string, Operator>>;
