import type { PickleValue } from './pickle.js';
import type { Dtype, Tensor } from './tensor.js';

/** Type and shape of a tensor that need not be in memory. */
export interface TensorInfo {
  readonly dtype: Dtype;
  readonly shape: readonly number[];
}

/** A container of named tensors, opened: what it holds is known, and no element in memory but those within a pickle. */
export interface TensorFile {
  /** What kind of file it is, in words. */
  readonly format: string;
  /** In the order of the file. */
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  /** Of a pickle: all that it holds. */
  readonly pickled?: PickleValue;
  /** The elements of these, which the file must have; memory they share in the file is read once. */
  read(names: Iterable<string>): ReadonlyMap<string, Tensor>;
}
