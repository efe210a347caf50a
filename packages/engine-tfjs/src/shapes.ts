import * as tf from '@tensorflow/tfjs-core';
import { axisOf, checkGrowth, integers, type Operator } from './operator.js';

const MAX_RANGE = 2 ** 20;

/** Where elements stand: nothing is computed. */
export const shapes = {
  Shape: () => (x) => tf.tensor1d(x.shape, 'int32'),
  Range: () => (start, limit, delta) => {
    const [from, to, step] = [start, limit, delta].map((one) => one!.dataSync()[0]!) as [
      number,
      number,
      number,
    ];
    const count = Math.max(0, Math.ceil((to - from) / step));
    // of a damaged file; images have sides of thousands
    if (!(count <= MAX_RANGE)) throw new Error(`it would make a range of ${count}`);
    const places = Array.from({ length: count }, (_, i) => from + i * step);
    return tf.tensor1d(places, start!.dtype as 'int32' | 'float32');
  },
  Reshape: (attributes) => {
    attributes.only('allowzero', 0);
    return (x, shape) =>
      tf.reshape(
        x,
        integers(shape).map((n, d) => (n === 0 ? x.shape[d]! : n)),
      );
  },
  Flatten: (attributes) => {
    const axis = attributes.int('axis', 1);
    // which may be the one behind the last
    return (x) => tf.reshape(x, [tf.util.sizeFromShape(x.shape.slice(0, axis)), -1]);
  },
  Unsqueeze: () => (x, axes) => {
    const rank = x.rank + axes.size;
    const added = new Set(integers(axes).map((axis) => (axis < 0 ? axis + rank : axis)));
    const sizes = x.shape.values();
    return tf.reshape(
      x,
      Array.from({ length: rank }, (_, d) => (added.has(d) ? 1 : sizes.next().value!)),
    );
  },
  Squeeze:
    () =>
    (x, ...[axes]) =>
      tf.squeeze(x, axes && integers(axes).map((axis) => axisOf(axis, x))),
  Transpose: (attributes) => {
    const order = attributes.ints('perm');
    return (x) => tf.transpose(x, order && [...order]);
  },
  Concat: (attributes) => {
    const axis = attributes.int('axis', 0);
    return (first, ...others) => tf.concat([first!, ...others], axisOf(axis, first!));
  },
  Split: (attributes) => {
    const axis = attributes.int('axis', 0);
    const { outputs } = attributes;
    attributes.only('num_outputs', outputs);
    return (x, ...[sizes]) => tf.split(x, sizes ? integers(sizes) : outputs, axisOf(axis, x));
  },
  Slice:
    () =>
    (x, starts, ends, ...[axes, steps]) => {
      if (steps && integers(steps).some((step) => step !== 1)) throw new Error('it has steps other than 1');
      const begin = x.shape.map(() => 0);
      const end = [...x.shape];
      const along = axes ? integers(axes) : begin.map((_, d) => d);
      const within = (place: number, size: number) =>
        Math.max(0, Math.min(size, place < 0 ? place + size : place));
      const [from, to] = [integers(starts), integers(ends)];
      for (const [i, axis] of along.entries()) {
        const d = axisOf(axis, x);
        begin[d] = within(from[i]!, x.shape[d]!);
        end[d] = within(to[i]!, x.shape[d]!);
      }
      return tf.slice(
        x,
        begin,
        end.map((place, d) => Math.max(0, place - begin[d]!)),
      );
    },
  Gather: (attributes) => {
    const axis = attributes.int('axis', 0);
    return (x, indices) => {
      const at = axisOf(axis, x);
      const size = x.shape[at]!;
      const places = integers(indices).map((i) => (i < 0 ? i + size : i));
      // a backend would read beyond the tensor
      const wrong = places.find((i) => !(i >= 0 && i < size));
      if (wrong !== undefined) throw new Error(`there is no place ${wrong} among ${size}`);
      const taken = tf.gather(x, tf.tensor1d(places, 'int32'), at);
      return tf.reshape(taken, [...x.shape.slice(0, at), ...indices.shape, ...x.shape.slice(at + 1)]);
    };
  },
  Expand: () => (x, shape) => {
    const wanted = integers(shape);
    const rank = Math.max(wanted.length, x.rank);
    const whole = (sizes: readonly number[]) => [...new Array<number>(rank - sizes.length).fill(1), ...sizes];
    const own = whole(x.shape);
    const to = whole(wanted).map((n, d) => (n === 1 ? own[d]! : n));
    checkGrowth(x, to);
    return tf.broadcastTo(tf.reshape(x, own), to);
  },
  Pad: (attributes) => {
    attributes.only('mode', 'constant');
    return (x, pads, ...[value]) => {
      const amounts = integers(pads);
      if (amounts.length !== 2 * x.rank || amounts.some((n) => n < 0))
        throw new Error(`it pads by [${amounts}], not by two amounts for each of ${x.rank} axes`);
      const around = x.shape.map((_, d): [number, number] => [amounts[d]!, amounts[d + x.rank]!]);
      checkGrowth(
        x,
        x.shape.map((n, d) => n + around[d]![0] + around[d]![1]),
      );
      return tf.pad(x, around, value?.dataSync()[0] ?? 0);
    };
  },
} satisfies Readonly<Record<string, Operator>>;
