import type { Extent, WindowShape } from './ops.js';

type Pair = readonly [height: number, width: number];

/** A window with its defaults filled in, and the height and width of what it makes of a feature map. */
export function windowOf({ kernel: given, padding, stride = 1 }: WindowShape, [height, width]: Pair) {
  const kernel = pairOf(given);
  const around = padding === undefined ? halvesOf(kernel) : pairOf(padding);
  const places = (n: number, axis: 0 | 1) => Math.floor((n + 2 * around[axis] - kernel[axis]) / stride) + 1;
  const size: Pair = [places(height, 0), places(width, 1)];
  return { kernel, padding: around, stride, size };
}

const pairOf = (extent: Extent): Pair => (typeof extent === 'number' ? [extent, extent] : extent);

const halvesOf = ([height, width]: Pair): Pair => [Math.floor(height / 2), Math.floor(width / 2)];
