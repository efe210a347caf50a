import { ModelError } from './errors.js';
import type { Network } from './network.js';
import type { Ops } from './ops.js';
import type { Tensors } from './tensor.js';

/** Shape of every parameter and buffer that a network reads, by name: one more interpretation of its operations. */
export function parameterShapes(network: Network): ReadonlyMap<string, readonly number[]> {
  const shapes = new Map<string, readonly number[]>();
  const nothing = () => null;
  const filter = (_: unknown, name: string, { taps }: { taps: number }) => {
    shapes.set(name, [1, 1, taps, taps]);
    return null;
  };
  const recorder: Ops<null> = {
    conv(_, name, shape) {
      shapes.set(`${name}.weight`, [shape.out, shape.in, shape.kernel, shape.kernel]);
      shapes.set(`${name}.bias`, [shape.out]);
      return null;
    },
    linear(_, name, shape) {
      shapes.set(`${name}.weight`, [shape.out, shape.in]);
      if (shape.bias ?? true) shapes.set(`${name}.bias`, [shape.out]);
      return null;
    },
    groupNorm(_, name, { channels }) {
      shapes.set(`${name}.weight`, [channels]);
      shapes.set(`${name}.bias`, [channels]);
      return null;
    },
    outer(_, frequencies) {
      if ('name' in frequencies) shapes.set(frequencies.name, [frequencies.count]);
      return null;
    },
    downsample: filter,
    upsample: filter,
    halves: () => [null, null],
    attention: nothing,
    concat: nothing,
    channelMean: nothing,
    silu: nothing,
    sin: nothing,
    cos: nothing,
    log: nothing,
    power: nothing,
    affine: nothing,
    add: nothing,
    multiply: nothing,
  };
  network(recorder, { x: null, noise: null, labels: null, augment: null });
  return shapes;
}

/**
 * Compares weights with what the network reads.
 *
 * @throws ModelError `E_CHECKPOINT` with the lists `missing`, `unexpected` and `wrongShape` in `evidence`.
 */
export function checkParameters(weights: Tensors, shapes: ReadonlyMap<string, readonly number[]>): void {
  const missing = [...shapes.keys()].filter((name) => !Object.hasOwn(weights, name));
  const unexpected = Object.keys(weights).filter((name) => !shapes.has(name));
  const wrongShape = [...shapes].flatMap(([name, shape]) => {
    const found = Object.hasOwn(weights, name) ? weights[name]!.shape : shape;
    return `${found}` === `${shape}` ? [] : [`${name} [${found}] for [${shape}]`];
  });
  const lists = { missing, unexpected, 'wrong shape': wrongShape };
  const problems = Object.entries(lists).filter(([, names]) => names.length > 0);
  if (problems.length > 0)
    throw new ModelError(
      'E_CHECKPOINT',
      `the weights don't fit the network that the checkpoint's options describe: ${problems
        .map(([what, names]) => `${names.length} ${what}: ${names.join(', ')}`)
        .join('; ')}`,
      { missing, unexpected, wrongShape },
    );
}
