import type { Checkpoint } from './checkpoints/checkpoint.js';
import { checkpointFault } from './errors.js';
import type { Tensors } from './files/tensor.js';
import { denoise, type Guide } from './networks/preconditioning.js';
import { OnnxAdjoints } from './onnx/onnx-adjoints.js';
import { type EncodedOnnx, encodeOnnx } from './onnx/onnx-model.js';
import type { GraphValue } from './onnx/onnx-ops.js';

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
  /** Where the network is told one: the shape of the input `condition`. */
  readonly condition?: Condition;
  /** The only number of samples that the graph takes at once, where it doesn't take any. */
  readonly batch?: number;
  /** Descending levels that the network was trained at, where it knows no others: `roundSigma` goes to one of them. */
  readonly noiseLevels?: readonly number[];
  /** ᾱ_1 down to ᾱ_M of training, where the network knows others, too. */
  readonly alphasCumprod?: readonly number[];
}

/** What a denoiser is told beside the noise level: encoded tokens, [positions, width] for each sample. */
export interface Condition {
  readonly positions: number;
  readonly width: number;
}

/** A denoiser as ONNX, with what its callers must know. */
export interface ExportedDenoiser extends EncodedOnnx {
  readonly info: DenoiserInfo;
}

interface ExportSettings {
  /** Factor on the classifier's gradient, ∇ log p(y | z); 0, unguided, by default. */
  readonly guidanceRate?: number;
  /**
   * Adds what D is made of as outputs: `raw` [n, k, R, R], all channels of the network's output; where a classifier
   * guides, `logits` [n, L] and `classifier_grad` [n, C, R, R] at z = c_in x; where D is clamped, `unclamped`.
   */
  readonly parts?: boolean;
}

/** Parameters of the classifier are kept under their names with this before them. */
const CLASSIFIER = 'classifier.';

/**
 * Writes a checkpoint's denoiser D(x; σ) as an ONNX graph of float32, preconditioning and guidance inside, any batch
 * size n.
 *
 * - Inputs: `x` [n, C, R, R] in data units; `sigma` [n]; with classes `class_labels` [n, L], one-hot, zeros for none;
 *   with prompts `condition` [n, positions, width], the text encoder's output. Latents are a latent model's data.
 * - Outputs: `denoised` [n, C, R, R]; `bottleneck` [n, 8, 8], mean over channels of what AMED-Solver's predictor reads
 *   (arXiv:2312.00094, section 3.3): the last 8×8 encoder block's output in EDM's networks, the middle block's in the
 *   others, where the network has that level.
 * - ADM: ε = F − σ c_in · rate · ∇ log p(y | z) with the classifier's exact gradient at z = c_in x (Dhariwal & Nichol
 *   2021, algorithm 2, arXiv:2105.05233), and D is clamped to −1…1. A sample without class is unguided.
 * - Weights of more than 2 GiB come as `external`, a file to be written beside the graph under its name.
 *
 * @throws ModelError `E_CHECKPOINT` when it is to be guided and has no classifier.
 */
export function exportDenoiser(
  checkpoint: Checkpoint,
  { guidanceRate = 0, parts = false }: ExportSettings = {},
): ExportedDenoiser {
  const { forward, channels, resolution, preconditioning, sigmaMin, sigmaMax, clamped } = checkpoint;
  const condition = conditionOf(checkpoint);
  const classifier = guidanceRate === 0 ? undefined : classifierOf(checkpoint, guidanceRate);
  const labelDim = classifier?.classes ?? checkpoint.classes;

  const ops = new OnnxAdjoints(allWeights(checkpoint.weights, classifier?.weights));
  const inputs = {
    x: ops.input('x', [channels, resolution, resolution]),
    sigma: ops.input('sigma', []),
    labels: labelDim > 0 ? ops.input('class_labels', [labelDim]) : undefined,
    context: condition && ops.input('condition', [condition.positions, condition.width]),
  };
  const outputs: Record<string, GraphValue> = {};
  const guide: Guide<GraphValue> | undefined =
    classifier &&
    ((output, { z, noise, scale }) => {
      const seen = { z, timestep: noise, labels: inputs.labels! };
      const { logits, gradient } = classifier.gradient(ops, seen, CLASSIFIER);
      if (parts) Object.assign(outputs, { logits, classifier_grad: gradient });
      return ops.add(output, ops.multiply(gradient, ops.affine(scale, -guidanceRate, 0)));
    });
  const { denoised, bottleneck, raw } = denoise(ops, forward, { preconditioning, channels }, inputs, guide);
  if (parts) outputs.raw = raw;
  if (parts && clamped) outputs.unclamped = denoised;
  const model = ops.model({
    denoised: clamped ? ops.clamp(denoised, -1, 1) : denoised,
    ...(bottleneck && { bottleneck }),
    ...outputs,
  });
  return {
    ...encodeOnnx(model),
    info: {
      channels,
      resolution,
      labelDim,
      sigmaMin,
      sigmaMax,
      bottleneck: bottleneck !== undefined,
      ...(condition && { condition }),
      ...(preconditioning.type === 'iddpm' && { noiseLevels: preconditioning.levels }),
      ...(preconditioning.type === 'ldm' && { alphasCumprod: preconditioning.alphasCumprod }),
    },
  };
}

function conditionOf({ textEncoder }: Checkpoint): Condition | undefined {
  if (!textEncoder) return undefined;
  const { max_position_embeddings: positions, hidden_size: width } = textEncoder.options;
  return { positions, width };
}

function classifierOf({ classifier, family }: Checkpoint, guidanceRate: number) {
  if (classifier) return classifier;
  throw checkpointFault(
    `guidance of rate ${guidanceRate} needs a classifier, and this checkpoint of family ${family} has none; ADM's is read with its classifier's file`,
    { guidanceRate, family },
  );
}

const allWeights = (weights: Tensors, classifier: Tensors = {}): Tensors => ({
  ...weights,
  ...Object.fromEntries(Object.entries(classifier).map(([name, tensor]) => [`${CLASSIFIER}${name}`, tensor])),
});
