import { hasTensors } from './family.js';

/** Tensors by their names. */
type Named = Parameters<ReturnType<typeof hasTensors>>[0];

/** First and last layers of FID's Inception-v3, by their names in torchvision and in NVIDIA's files. */
const torchvision = hasTensors('Conv2d_1a_3x3.conv.weight', 'Mixed_7c.branch_pool.conv.weight');
export const isNvidiasInception = hasTensors('layers.conv.weight', 'layers.mixed_10.tower_2_conv.weight');

export const isInception = (file: Named): boolean => torchvision(file) || isNvidiasInception(file);

/** DINOv2's vision transformer by its original names, and by those of transformers. */
export const isOriginalDino = hasTensors('cls_token', 'blocks.0.ls1.gamma', 'norm.weight');
const transformers = hasTensors(
  'embeddings.cls_token',
  'encoder.layer.0.layer_scale1.lambda1',
  'layernorm.weight',
);

export const isDino = (file: Named): boolean => isOriginalDino(file) || transformers(file);
