import type { AttentionShape, ConvShape, GroupNormShape, Ops } from './ops.js';

/**
 * The operations that a classifier applies to its image. A second argument of `add` or `multiply` that depends on the
 * image has the shape of the first.
 */
export type Differentiable<T> = Pick<
  Ops<T>,
  | 'conv'
  | 'groupNorm'
  | 'attention'
  | 'enlarge'
  | 'shrink'
  | 'prependMean'
  | 'first'
  | 'silu'
  | 'add'
  | 'multiply'
  | 'parameter'
>;

/**
 * Adjoints of those whose adjoint is no operation itself. Each takes the cotangent of the result and gives
 * that of `x`, the input it was computed from.
 */
export interface Adjoints<T> {
  convAdjoint(cotangent: T, x: T, name: string, shape: ConvShape): T;
  attentionAdjoint(cotangent: T, x: T, shape: AttentionShape): T;
  prependMeanAdjoint(cotangent: T, x: T): T;
  firstAdjoint(cotangent: T, x: T): T;
}

/** A value and, where it depends on the input that is differentiated by, its place on the tape. */
export interface Traced<T> {
  readonly value: T;
  readonly step?: Step<T>;
}

/** Passes a cotangent on to what a value was computed from. */
interface Step<T> {
  cotangent?: T;
  readonly pass: (cotangent: T) => void;
}

/**
 * Runs `f` at `x` and gives, with its value, the map from a cotangent c of the value to c·∂f/∂x: reverse mode, written
 * in the operations that `f` is written in. So an interpretation that emits a graph emits the gradient too.
 *
 * What `f` takes from outside is constant: `{ value }`.
 */
export function pullback<T>(
  ops: Ops<T> & Adjoints<T>,
  f: (ops: Differentiable<Traced<T>>, x: Traced<T>) => Traced<T>,
  x: T,
): { readonly value: T; pull(cotangent: T): T } {
  const tape: Step<T>[] = [];
  const input: Step<T> = { pass: () => {} };
  const result = f(reverseOps(ops, tape), { value: x, step: input });
  return {
    value: result.value,
    pull(cotangent) {
      for (const step of [input, ...tape]) delete step.cotangent;
      if (result.step) result.step.cotangent = cotangent;
      for (const step of tape.toReversed()) if (step.cotangent !== undefined) step.pass(step.cotangent);
      if (input.cotangent === undefined)
        throw new TypeError('the value does not depend on what it is differentiated by');
      return input.cotangent;
    },
  };
}

/** The adjoint of one input: from the cotangent of the result to that of the input. */
type Rule<T> = readonly [input: Traced<T>, adjoint: (cotangent: T) => T];

function reverseOps<T>(ops: Ops<T> & Adjoints<T>, tape: Step<T>[]): Differentiable<Traced<T>> {
  const record = (value: T, ...rules: readonly Rule<T>[]): Traced<T> => {
    const onward = rules.flatMap(([{ step }, adjoint]) => (step ? [{ step, adjoint }] : []));
    if (onward.length === 0) return { value };
    const pass = (cotangent: T) => {
      for (const { step, adjoint } of onward) {
        const part = adjoint(cotangent);
        step.cotangent = step.cotangent === undefined ? part : ops.add(step.cotangent, part);
      }
    };
    const step: Step<T> = { pass };
    tape.push(step);
    return { value, step };
  };
  const normAdjoint = (g: T, x: T, name: string, { channels, groups, eps }: GroupNormShape) => {
    const mean = (y: T) => ops.groupMean(y, groups);
    const minus = (y: T, z: T) => ops.add(y, ops.affine(z, -1, 0));
    const centred = minus(x, mean(x));
    const scale = ops.power(ops.affine(mean(ops.multiply(centred, centred)), 1, eps), -0.5);
    const normed = ops.multiply(centred, scale);
    const weighted = ops.multiply(g, ops.parameter(`${name}.weight`, [channels]));
    const along = ops.multiply(normed, mean(ops.multiply(weighted, normed)));
    return ops.multiply(minus(minus(weighted, mean(weighted)), along), scale);
  };
  const siluAdjoint = (g: T, x: T) => {
    // s + x s (1 − s)
    const s = ops.sigmoid(x);
    const bent = ops.multiply(x, ops.affine(s, -1, 1));
    return ops.multiply(g, ops.multiply(s, ops.affine(bent, 1, 1)));
  };
  return {
    conv: (x, name, shape) =>
      record(ops.conv(x.value, name, shape), [x, (g) => ops.convAdjoint(g, x.value, name, shape)]),
    groupNorm: (x, name, shape) =>
      record(ops.groupNorm(x.value, name, shape), [x, (g) => normAdjoint(g, x.value, name, shape)]),
    attention: (x, shape) =>
      record(ops.attention(x.value, shape), [x, (g) => ops.attentionAdjoint(g, x.value, shape)]),
    enlarge: (x) => record(ops.enlarge(x.value), [x, (g) => ops.affine(ops.shrink(g), 4, 0)]),
    shrink: (x) => record(ops.shrink(x.value), [x, (g) => ops.affine(ops.enlarge(g), 1 / 4, 0)]),
    prependMean: (x) => record(ops.prependMean(x.value), [x, (g) => ops.prependMeanAdjoint(g, x.value)]),
    first: (x) => record(ops.first(x.value), [x, (g) => ops.firstAdjoint(g, x.value)]),
    silu: (x) => record(ops.silu(x.value), [x, (g) => siluAdjoint(g, x.value)]),
    add: (x, y) => record(ops.add(x.value, y.value), [x, (g) => g], [y, (g) => g]),
    multiply: (x, y) =>
      record(
        ops.multiply(x.value, y.value),
        [x, (g) => ops.multiply(g, y.value)],
        [y, (g) => ops.multiply(g, x.value)],
      ),
    parameter: (name, shape) => ({ value: ops.parameter(name, shape) }),
  };
}
