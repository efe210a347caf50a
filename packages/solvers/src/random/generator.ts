/** Random numbers in the order in which PyTorch draws them, each draw going on from the last; all are float32 values. */
export interface Generator {
  /** [size] uniform in [0, 1). */
  rand(size: number): Float64Array;
  /** [size] standard normal. */
  randn(size: number): Float64Array;
  /** [size] integers in [0, high), high ≤ 2³². */
  randint(high: number, size: number): Float64Array;
}

/** A generator of PyTorch's by its seed: `torchCpu`, `torchCuda`, or one with other options. */
export type Rng = (seed: number) => Generator;
