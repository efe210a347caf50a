import type { DinoCheckpoint } from './checkpoints/dino-checkpoint.js';
import type { FeatureCheckpoint } from './checkpoints/feature-checkpoint.js';
import type { InceptionCheckpoint } from './checkpoints/inception-checkpoint.js';
import { checkpointFault } from './errors.js';
import { DINO_SIZE, dino } from './networks/dino.js';
import { INCEPTION_SIZE, inception } from './networks/inception.js';
import { ImageOps } from './onnx/image-ops.js';
import { type EncodedOnnx, encodeOnnx } from './onnx/onnx-model.js';
import type { GraphValue } from './onnx/onnx-ops.js';

/**
 * How images come to Inception-v3's size and range.
 *
 * - `tensorflow`: as the original FID, its port torch-fidelity and NVIDIA's do, EDM's fid.py among them. A pixel lies in the
 *   upper left corner of its square; then (v − 128)/128.
 * - `pytorch`: as pytorch-fid does. A pixel lies in the middle of its square; then 2v/255 − 1.
 *
 * Both interpolate linearly between four pixels, even where images become smaller. The figures of one can't be compared
 * with the other's.
 */
export type FeatureResize = 'tensorflow' | 'pytorch';

interface FeatureNetworkSettings {
  /** Of Inception-v3 alone: `tensorflow` by default, whatever file its weights are from. */
  readonly resize?: FeatureResize;
  /**
   * Adds as outputs what the network sees, `resized` [n, 3, height, width], and of Inception-v3 its `logits` [n, 1008] and
   * the means of other feature maps: `features_64` and `features_192` after the two max pools, `features_768` after
   * Mixed_6e.
   */
  readonly parts?: boolean;
}

/**
 * Writes a feature network as an ONNX graph of float32, resizing inside, any batch size n.
 *
 * - Input: `images` [n, 3, height, width] of any size, values 0…255.
 * - Output: `features` [n, dim]. Of Inception-v3 the means of the last feature map, dim 2048. Of DINOv2 the class token after
 *   the last norm, dim 1024 of ViT-L, of images as EDM2 brings them to 224×224: by Keys' cubic with a = −1/2, filtered where
 *   they become smaller, without rounding; over 255, less ImageNet's mean, over its deviation.
 *
 * @throws ModelError `E_CHECKPOINT` where a `resize` is given for a network that has one only
 */
export function exportFeatureNetwork(
  checkpoint: FeatureCheckpoint,
  settings: FeatureNetworkSettings = {},
): EncodedOnnx {
  return checkpoint.type === 'inception'
    ? inceptionGraph(checkpoint, settings)
    : dinoGraph(checkpoint, settings);
}

function inceptionGraph(
  { weights }: InceptionCheckpoint,
  { resize = 'tensorflow', parts = false }: FeatureNetworkSettings,
): EncodedOnnx {
  const ops = new ImageOps(weights);
  const images = ops.images('images', 3, INCEPTION_SIZE, resize === 'pytorch' ? 'centres' : 'corners');
  const resized = ops.affine(images, resize === 'pytorch' ? 2 / 255 : 1 / 128, -1);
  const { means, logits } = inception(ops, resized);
  const outputs: Record<string, GraphValue> = { features: means[2048] };
  if (parts)
    Object.assign(outputs, {
      resized,
      logits,
      features_64: means[64],
      features_192: means[192],
      features_768: means[768],
    });
  return encodeOnnx(ops.model(outputs));
}

/** ImageNet's, of red, green and blue from 0 to 1. */
const IMAGENET = { mean: [0.485, 0.456, 0.406], deviation: [0.229, 0.224, 0.225] };

function dinoGraph(
  { network, weights }: DinoCheckpoint,
  { resize, parts = false }: FeatureNetworkSettings,
): EncodedOnnx {
  if (resize !== undefined)
    throw checkpointFault(
      `resize is ${resize}, and DINOv2's figures are made with one way to resize alone: leave it out`,
      { resize },
    );
  const ops = new ImageOps(weights);
  const images = ops.images('images', 3, DINO_SIZE, 'bicubic');
  const resized = ops.standardized(images, 255, IMAGENET);
  const features = dino(ops, network, resized);
  return encodeOnnx(ops.model({ features, ...(parts && { resized }) }));
}
