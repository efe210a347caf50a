import { checkpointFault } from '../errors.js';
import type { Network } from './network.js';
import type { Ops, TableShape } from './ops.js';

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
  const set = (name: string, shape: readonly number[]) => {
    shapes.set(name, shape);
    return null;
  };
  const affine = (name: string, shape: readonly number[], bias = true) => {
    set(`${name}.weight`, shape);
    return bias ? set(`${name}.bias`, shape.slice(0, 1)) : null;
  };
  const table = (name: string, { count, width }: TableShape) => set(`${name}.weight`, [count, width]);
  const filter = (_: unknown, name: string, { taps }: { taps: number }) => set(name, [1, 1, taps, taps]);
  const reading = {
    conv: (_, name, { in: cin, out, kernel, bias }) =>
      affine(name, [out, cin, ...(typeof kernel === 'number' ? [kernel, kernel] : kernel)], bias),
    linear: (_, name, { in: cin, out, bias }) => affine(name, [out, cin], bias),
    groupNorm: (_, name, { channels }) => affine(name, [channels]),
    batchNorm(_, name, { channels }) {
      for (const statistic of ['running_mean', 'running_var']) set(`${name}.${statistic}`, [channels]);
      return affine(name, [channels]);
    },
    layerNorm: (_, name, { width }) => affine(name, [width]),
    embedding: (_, name, shape) => table(name, shape),
    nearestRow: (_, name, shape) => ({ row: table(name, shape), number: null }),
    lookup: (_, name, shape) => table(name, shape),
    parameter: set,
    prepend: (_, name, width) => set(name, [width]),
    outer: (_, frequencies) => ('name' in frequencies ? set(frequencies.name, [frequencies.count]) : null),
    downsample: filter,
    upsample: filter,
    halves: () => [null, null],
  } satisfies Partial<Ops<null>>;
  const nothing = () => null; // the other operations read no parameter
  run(new Proxy({} as Ops<null>, { get: (_, name) => Reflect.get(reading, name) ?? nothing }));
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
    throw checkpointFault(
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
