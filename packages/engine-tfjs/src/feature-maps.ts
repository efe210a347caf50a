import * as tf from '@tensorflow/tfjs-core';
import type { Attributes } from './attributes.js';
import { checkGrowth, integers, type Operator } from './operator.js';

type Map4 = tf.Tensor4D;
type Pair = [number, number];
/** Ahead and behind, of height and of width. */
type Padding = [Pair, Pair];

/** TF.js convolves [n, height, width, channels] on every backend, and ONNX's layout on some. */
const channelsLast = (x: tf.Tensor): Map4 => tf.transpose(feature(x), [0, 2, 3, 1]);
const channelsFirst = (x: tf.Tensor): Map4 => tf.transpose(x as Map4, [0, 3, 1, 2]);

function feature(x: tf.Tensor): Map4 {
  if (x.rank !== 4) throw new Error(`it works on shape [${x.shape}]; [n, channels, height, width] is known`);
  return x as Map4;
}

function readPads(attributes: Attributes): Padding {
  attributes.only('auto_pad', 'NOTSET');
  const [top, left, bottom, right] = attributes.ints('pads') ?? [0, 0, 0, 0];
  return [
    [top!, bottom!],
    [left!, right!],
  ];
}

function readPair(attributes: Attributes, name: string): Pair {
  const [height = 1, width = 1] = attributes.ints(name) ?? [];
  return [height, width];
}

const around = (padding: Padding): [Pair, Pair, Pair, Pair] => [[0, 0], ...padding, [0, 0]];

/** As [height, width, inputs, outputs]. */
const filterOf = (weight: tf.Tensor): Map4 => tf.transpose(feature(weight), [2, 3, 1, 0]);

/** A filter for each channel, as [height, width, channels, filters of a channel]. */
function depthwiseOf(filter: Map4, groups: number): Map4 {
  const [height, width, inputs, outputs] = filter.shape;
  if (inputs !== 1) throw new Error(`it has ${groups} groups of ${inputs} channels; groups of 1 are known`);
  return tf.reshape(filter, [height, width, groups, outputs / groups]);
}

/** s − 1 zeros after each position of an axis, none after the last. */
function spread(x: Map4, axis: 1 | 2, stride: number): Map4 {
  if (stride === 1) return x;
  const zeros = [...x.shape.slice(0, axis + 1), stride - 1, ...x.shape.slice(axis + 1)];
  const wide = tf.concat([tf.expandDims(x, axis + 1), tf.zeros(zeros)], axis + 1);
  const shape = x.shape.map((n, d) => (d === axis ? n * stride : n));
  const end = shape.map((n, d) => (d === axis ? n - stride + 1 : n));
  return tf.slice(tf.reshape(wide, shape), [0, 0, 0, 0], end) as Map4;
}

/** Mean 0 and variance 1 over the axes behind the first two. */
function standardize(x: tf.Tensor, axis: number, epsilon: number): tf.Tensor {
  const centered = tf.sub(x, tf.mean(x, axis, true));
  return tf.mul(centered, tf.rsqrt(tf.add(tf.mean(tf.square(centered), axis, true), epsilon)));
}

interface Window {
  readonly size: Pair;
  readonly strides: Pair;
  readonly padding: [Pair, Pair, Pair, Pair];
}

function readWindow(attributes: Attributes): Window {
  attributes.only('ceil_mode', 0);
  return {
    size: readPair(attributes, 'kernel_shape'),
    strides: readPair(attributes, 'strides'),
    padding: around(readPads(attributes)),
  };
}

/** A value for each place of a window; what is padded has no part in it. */
const pool = (window: Window, of: (x: Map4, window: Window) => Map4) => (x: tf.Tensor) =>
  channelsFirst(of(channelsLast(x), window));

/** Which positions of an axis the new ones lie between, and how far from the first of the two. */
function between(count: number, wanted: number, centres: boolean) {
  const places = Array.from({ length: wanted }, (_, i) => {
    const place = centres ? ((i + 0.5) * count) / wanted - 0.5 : (i * count) / wanted;
    return Math.min(count - 1, Math.max(0, place));
  });
  const first = places.map(Math.floor);
  return {
    first,
    second: first.map((place) => Math.min(count - 1, place + 1)),
    part: places.map((place, i) => place - first[i]!),
  };
}

/** Linear interpolation along an axis. */
function stretched(x: tf.Tensor, axis: number, wanted: number, centres: boolean): tf.Tensor {
  const { first, second, part } = between(x.shape[axis]!, wanted, centres);
  const take = (places: readonly number[]) => tf.gather(x, tf.tensor1d([...places], 'int32'), axis);
  const shape = x.shape.map((_, d) => (d === axis ? wanted : 1));
  const from = take(first);
  return tf.add(from, tf.mul(tf.sub(take(second), from), tf.tensor(part, shape)));
}

/** On [n, channels, height, width]. */
export const featureMaps = {
  Conv: (attributes) => {
    const padding = around(readPads(attributes));
    const strides = readPair(attributes, 'strides');
    const dilations = readPair(attributes, 'dilations');
    const groups = attributes.int('group', 1);
    attributes.ints('kernel_shape');
    return (x, filter, ...[bias]) => {
      const kernel = filter as Map4;
      const from = channelsLast(x);
      checkGrowth(
        x,
        from.shape.map((n, d) => n + padding[d]![0] + padding[d]![1]),
      );
      const y =
        groups === 1
          ? tf.conv2d(from, kernel, strides, padding, 'NHWC', dilations)
          : tf.depthwiseConv2d(from, depthwiseOf(kernel, groups), strides, padding, 'NHWC', dilations);
      return channelsFirst(bias ? tf.add(y, bias) : y);
    };
  },
  ConvTranspose: (attributes) => {
    const padding = readPads(attributes);
    const strides = readPair(attributes, 'strides');
    const more = attributes.ints('output_padding') ?? [0, 0];
    const groups = attributes.int('group', 1);
    attributes.ints('kernel_shape');
    if (readPair(attributes, 'dilations').some((n) => n !== 1)) throw new Error('it has dilations');
    return (x, filter, ...[bias]) => {
      const kernel = filter as Map4;
      const from = channelsLast(x);
      const size = (d: 0 | 1) =>
        (from.shape[d + 1]! - 1) * strides[d] + kernel.shape[d]! - padding[d][0] - padding[d][1] + more[d]!;
      const shape: Map4['shape'] = [from.shape[0], size(0), size(1), groups * kernel.shape[2]];
      checkGrowth(x, shape);
      let y: tf.Tensor;
      if (groups === 1) {
        y = tf.conv2dTranspose(from, kernel, shape, strides, around(padding));
      } else {
        // a convolution of what was spread, by the filter turned round
        if (kernel.shape[3] !== groups) throw new Error(`it has ${groups} groups of several channels`);
        const turned = tf.reverse(depthwiseOf(kernel, groups), [0, 1]);
        const whole = ([0, 1] as const).map((d): Pair => {
          const [ahead, behind] = padding[d].map((n) => kernel.shape[d]! - 1 - n) as Pair;
          return [ahead, behind + more[d]!];
        }) as Padding;
        const wide = tf.pad(spread(spread(from, 1, strides[0]), 2, strides[1]), around(whole));
        y = tf.depthwiseConv2d(wide, turned, 1, 'valid');
      }
      return channelsFirst(bias ? tf.add(y, bias) : y);
    };
  },
  AveragePool: (attributes) => {
    const window = readWindow(attributes);
    const counted = attributes.int('count_include_pad', 0) === 1;
    if (counted && window.padding.flat().some(Boolean)) throw new Error('it counts its pads');
    return pool(window, (x, { size, strides, padding }) => tf.avgPool(x, size, strides, padding));
  },
  MaxPool: (attributes) => {
    attributes.only('storage_order', 0);
    if (readPair(attributes, 'dilations').some((n) => n !== 1)) throw new Error('it has dilations');
    return pool(readWindow(attributes), (x, { size, strides, padding }) =>
      tf.maxPool(x, size, strides, padding),
    );
  },
  GlobalAveragePool: () => (x) =>
    tf.mean(
      x,
      x.shape.flatMap((_, d) => (d < 2 ? [] : [d])),
      true,
    ),
  InstanceNormalization: (attributes) => {
    const epsilon = attributes.float('epsilon', 1e-5);
    return (x, scale, bias) => {
      const [n, channels] = x.shape as [number, number];
      const y = standardize(tf.reshape(x, [n, channels, -1]), 2, epsilon);
      const perChannel = (parameter: tf.Tensor) => tf.reshape(parameter, [channels, 1]);
      return tf.reshape(tf.add(tf.mul(y, perChannel(scale)), perChannel(bias)), x.shape);
    };
  },
  BatchNormalization: (attributes) => {
    const epsilon = attributes.float('epsilon', 1e-5);
    attributes.float('momentum', 0.9);
    attributes.only('training_mode', 0);
    return (x, scale, bias, mean, variance) => {
      const perChannel = (parameter: tf.Tensor) =>
        tf.reshape(parameter, [x.shape[1]!, ...x.shape.slice(2).fill(1)]);
      const factor = tf.mul(scale, tf.rsqrt(tf.add(variance, epsilon)));
      return tf.add(tf.mul(tf.sub(x, perChannel(mean)), perChannel(factor)), perChannel(bias));
    };
  },
  LayerNormalization: (attributes) => {
    const epsilon = attributes.float('epsilon', 1e-5);
    const axis = attributes.int('axis', -1);
    return (x, scale, ...[bias]) => {
      if (axis !== -1 && axis !== x.rank - 1) throw new Error(`axis is ${axis}; the last one is known`);
      const y = tf.mul(standardize(x, x.rank - 1, epsilon), scale);
      return bias ? tf.add(y, bias) : y;
    };
  },
  /** To the nearest, by whole factors: each position stands as often. Linearly, to any size. */
  Resize: (attributes) => {
    const mode = attributes.string('mode', 'nearest');
    const place = attributes.string('coordinate_transformation_mode', 'half_pixel');
    attributes.only('antialias', 0);
    if (mode === 'linear') {
      if (!['asymmetric', 'half_pixel'].includes(place)) throw new Error(`it interpolates by ${place}`);
      return (x, ...[, scales, sizes]) => {
        if (!sizes) throw new Error(`it interpolates by ${scales ? 'scales' : 'nothing'}; sizes are known`);
        const map = feature(x);
        const wanted = integers(sizes);
        if (wanted.length !== 4 || wanted[0] !== map.shape[0] || wanted[1] !== map.shape[1])
          throw new Error(`it resizes [${map.shape}] to [${wanted}]; height and width are known`);
        checkGrowth(x, wanted);
        const centres = place === 'half_pixel';
        return stretched(stretched(map, 3, wanted[3]!, centres), 2, wanted[2]!, centres);
      };
    }
    attributes.only('mode', 'nearest');
    const nearest = `${place}, ${attributes.string('nearest_mode', 'round_prefer_floor')}`;
    if (!['asymmetric, floor', 'half_pixel, round_prefer_floor'].includes(nearest))
      throw new Error(`it takes the nearest by ${nearest}`);
    return (x, ...[, scales, sizes]) => {
      const map = feature(x);
      const factors = sizes
        ? integers(sizes).map((n, d) => n / map.shape[d]!)
        : scales
          ? integers(scales)
          : [];
      const [n, channels, height, width] = map.shape;
      const [ofSamples, ofChannels, down, across] = factors as [number, number, number, number];
      if (ofSamples !== 1 || ofChannels !== 1 || ![down, across].every((f) => Number.isInteger(f) && f > 0))
        throw new Error(`it enlarges by [${factors}]; whole factors of height and width are known`);
      checkGrowth(x, [n, channels, height * down, width * across]);
      const times = (y: tf.Tensor, axis: number, count: number) =>
        tf.concat(new Array<tf.Tensor>(count).fill(y), axis);
      const wide = times(tf.reshape(map, [n, channels, height, width, 1]), 4, across);
      const rows = tf.reshape(wide, [n, channels, height, 1, width * across]);
      return tf.reshape(times(rows, 3, down), [n, channels, height * down, width * across]);
    };
  },
} satisfies Readonly<Record<string, Operator>>;

/** Weights in the layout that an operator takes them in: turned once where they are constants. */
export const filters = { Conv: filterOf, ConvTranspose: filterOf } satisfies Partial<
  Record<keyof typeof featureMaps, (weight: tf.Tensor) => tf.Tensor>
>;
