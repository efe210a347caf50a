import type { Ops } from './ops.js';

/** What a network sees: the scaled image, the noise level as it wants it, and one-hot classes where it has them. */
export interface NetworkInputs<T> {
  readonly x: T;
  readonly noise: T;
  readonly labels?: T | undefined;
  /** Augmentation of the training images; left out when sampling, which stands for none. */
  readonly augment?: T | undefined;
  /** Tokens that the network attends to; read where it has cross attention. */
  readonly context?: T | undefined;
}

interface NetworkOutputs<T> {
  readonly output: T;
  /** Output of the last 8×8 encoder block; undefined where the network has no such level. */
  readonly bottleneck: T | undefined;
}

/** A network under one interpretation of its operations. */
export type NetworkOver<T> = (ops: Ops<T>, inputs: NetworkInputs<T>) => NetworkOutputs<T>;

/** A network under any interpretation of its operations. */
export type Network = <T>(ops: Ops<T>, inputs: NetworkInputs<T>) => NetworkOutputs<T>;

/** Frequencies from 1 down to 1/10000 in geometric steps; `endpoint`: the last one is reached. */
export function geometricFrequencies(count: number, endpoint: boolean): number[] {
  return Array.from({ length: count }, (_, i) => 10000 ** (-i / (endpoint ? count - 1 : count)));
}
