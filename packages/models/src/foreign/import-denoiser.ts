import { onnxFault, withPath } from '../errors.js';
import type { Condition, DenoiserInfo, ExportedDenoiser } from '../export-denoiser.js';
import type { NetworkOver } from '../networks/network.js';
import { sigmaRange } from '../networks/noise-levels.js';
import { denoise, type Preconditioning } from '../networks/preconditioning.js';
import { encodeOnnx } from '../onnx/onnx-model.js';
import type { GraphValue } from '../onnx/onnx-ops.js';
import { OnnxSplice } from '../onnx/onnx-splice.js';
import { type OpenedOnnx, openOnnx, openOnnxBytes } from '../onnx/open-onnx.js';
import { type OnnxDenoiserSignature, type OnnxSignatureOptions, signatureOf } from './onnx-signature.js';

/** How the network of an ONNX file is a denoiser. */
export interface OnnxDenoiserOptions extends OnnxSignatureOptions {
  /** What the network predicts, and how noise is told to it. */
  readonly preconditioning: Preconditioning;
}

/** Of EDM's samplers; for what was trained on no table of noise levels. */
const RANGE = { sigmaMin: 0.002, sigmaMax: 80 };

/**
 * Takes the network of an ONNX file into a graph of its denoiser D(x; σ) with the inputs and outputs that
 * `exportDenoiser` gives, so that it does wherever one of those does.
 *
 * - Its operators are of opset 13 or later. Image and prediction are [n, C, R, R] of float32, float16, bfloat16 or
 *   float64; of 2·C predicted channels the latter half, a variance, is dropped.
 * - Noise is told as the input's type and rank want it: [n], [n, 1], …, or one number, then to one sample at a time.
 *   As whole numbers: the nearest time of training.
 * - Classes are told one-hot, zeros for none, or as numbers, the one after the last for none.
 * - A batch size that the file fixes is `info.batch`.
 * - Weights may be in files beside it. Those beyond 2 GiB come as `external`, as `exportDenoiser` gives them.
 * - σ ranges over the table of training where there is one, else from 0.002 to 80.
 *
 * A sample's bits may depend on the batch that it is in: that is for the file's own operators to say.
 *
 * @throws ModelError `E_ONNX`, with `path` in `evidence`, for what is no ONNX model, or no such network in it
 */
export const importDenoiser = (path: string, options: OnnxDenoiserOptions): Promise<ExportedDenoiser> =>
  withPath(path, async () => denoiserOf(openOnnx(path), options));

/** The same of bytes in memory, which must hold the weights. @throws as `importDenoiser` */
export const parseOnnxDenoiser = (bytes: Uint8Array, options: OnnxDenoiserOptions): ExportedDenoiser =>
  denoiserOf(openOnnxBytes(bytes), options);

function denoiserOf(
  { file, read }: OpenedOnnx,
  { preconditioning, ...options }: OnnxDenoiserOptions,
): ExportedDenoiser {
  const signature = signatureOf(file, options);
  const { channels, resolution, labels, batch } = signature;
  const condition = signature.condition && sizesOfCondition(signature.condition);
  const ops = new OnnxSplice(file, read, batch);
  const inputs = {
    x: ops.input('x', [channels, resolution, resolution]),
    sigma: ops.input('sigma', []),
    labels: labels && ops.input('class_labels', [labels.count]),
    context: condition && ops.input('condition', [condition.positions, condition.width]),
  };
  const network = spliced(ops, signature, wholeTimes(preconditioning));
  const { denoised, bottleneck } = denoise(ops, network, { preconditioning, channels }, inputs);
  return {
    ...encodeOnnx(ops.model({ denoised, ...(bottleneck && { bottleneck }) })),
    info: {
      channels,
      resolution,
      labelDim: labels?.count ?? 0,
      ...levelsOf(preconditioning),
      bottleneck: bottleneck !== undefined,
      ...(condition && { condition }),
      ...(batch !== undefined && { batch }),
    },
  };
}

function sizesOfCondition({
  name,
  positions,
  width,
}: NonNullable<OnnxDenoiserSignature['condition']>): Condition {
  if (positions !== undefined && width !== undefined) return { positions, width };
  const key = positions === undefined ? 'positions' : 'width';
  throw onnxFault(`its input ${name} leaves a size open: add condition.${key}`, { key: `condition.${key}` });
}

/** The file's network; `times`: how many whole numbers noise may be told as. */
function spliced(
  ops: OnnxSplice,
  { x, noise, labels, condition, resolution, output, bottleneck }: OnnxDenoiserSignature,
  times: number | undefined,
): NetworkOver<GraphValue> {
  const level = (value: GraphValue): GraphValue => {
    if (!noise.type.startsWith('int')) return value;
    if (times === undefined)
      throw onnxFault(`its input ${noise.name} is told whole numbers, and noise as it is here is none`);
    // casting cuts off what is behind the point
    return ops.affine(ops.clamp(value, 0, times - 1), 1, 0.5);
  };
  return (_, seen) => {
    const given = new Map([
      [x.name, ops.cast(seen.x, x.type)],
      [noise.name, ops.levels(ops.cast(level(seen.noise), noise.type), noise.rank)],
    ]);
    if (labels) {
      const { name, type, rank, numbers } = labels;
      const told = numbers ? ops.levels(ops.classNumbers(seen.labels!), rank) : seen.labels!;
      given.set(name, ops.cast(told, type));
    }
    if (condition) given.set(condition.name, ops.cast(seen.context!, condition.type));
    ops.splice(given);
    return {
      output: ops.taken(output.name, [output.channels, resolution, resolution]),
      bottleneck: bottleneck && ops.featureMapOf(ops.taken(bottleneck.name, []), [bottleneck.channels, 8, 8]),
    };
  };
}

/** Number of times that noise is told as, where they are whole numbers; undefined where they aren't. */
function wholeTimes(preconditioning: Preconditioning): number | undefined {
  switch (preconditioning.type) {
    case 'ldm':
      return preconditioning.alphasCumprod.length;
    case 'iddpm':
      return preconditioning.levels.length - 1;
    case 'vp':
      return preconditioning.steps;
    default:
      return undefined;
  }
}

function levelsOf(
  preconditioning: Preconditioning,
): Pick<DenoiserInfo, 'sigmaMin' | 'sigmaMax' | 'noiseLevels' | 'alphasCumprod'> {
  switch (preconditioning.type) {
    case 'ldm':
    case 'denoiser': {
      const { alphasCumprod } = preconditioning;
      return alphasCumprod ? { ...sigmaRange(alphasCumprod), alphasCumprod } : RANGE;
    }
    case 'iddpm':
      return {
        sigmaMin: preconditioning.levels.findLast((level) => level > 0) ?? RANGE.sigmaMin,
        sigmaMax: preconditioning.levels[0] ?? RANGE.sigmaMax,
        noiseLevels: preconditioning.levels,
      };
    default:
      return RANGE;
  }
}
