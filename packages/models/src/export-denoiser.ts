import type { Checkpoint } from './edm-checkpoint.js';
import { edmDenoiser, edmNetwork } from './edm-denoiser.js';
import { type EncodedOnnx, encodeOnnx } from './onnx-model.js';
import { OnnxOps } from './onnx-ops.js';

/** What a caller must know of a denoiser graph; plain JSON, to be kept beside it. */
export interface DenoiserInfo {
  readonly channels: number;
  readonly resolution: number;
  /** Number of classes; 0: unconditional, and the graph has no input `class_labels`. */
  readonly labelDim: number;
  /** Range of σ to sample over, in data units. */
  readonly sigmaMin: number;
  readonly sigmaMax: number;
  /** Whether there is an output `bottleneck`. */
  readonly bottleneck: boolean;
}

export interface ExportedDenoiser extends EncodedOnnx {
  readonly info: DenoiserInfo;
}

/**
 * Writes a checkpoint's denoiser D(x; σ) as an ONNX graph of float32, preconditioning inside, any batch size n.
 *
 * - Inputs: `x` [n, C, R, R] in data units; `sigma` [n]; with classes `class_labels` [n, L], one-hot, zeros for none.
 * - Outputs: `denoised` [n, C, R, R]; `bottleneck` [n, 8, 8], mean over channels of the last 8×8 encoder block's
 *   output, where the network has that level (AMED-Solver's predictor reads it, arXiv:2312.00094, section 3.3).
 * - Weights of more than 2 GiB come as `external`, a file to be written beside the graph under its name.
 */
export function exportDenoiser(checkpoint: Checkpoint): ExportedDenoiser {
  const { network, sigmaData, sigmaMin, sigmaMax, weights } = checkpoint;
  const { img_resolution: resolution, in_channels: channels, label_dim: labelDim } = network;
  const ops = new OnnxOps(weights);
  const { denoised, bottleneck } = edmDenoiser(ops, edmNetwork(network), sigmaData, {
    x: ops.input('x', [channels, resolution, resolution]),
    sigma: ops.input('sigma', []),
    labels: labelDim > 0 ? ops.input('class_labels', [labelDim]) : undefined,
  });
  return {
    ...encodeOnnx(ops.model({ denoised, ...(bottleneck && { bottleneck }) })),
    info: { channels, resolution, labelDim, sigmaMin, sigmaMax, bottleneck: bottleneck !== undefined },
  };
}
