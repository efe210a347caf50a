import { ModelError } from '../errors.js';
import type { Network } from './network.js';
import type { Ops } from './ops.js';

/** Names in a message; all of them are in its evidence. */
const LISTED = 16;

/** Tensors by name, of which only the shapes are looked at. */
export type Shaped = Readonly<Record<string, { readonly shape: readonly number[] }>>;

/** Shape of every parameter and buffer that a network reads, by name. */
export const parameterShapes = (network: Network): ReadonlyMap<string, readonly number[]> =>
  recordShapes((ops) => network(ops, { x: null, noise: null, labels: null, augment: null, context: null }));

/** The same for anything written in the operations: one more interpretation of them. */
export function recordShapes(run: (ops: Ops<null>) => unknown): ReadonlyMap<string, readonly number[]> {
  const shapes = new Map<string, readonly number[]>();
  const nothing = () => null;
  const filter = (_: unknown, name: string, { taps }: { taps: number }) => {
    shapes.set(name, [1, 1, taps, taps]);
    return null;
  };
  const norm = (name: string, width: number) => {
    shapes.set(`${name}.weight`, [width]);
    shapes.set(`${name}.bias`, [width]);
    return null;
  };
  const table = (name: string, count: number, width: number) => {
    shapes.set(`${name}.weight`, [count, width]);
    return null;
  };
  const recorder: Ops<null> = {
    conv(_, name, { in: cin, out, kernel, bias = true }) {
      const [height, width] = typeof kernel === 'number' ? [kernel, kernel] : kernel;
      shapes.set(`${name}.weight`, [out, cin, height, width]);
      if (bias) shapes.set(`${name}.bias`, [out]);
      return null;
    },
    linear(_, name, shape) {
      shapes.set(`${name}.weight`, [shape.out, shape.in]);
      if (shape.bias ?? true) shapes.set(`${name}.bias`, [shape.out]);
      return null;
    },
    groupNorm: (_, name, { channels }) => norm(name, channels),
    batchNorm(_, name, { channels }) {
      for (const statistic of ['running_mean', 'running_var']) shapes.set(`${name}.${statistic}`, [channels]);
      return norm(name, channels);
    },
    layerNorm: (_, name, { width }) => norm(name, width),
    embedding: (_, name, { count, width }) => table(name, count, width),
    nearestRow: (_, name, { count, width }) => ({ row: table(name, count, width), number: null }),
    lookup: (_, name, { count, width }) => table(name, count, width),
    parameter(name, shape) {
      shapes.set(name, shape);
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
    attend: nothing,
    tokens: nothing,
    featureMap: nothing,
    enlarge: nothing,
    shrink: nothing,
    maxPool: nothing,
    averagePool: nothing,
    prependMean: nothing,
    first: nothing,
    groupMean: nothing,
    leading: nothing,
    total: nothing,
    softmax: nothing,
    sigmoid: nothing,
    clamp: nothing,
    nearestIndex: nothing,
    concat: nothing,
    channelMean: nothing,
    relu: nothing,
    silu: nothing,
    gelu: nothing,
    sin: nothing,
    cos: nothing,
    log: nothing,
    power: nothing,
    affine: nothing,
    interpolate: nothing,
    add: nothing,
    multiply: nothing,
  };
  run(recorder);
  return shapes;
}

/**
 * Compares weights with what the network reads.
 *
 * @throws ModelError `E_CHECKPOINT` with the lists `missing`, `unexpected` and `wrongShape` in `evidence`.
 */
export function checkParameters(weights: Shaped, shapes: ReadonlyMap<string, readonly number[]>): void {
  const missing = [...shapes.keys()].filter((name) => !Object.hasOwn(weights, name));
  const unexpected = Object.keys(weights).filter((name) => !shapes.has(name));
  const wrongShape = [...shapes].flatMap(([name, shape]) => {
    const found = Object.hasOwn(weights, name) ? weights[name]!.shape : shape;
    return sameShape(found, shape) ? [] : [`${name} [${found}] for [${shape}]`];
  });
  const lists = { missing, unexpected, 'wrong shape': wrongShape };
  const problems = Object.entries(lists).filter(([, names]) => names.length > 0);
  if (problems.length > 0)
    throw new ModelError(
      'E_CHECKPOINT',
      `the weights don't fit the network that the checkpoint's options describe: ${problems
        .map(([what, names]) => `${names.length} ${what}: ${listed(names)}`)
        .join('; ')}`,
      { missing, unexpected, wrongShape },
    );
}

/** The first of them; a message about a file of another kind would name a thousand. */
const listed = (names: readonly string[]): string =>
  [...names.slice(0, LISTED), ...(names.length > LISTED ? ['…'] : [])].join(', ');

/** A layer that sees one position at a time is stored as [out, in], [out, in, 1] or [out, in, 1, 1]: the same numbers. */
function sameShape(found: readonly number[], shape: readonly number[]): boolean {
  const withoutOnes = (sizes: readonly number[]) =>
    `${sizes.slice(0, 2)},${sizes.slice(2).filter((n) => n !== 1)}`;
  return withoutOnes(found) === withoutOnes(shape);
}
