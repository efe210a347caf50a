import type { Tensor, Tensors } from '@fewstep/models';

/** A weight of the golden network, and what it is drawn for. */
export interface WeightKey {
  readonly key: string;
  readonly shape: readonly number[];
  readonly kind: string;
  /** Number of the tensor in the formula; counters have none. */
  readonly L?: number;
}

/** Elements by the golden figures' formula: from u in 0…1, and how many inputs an output has. */
const scales: Readonly<Record<string, (u: number, fanIn: number) => number>> = {
  conv: (u, fanIn) => (2 * u - 1) * Math.sqrt(6 / fanIn),
  bn_weight: (u) => 0.8 + 0.4 * u,
  bn_bias: (u) => 0.2 * (2 * u - 1),
  bn_mean: (u) => 0.2 * (2 * u - 1),
  bn_var: (u) => 0.6 + 0.8 * u,
  fc_weight: (u) => (2 * u - 1) * Math.sqrt(3 / 2048),
  fc_bias: (u) => 0.2 * (2 * u - 1),
};

/** The golden network's state dict. @throws where a key is of a kind that has no formula */
export function weightsByFormula(keys: readonly WeightKey[]): Tensors {
  return Object.fromEntries(keys.map((one) => [one.key, weightByFormula(one)]));
}

function weightByFormula({ key, shape, kind, L }: WeightKey): Tensor {
  if (L === undefined) return { dtype: 'I64', shape, data: new BigInt64Array(1) };
  const scale = scales[kind];
  if (!scale) throw new Error(`${key} is of kind "${kind}", which no formula is known for`);
  const [, ...inputs] = shape;
  const fanIn = inputs.reduce((product, n) => product * n, 1);
  const size = shape.reduce((product, n) => product * n, 1);
  return {
    dtype: 'F32',
    shape,
    data: Float32Array.from({ length: size }, (_, i) => scale(hash(i, L) / 2 ** 32, fanIn)),
  };
}

/** h(i, L), an unsigned 32-bit integer. */
export function hash(i: number, L: number): number {
  let k = (i + Math.imul(L, 0x9e3779b1)) >>> 0;
  k = Math.imul(k ^ (k >>> 16), 0x85ebca6b);
  k = Math.imul(k ^ (k >>> 13), 0xc2b2ae35);
  return (k ^ (k >>> 16)) >>> 0;
}
