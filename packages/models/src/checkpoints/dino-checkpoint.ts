import { checkpointFault } from '../errors.js';
import { isOriginalDino } from '../families/feature-names.js';
import { type Tensors, toFloat32 } from '../files/tensor.js';
import type { TensorFile } from '../files/tensor-file.js';
import { DINO_SIZE, type DinoOptions, dino, dinoGrid } from '../networks/dino.js';
import { checkParameters, recordShapes, type Shaped } from '../networks/parameters.js';
import { resizedPositions } from './position-embeddings.js';
import { type Naming, shapesInFile, storedWeights } from './stored-weights.js';

/** DINOv2's vision transformer, its position embeddings those of a picture of 224×224 pixels. */
export interface DinoCheckpoint {
  readonly type: 'dinov2';
  readonly network: DinoOptions;
  readonly weights: Tensors;
}

/** Entries of an attention head, in every network that was published. */
const HEAD = 64;
/** What lies beside the weights and changes no feature: what stood for hidden patches in training. */
const BESIDE = ['mask_token', 'embeddings.mask_token'];
const POSITIONS = 'embeddings.position_embedding';

/**
 * What a file of tensors holds, by the original names (`dinov2_vitl14_pretrain.pth`) or those of Hugging Face's transformers
 * (`model.safetensors` of facebook/dinov2-large). Sizes are read off the weights: ViT-S, B, L and g, without registers.
 *
 * Position embeddings of another grid are resized as the original code does, whatever the file, since published figures are
 * made with that; transformers' own code resizes them a little otherwise.
 *
 * @throws ModelError `E_CHECKPOINT` with the lists `missing`, `unexpected` and `wrongShape`
 */
export function dinoIn(file: Pick<TensorFile, 'tensors' | 'read'>): DinoCheckpoint {
  const { network, grid, naming, names } = dinoNetwork(Object.fromEntries(file.tensors));
  const found = storedWeights(file, naming, names);
  const { hidden_size: width } = network;
  const seen = dinoGrid(network);
  const data = resizedPositions(toFloat32(found[POSITIONS]!), { from: grid, to: seen, width });
  const positions = { dtype: 'F32', shape: [1 + seen ** 2, width], data } as const;
  return { type: 'dinov2', network, weights: { ...found, [POSITIONS]: positions } };
}

/**
 * The network that weights are of, the side of their grid of positions, and where each weight of it is.
 *
 * @throws as `dinoIn`
 */
export function dinoNetwork(tensors: Shaped) {
  const names = isOriginalDino({ tensors }) ? originalNames : huggingFaceNames;
  const { network, grid } = shownDino(tensors, names);
  const { hidden_size: width } = network;
  const shapes = recordShapes((ops) => dino(ops, network, null));
  const naming: Naming = (name) => ({
    ...names(name),
    ...(name === POSITIONS && { shape: [1, 1 + grid ** 2, width] }),
    ...(name === 'embeddings.class_embedding' && { shape: [1, 1, width] }),
    ...(/layer_scale\d$/.test(name) && { shape: [width] }),
  });
  const weights = Object.entries(tensors).filter(([name]) => !BESIDE.includes(name));
  checkParameters(Object.fromEntries(weights), shapesInFile(shapes, naming));
  return { network, grid, naming, names: [...shapes.keys()] };
}

const LAYER = /^encoder\.layers\.(\d+)\.(.+?)(?:\.(weight|bias))?$/;
const thirds = ['self_attn.q_proj', 'self_attn.k_proj', 'self_attn.v_proj'];

const originalNames: Naming = (name) => {
  const [, layer, part, end] = LAYER.exec(name) ?? [];
  if (layer === undefined) return { name: replacedStart(name, originalEnds) };
  const place = thirds.indexOf(part!);
  if (place >= 0) return { name: `blocks.${layer}.attn.qkv.${end}`, third: place as 0 | 1 | 2 };
  const own = originalParts[part as keyof typeof originalParts] ?? part;
  return { name: `blocks.${layer}.${own}${end ? `.${end}` : ''}` };
};

const originalEnds = {
  'embeddings.class_embedding': 'cls_token',
  'embeddings.patch_embedding': 'patch_embed.proj',
  [POSITIONS]: 'pos_embed',
};

const originalParts = {
  layer_norm1: 'norm1',
  layer_norm2: 'norm2',
  'self_attn.out_proj': 'attn.proj',
  layer_scale1: 'ls1.gamma',
  layer_scale2: 'ls2.gamma',
} as const;

const huggingFaceNames: Naming = (name) => {
  const [, layer, part, end] = LAYER.exec(name) ?? [];
  if (layer === undefined) return { name: replacedStart(name, huggingFaceEnds) };
  const own = huggingFaceParts[part as keyof typeof huggingFaceParts] ?? part;
  return { name: `encoder.layer.${layer}.${own}${end ? `.${end}` : ''}` };
};

const huggingFaceEnds = {
  'embeddings.class_embedding': 'embeddings.cls_token',
  'embeddings.patch_embedding': 'embeddings.patch_embeddings.projection',
  [POSITIONS]: 'embeddings.position_embeddings',
  norm: 'layernorm',
};

const huggingFaceParts = {
  layer_norm1: 'norm1',
  layer_norm2: 'norm2',
  'self_attn.q_proj': 'attention.attention.query',
  'self_attn.k_proj': 'attention.attention.key',
  'self_attn.v_proj': 'attention.attention.value',
  'self_attn.out_proj': 'attention.output.dense',
  layer_scale1: 'layer_scale1.lambda1',
  layer_scale2: 'layer_scale2.lambda1',
  'mlp.w12': 'mlp.weights_in',
  'mlp.w3': 'mlp.weights_out',
} as const;

const replacedStart = (name: string, ends: Readonly<Record<string, string>>): string => {
  const [layer, end] = /^(.+)(\.(?:weight|bias))$/.exec(name)?.slice(1) ?? [name, ''];
  return `${ends[layer!] ?? layer}${end}`;
};

/** What weights show. @throws ModelError `E_CHECKPOINT` for those of no such network */
function shownDino(tensors: Shaped, naming: Naming): { network: DinoOptions; grid: number } {
  const has = (name: string) => Object.hasOwn(tensors, naming(name).name);
  const misfit = (name: string, why: string) => {
    const [own, there] = [naming(name).name, has(name)];
    return checkpointFault(
      `this is no DINOv2: ${there ? `${own} ${why}` : `it has no ${own}`}; read are dinov2_vitl14_pretrain.pth, its siblings of other sizes without registers, and the same of Hugging Face's Dinov2Model`,
      { missing: there ? [] : [own], wrongShape: there ? [own] : [] },
    );
  };
  const sizes = (name: string, rank: number) => {
    const shape = has(name) ? tensors[naming(name).name]!.shape : undefined;
    if (shape?.length === rank && shape.every((n) => n >= 1))
      return shape as readonly [number, number, number];
    throw misfit(name, `has the shape [${shape}]`);
  };
  const [width, , patch_size] = sizes('embeddings.patch_embedding.weight', 4);
  const [, positions] = sizes(POSITIONS, 3);
  const grid = Math.sqrt(positions - 1);
  if (!Number.isInteger(grid) || grid === 0)
    throw misfit(POSITIONS, `has ${positions} positions, not one and a square of patches`);
  if (DINO_SIZE % patch_size !== 0 || width % HEAD !== 0)
    throw misfit(
      'embeddings.patch_embedding.weight',
      `has patches of ${patch_size} pixels and a width of ${width}, where divisors of ${DINO_SIZE} and multiples of ${HEAD} are published`,
    );
  const use_swiglu_ffn = has('encoder.layers.0.mlp.w12.weight');
  const [rows] = sizes(`encoder.layers.0.mlp.${use_swiglu_ffn ? 'w12' : 'fc1'}.weight`, 2);
  let num_hidden_layers = 0;
  while (has(`encoder.layers.${num_hidden_layers}.layer_norm1.weight`)) num_hidden_layers++;
  return {
    grid,
    network: {
      hidden_size: width,
      intermediate_size: use_swiglu_ffn ? Math.floor(rows / 2) : rows,
      num_hidden_layers,
      num_attention_heads: width / HEAD,
      patch_size,
      use_swiglu_ffn,
    },
  };
}
