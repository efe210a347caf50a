import { readFileSync } from 'node:fs';
import { readSafetensors } from './files/safetensors.js';
import { sizeOf, type Tensors } from './files/tensor.js';

type Shapes = Readonly<Record<string, readonly number[]>>;

/** Sizes of a network of DINOv2's form. */
export interface DinoSizes {
  readonly width: number;
  readonly layers: number;
  readonly mlp: number;
  readonly gated?: boolean;
}

const layer = (name: string, out: number, from?: number): Shapes => ({
  [`${name}.weight`]: from === undefined ? [out] : [out, from],
  [`${name}.bias`]: [out],
});

const inBlocks = (start: string, layers: number, block: Shapes): Shapes =>
  Object.fromEntries(
    Array.from({ length: layers }, (_, i) =>
      Object.entries(block).map(([name, shape]) => [`${start}.${i}.${name}`, shape] as const),
    ).flat(),
  );

/** Names and shapes as the original files have them. */
export const originalShapes = ({ width, layers, mlp, gated }: DinoSizes): Shapes => ({
  cls_token: [1, 1, width],
  pos_embed: [1, 1370, width],
  mask_token: [1, width],
  'patch_embed.proj.weight': [width, 3, 14, 14],
  'patch_embed.proj.bias': [width],
  ...inBlocks('blocks', layers, {
    ...layer('norm1', width),
    ...layer('attn.qkv', 3 * width, width),
    ...layer('attn.proj', width, width),
    'ls1.gamma': [width],
    ...layer('norm2', width),
    ...(gated ? layer('mlp.w12', 2 * mlp, width) : layer('mlp.fc1', mlp, width)),
    ...(gated ? layer('mlp.w3', width, mlp) : layer('mlp.fc2', width, mlp)),
    'ls2.gamma': [width],
  }),
  ...layer('norm', width),
});

/** The same by the names of transformers. */
export const huggingFaceShapes = ({ width, layers, mlp, gated }: DinoSizes): Shapes => ({
  'embeddings.cls_token': [1, 1, width],
  'embeddings.mask_token': [1, width],
  'embeddings.position_embeddings': [1, 1370, width],
  'embeddings.patch_embeddings.projection.weight': [width, 3, 14, 14],
  'embeddings.patch_embeddings.projection.bias': [width],
  ...inBlocks('encoder.layer', layers, {
    ...layer('norm1', width),
    ...layer('attention.attention.query', width, width),
    ...layer('attention.attention.key', width, width),
    ...layer('attention.attention.value', width, width),
    ...layer('attention.output.dense', width, width),
    'layer_scale1.lambda1': [width],
    ...layer('norm2', width),
    ...(gated ? layer('mlp.weights_in', 2 * mlp, width) : layer('mlp.fc1', mlp, width)),
    ...(gated ? layer('mlp.weights_out', width, mlp) : layer('mlp.fc2', width, mlp)),
    'layer_scale2.lambda1': [width],
  }),
  ...layer('layernorm', width),
});

/** Those of fixtures/dino.py. */
export const tiny = {
  plain: { width: 128, layers: 2, mlp: 512 },
  gated: { width: 128, layers: 1, mlp: 344, gated: true },
} as const satisfies Record<string, DinoSizes>;

export const tinyFigures = readSafetensors(
  readFileSync(new URL('../fixtures/dino-tiny.io.safetensors', import.meta.url)),
);

/** h(i, L) of i < count, an unsigned integer of 32 bits. */
function* mixed(count: number, L: number): Generator<number> {
  for (let i = 0; i < count; i++) {
    let k = (i + Math.imul(L, 0x9e3779b1)) >>> 0;
    k = Math.imul(k ^ (k >>> 16), 0x85ebca6b);
    k = Math.imul(k ^ (k >>> 13), 0xc2b2ae35);
    yield (k ^ (k >>> 16)) >>> 0;
  }
}

/** The weights of one of them by the original names. */
export const tinyWeights = (sizes: DinoSizes): Tensors =>
  Object.fromEntries(
    Object.entries(originalShapes(sizes)).map(([name, shape], number) => {
      const scale = name.endsWith('weight') ? Math.sqrt(3 / sizeOf(shape.slice(1))) : 1;
      const isFactor = name.endsWith('gamma') || (name.includes('norm') && name.endsWith('weight'));
      const drawn = (u: number) => {
        if (isFactor) return 0.5 + u;
        return shape.length === 1 ? 0.2 * (2 * u - 1) : (2 * u - 1) * scale;
      };
      const data = Float32Array.from(mixed(sizeOf(shape), number), (h) => drawn(h / 2 ** 32));
      return [name, { dtype: 'F32', shape, data }];
    }),
  );

/** The same by the names of transformers, where queries, keys and values are apart. */
export function byHuggingFace(weights: Tensors, sizes: DinoSizes): Tensors {
  const renamed: readonly (readonly [RegExp, string])[] = [
    [/^cls_token$/, 'embeddings.cls_token'],
    [/^mask_token$/, 'embeddings.mask_token'],
    [/^pos_embed$/, 'embeddings.position_embeddings'],
    [/^patch_embed\.proj/, 'embeddings.patch_embeddings.projection'],
    [/^norm\./, 'layernorm.'],
    [/^blocks/, 'encoder.layer'],
    [/attn\.proj/, 'attention.output.dense'],
    [/ls(\d)\.gamma/, 'layer_scale$1.lambda1'],
    [/mlp\.w12/, 'mlp.weights_in'],
    [/mlp\.w3/, 'mlp.weights_out'],
  ];
  const name = (own: string) => renamed.reduce((one, [from, to]) => one.replace(from, to), own);
  return Object.fromEntries(
    Object.entries(weights).flatMap(([own, tensor]) => {
      if (!own.includes('.qkv.')) return [[name(own), tensor]];
      const data = tensor.data as Float32Array;
      return ['query', 'key', 'value'].map((part, i) => [
        name(own).replace('attn.qkv', `attention.attention.${part}`),
        {
          dtype: 'F32',
          shape: [sizes.width, ...tensor.shape.slice(1)],
          data: data.slice((i * data.length) / 3, ((i + 1) * data.length) / 3),
        },
      ]);
    }),
  );
}

/** Heights and widths of its images. */
export const tinyImages = [
  [40, 56],
  [300, 250],
  [224, 224],
  [512, 100],
  [1, 3],
] as const;

/** One of them [3, height, width], of bytes. */
export function tinyImage(number: number): Float32Array {
  const [height, width] = tinyImages[number]!;
  return Float32Array.from(mixed(3 * height * width, 1000 + number), (h) => h >>> 24);
}
