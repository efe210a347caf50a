import { InferenceSession, Tensor } from 'onnxruntime-node';
import { ModelError } from './errors.js';
import type { DenoiserInfo } from './export-denoiser.js';

/** A batch to denoise. */
export interface DenoiserRequest {
  /** [n × C·R·R], data units, sample after sample. */
  readonly x: Float64Array;
  /** Noise level in data units: one for all, or [n]. */
  readonly sigma: number | Float64Array;
  /** [n] classes; null, or no list at all: without class. */
  readonly labels?: readonly (number | null)[];
}

export interface DenoiserResult {
  /** D(x; σ), as `x`. */
  readonly denoised: Float64Array;
  /** [n × 64]; empty where the network has none. */
  readonly bottleneck: Float64Array;
}

/** A denoiser that is ready to run. */
export interface LoadedDenoiser {
  readonly info: DenoiserInfo;
  /** Each sample's result depends on that sample alone, bit for bit: neither on n nor on its place in the batch. */
  evaluate(request: DenoiserRequest): Promise<DenoiserResult>;
  close(): Promise<void>;
}
