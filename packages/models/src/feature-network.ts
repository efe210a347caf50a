import type { InceptionCheckpoint } from './checkpoints/inception-checkpoint.js';
import { INCEPTION_SIZE, inception } from './networks/inception.js';
import { type EncodedOnnx, encodeOnnx } from './onnx/onnx-model.js';
import { type GraphValue, OnnxOps } from './onnx/onnx-ops.js';

/**
 * How images come to the network's size and range.
 *
 * - `tensorflow`: as the original FID, its port torch-fidelity and EDM's do. A pixel lies in the upper left corner of its
 *   square; then (v − 128)/128.
 * - `pytorch`: as pytorch-fid does. A pixel lies in the middle of its square; then 2v/255 − 1.
 *
 * Both interpolate linearly between four pixels, even where images become smaller. The figures of one can't be compared
 * with the other's.
 */
export type FeatureResize = 'tensorflow' | 'pytorch';

interface FeatureNetworkSettings {
  /** `tensorflow` by default. */
  readonly resize?: FeatureResize;
  /**
   * Adds as outputs what the network sees, `resized` [n, 3, 299, 299], and the means of other feature maps: `features_64`
   * and `features_192` after the two max pools, `features_768` after Mixed_6e.
   */
  readonly parts?: boolean;
}

/**
 * Writes FID's feature network as an ONNX graph of float32, resizing inside, any batch size n.
 *
 * - Input: `images` [n, 3, height, width] of any size, values 0…255.
 * - Outputs: `features` [n, 2048], the means of the last feature map; `logits` [n, 1008].
 */
export function exportFeatureNetwork(
  { weights }: InceptionCheckpoint,
  { resize = 'tensorflow', parts = false }: FeatureNetworkSettings = {},
): EncodedOnnx {
  const ops = new OnnxOps(weights);
  const images = ops.images('images', 3, INCEPTION_SIZE, { centres: resize === 'pytorch' });
  const resized = ops.affine(images, resize === 'pytorch' ? 2 / 255 : 1 / 128, -1);
  const { means, logits } = inception(ops, resized);
  const outputs: Record<string, GraphValue> = { features: means[2048], logits };
  if (parts)
    Object.assign(outputs, {
      resized,
      features_64: means[64],
      features_192: means[192],
      features_768: means[768],
    });
  return encodeOnnx(ops.model(outputs));
}
