import type { Ops, WindowShape } from './ops.js';

/** Height and width that the network sees. */
export const INCEPTION_SIZE = 299;

/** Channels of the 1008 outputs that it was trained to give, of which FID uses none. */
const CLASSES = 1008;
const EPS = 1e-3;

/** A feature map, and how many channels it has. */
interface Features<T> {
  readonly x: T;
  readonly channels: number;
}

/**
 * Inception-v3 as FID has it: average pools leave the padding out, and the last block pools by the maximum. Images are
 * [n, 3, 299, 299], −1 black to 1 white.
 *
 * Gives what FID and its kin take from the network: the outputs, and spatial means by their number of channels, taken
 * after the first and second max pool, after Mixed_6e and after Mixed_7c.
 *
 * Source: Szegedy et al. 2015, arXiv:1512.00567, in the form of the graph `inception-2015-12-05` that Heusel et al. 2017
 * measure with, arXiv:1706.08500; layers are named as in torchvision.
 */
export function inception<T>(ops: Ops<T>, images: T) {
  const conv = (from: Features<T>, name: string, out: number, shape: Partial<WindowShape> = {}) => {
    const layer = { kernel: 1, ...shape, in: from.channels, out, bias: false };
    const x = ops.batchNorm(ops.conv(from.x, `${name}.conv`, layer), `${name}.bn`, {
      channels: out,
      eps: EPS,
    });
    return { x: ops.relu(x), channels: out };
  };
  const join = (...parts: readonly Features<T>[]): Features<T> => ({
    x: ops.concat(parts.map(({ x }) => x)),
    channels: parts.reduce((sum, { channels }) => sum + channels, 0),
  });
  const halve = ({ x, channels }: Features<T>) => ({ x: ops.maxPool(x, strided), channels });
  const average = ({ x, channels }: Features<T>) => ({ x: ops.averagePool(x, { kernel: 3 }), channels });
  const maximum = ({ x, channels }: Features<T>) => ({ x: ops.maxPool(x, { kernel: 3 }), channels });
  const mean = ({ x, channels }: Features<T>) => ops.groupMean(x, channels);

  const mixed5 = (x: Features<T>, name: string, pooled: number) => {
    const layer = layersOf(name);
    const five = conv(conv(x, layer('5x5_1'), 48), layer('5x5_2'), 64, { kernel: 5 });
    const three = conv(conv(x, layer('3x3dbl_1'), 64), layer('3x3dbl_2'), 96, { kernel: 3 });
    return join(
      conv(x, layer('1x1'), 64),
      five,
      conv(three, layer('3x3dbl_3'), 96, { kernel: 3 }),
      conv(average(x), layer('_pool'), pooled),
    );
  };
  const mixed6a = (x: Features<T>) => {
    const layer = layersOf('Mixed_6a');
    const three = conv(conv(x, layer('3x3dbl_1'), 64), layer('3x3dbl_2'), 96, { kernel: 3 });
    return join(conv(x, layer('3x3'), 384, strided), conv(three, layer('3x3dbl_3'), 96, strided), halve(x));
  };
  const mixed6 = (x: Features<T>, name: string, width: number) => {
    const layer = layersOf(name);
    let seven = conv(conv(x, layer('7x7_1'), width), layer('7x7_2'), width, { kernel: [1, 7] });
    seven = conv(seven, layer('7x7_3'), 192, { kernel: [7, 1] });
    let twice = conv(conv(x, layer('7x7dbl_1'), width), layer('7x7dbl_2'), width, { kernel: [7, 1] });
    twice = conv(twice, layer('7x7dbl_3'), width, { kernel: [1, 7] });
    twice = conv(twice, layer('7x7dbl_4'), width, { kernel: [7, 1] });
    twice = conv(twice, layer('7x7dbl_5'), 192, { kernel: [1, 7] });
    return join(conv(x, layer('1x1'), 192), seven, twice, conv(average(x), layer('_pool'), 192));
  };
  const mixed7a = (x: Features<T>) => {
    const layer = layersOf('Mixed_7a');
    const three = conv(conv(x, layer('3x3_1'), 192), layer('3x3_2'), 320, strided);
    let seven = conv(conv(x, layer('7x7x3_1'), 192), layer('7x7x3_2'), 192, { kernel: [1, 7] });
    seven = conv(seven, layer('7x7x3_3'), 192, { kernel: [7, 1] });
    return join(three, conv(seven, layer('7x7x3_4'), 192, strided), halve(x));
  };
  const mixed7 = (x: Features<T>, name: string, pool: (x: Features<T>) => Features<T>) => {
    const layer = layersOf(name);
    const fork = (from: Features<T>, a: string, b: string) =>
      join(conv(from, layer(a), 384, { kernel: [1, 3] }), conv(from, layer(b), 384, { kernel: [3, 1] }));
    const twice = conv(conv(x, layer('3x3dbl_1'), 448), layer('3x3dbl_2'), 384, { kernel: 3 });
    return join(
      conv(x, layer('1x1'), 320),
      fork(conv(x, layer('3x3_1'), 384), '3x3_2a', '3x3_2b'),
      fork(twice, '3x3dbl_3a', '3x3dbl_3b'),
      conv(pool(x), layer('_pool'), 192),
    );
  };

  let x = conv({ x: images, channels: 3 }, 'Conv2d_1a_3x3', 32, strided);
  x = conv(x, 'Conv2d_2a_3x3', 32, { kernel: 3, padding: 0 });
  x = halve(conv(x, 'Conv2d_2b_3x3', 64, { kernel: 3 }));
  const mean64 = mean(x);
  x = conv(x, 'Conv2d_3b_1x1', 80);
  x = halve(conv(x, 'Conv2d_4a_3x3', 192, { kernel: 3, padding: 0 }));
  const mean192 = mean(x);
  x = mixed5(x, 'Mixed_5b', 32);
  x = mixed5(x, 'Mixed_5c', 64);
  x = mixed5(x, 'Mixed_5d', 64);
  x = mixed6a(x);
  x = mixed6(x, 'Mixed_6b', 128);
  x = mixed6(x, 'Mixed_6c', 160);
  x = mixed6(x, 'Mixed_6d', 160);
  x = mixed6(x, 'Mixed_6e', 192);
  const mean768 = mean(x);
  x = mixed7a(x);
  x = mixed7(x, 'Mixed_7b', average);
  x = mixed7(x, 'Mixed_7c', maximum);
  const mean2048 = mean(x);
  const logits = ops.linear(mean2048, 'fc', { in: x.channels, out: CLASSES });
  return { means: { 64: mean64, 192: mean192, 768: mean768, 2048: mean2048 }, logits };
}

/** Halves the size. */
const strided = { kernel: 3, stride: 2, padding: 0 } as const;

const layersOf = (block: string) => (branch: string) => `${block}.branch${branch}`;
