import { checkpointFault, withPath } from '../errors.js';
import type { Asked } from '../families/sources.js';
import { openTensorsAt } from '../files/state-dict.js';
import type { Tensors } from '../files/tensor.js';
import type { TensorFile } from '../files/tensor-file.js';
import type { ClipActivation } from '../networks/clip-layers.js';
import { type ClipTextOptions, clipTextEmbedding } from '../networks/clip-text-encoder.js';
import { type ClipVisionOptions, clipImageEmbedding } from '../networks/clip-vision-encoder.js';
import { checkParameters, recordShapes, type Shaped } from '../networks/parameters.js';
import { type Naming, shapesInFile, storedWeights } from './stored-weights.js';

/** What weights of CLIP don't show; of published networks what their shapes leave no doubt of is known. */
export interface ClipTold {
  /** `quick_gelu` in OpenAI's networks, `gelu` in most that OpenCLIP trained. */
  readonly activation?: ClipActivation;
  /** Attention heads of the vision encoder, and of the text encoder. */
  readonly vision_heads?: number;
  readonly text_heads?: number;
}

/** Both encoders, and how long their embeddings are. */
export interface ClipNetwork {
  readonly vision: ClipVisionOptions;
  readonly text: ClipTextOptions;
  readonly projection_dim: number;
}

/** A file of CLIP, opened: its network is known and its weights fit, and none are in memory. */
export interface ClipCheckpoint {
  readonly network: ClipNetwork;
  /** The weights of one encoder, under transformers' names. @throws ModelError `E_ZIP` when they are damaged */
  read(encoder: 'vision' | 'text'): Tensors;
  close(): void;
}

/**
 * Opens a CLIP with vision transformer, by the names of OpenCLIP and OpenAI or of Hugging Face's transformers, in any
 * format of `openStateDict`; OpenAI's TorchScript programs are among them.
 *
 * @param told what the weights don't show; comes before what is known of published networks
 * @throws ModelError as `openStateDict`; `E_CHECKPOINT`, with `path` in `evidence`, and the lists `missing`, `unexpected`
 * and `wrongShape` of weights, or `asked`: what must be told, with what it could be
 */
export async function openClipCheckpoint(path: string, told: ClipTold = {}): Promise<ClipCheckpoint> {
  const { file, close } = await openTensorsAt(path);
  try {
    const { network, read } = withPath(path, () => clipIn(file, told));
    return { network, read: (encoder) => withPath(path, () => read(encoder)), close };
  } catch (error) {
    close();
    throw error;
  }
}

/** What a file of tensors holds. @throws ModelError `E_CHECKPOINT` */
export function clipIn(
  file: Pick<TensorFile, 'tensors' | 'read'>,
  told: ClipTold,
): Omit<ClipCheckpoint, 'close'> {
  const tensors: Shaped = Object.fromEntries(file.tensors);
  const naming = Object.hasOwn(tensors, FIRST_OF_OPENCLIP) ? openClipNames : huggingFaceNames;
  const network = settled(shownClip(tensors, naming), told, isOpenAi(tensors));
  const shapes = encoderShapes(network);
  const weights = Object.entries(tensors).filter(([name]) => !BESIDE.test(name));
  checkParameters(
    Object.fromEntries(weights),
    shapesInFile(new Map([...shapes.vision, ...shapes.text]), naming),
  );
  return { network, read: (encoder) => storedWeights(file, naming, [...shapes[encoder].keys()]) };
}

const FIRST_OF_OPENCLIP = 'visual.conv1.weight';

/** What lies beside the weights and changes no embedding: a temperature, numbers of positions, a mask, sizes. */
const BESIDE =
  /^(?:logit_scale|(?:text_model|vision_model)\.embeddings\.position_ids|(?:.+\.)?attn_mask|input_resolution|context_length|vocab_size)$/;

/** OpenAI's files alone say their sizes. */
const isOpenAi = (tensors: Shaped): boolean =>
  ['input_resolution', 'context_length', 'vocab_size'].every((name) => Object.hasOwn(tensors, name));

/** By names in transformers. */
const huggingFaceNames: Naming = (name) => ({ name });

const openClipNames: Naming = (name) => {
  if (Object.hasOwn(beyondLayers, name)) return beyondLayers[name as keyof typeof beyondLayers];
  const [, encoder, layer, part, end] = LAYER.exec(name) ?? [];
  const block = `${encoder === 'vision' ? 'visual.' : ''}transformer.resblocks.${layer}`;
  const place = ['self_attn.q_proj', 'self_attn.k_proj', 'self_attn.v_proj'].indexOf(part!);
  if (place >= 0) return { name: `${block}.attn.in_proj_${end}`, third: place as 0 | 1 | 2 };
  return { name: `${block}.${parts[part as keyof typeof parts]}.${end}` };
};

const LAYER = /^(text|vision)_model\.encoder\.layers\.(\d+)\.(.+)\.(weight|bias)$/;

const parts = {
  layer_norm1: 'ln_1',
  layer_norm2: 'ln_2',
  'self_attn.out_proj': 'attn.out_proj',
  'mlp.fc1': 'mlp.c_fc',
  'mlp.fc2': 'mlp.c_proj',
} as const;

const beyondLayers = {
  'vision_model.embeddings.class_embedding': { name: 'visual.class_embedding' },
  'vision_model.embeddings.patch_embedding.weight': { name: FIRST_OF_OPENCLIP },
  'vision_model.embeddings.position_embedding.weight': { name: 'visual.positional_embedding' },
  'vision_model.pre_layrnorm.weight': { name: 'visual.ln_pre.weight' },
  'vision_model.pre_layrnorm.bias': { name: 'visual.ln_pre.bias' },
  'vision_model.post_layernorm.weight': { name: 'visual.ln_post.weight' },
  'vision_model.post_layernorm.bias': { name: 'visual.ln_post.bias' },
  'visual_projection.weight': { name: 'visual.proj', transposed: true },
  'text_model.embeddings.token_embedding.weight': { name: 'token_embedding.weight' },
  'text_model.embeddings.position_embedding.weight': { name: 'positional_embedding' },
  'text_model.final_layer_norm.weight': { name: 'ln_final.weight' },
  'text_model.final_layer_norm.bias': { name: 'ln_final.bias' },
  'text_projection.weight': { name: 'text_projection', transposed: true },
} as const satisfies Readonly<Record<string, ReturnType<Naming>>>;

/** What weights show. @throws ModelError `E_CHECKPOINT` for those of no such network */
function shownClip(tensors: Shaped, naming: Naming) {
  const has = (name: string) => Object.hasOwn(tensors, naming(name).name);
  const sizes = (name: string, rank = 2) => {
    const { name: own, transposed } = naming(name);
    const shape = has(name) ? tensors[own]!.shape : undefined;
    if (shape?.length === rank && shape.every((n) => n >= 1))
      return (transposed ? shape.toReversed() : shape) as readonly [number, number, ...number[]];
    throw checkpointFault(
      `this is no CLIP with a vision transformer: ${shape ? `${own} has the shape [${shape}]` : `it has no ${own}`}; read are OpenCLIP's and OpenAI's files, and those of Hugging Face's CLIPModel`,
      { missing: shape ? [] : [own], wrongShape: shape ? [own] : [] },
    );
  };
  const layersOf = (encoder: string, hidden_size: number) => {
    const fc1 = (layer: number) => `${encoder}.encoder.layers.${layer}.mlp.fc1.weight`;
    const [intermediate_size] = sizes(fc1(0));
    let num_hidden_layers = 0;
    while (has(fc1(num_hidden_layers))) num_hidden_layers++;
    return { hidden_size, intermediate_size, num_hidden_layers };
  };
  const [width, , patch_size] = sizes('vision_model.embeddings.patch_embedding.weight', 4);
  const places = 'vision_model.embeddings.position_embedding.weight';
  const [positions] = sizes(places);
  const side = Math.sqrt(positions - 1);
  if (!Number.isInteger(side) || side === 0)
    throw checkpointFault(
      `${naming(places).name} has ${positions} positions, which are not one and a square of patches`,
      { wrongShape: [naming(places).name] },
    );
  const [vocab_size, textWidth] = sizes('text_model.embeddings.token_embedding.weight');
  const [max_position_embeddings] = sizes('text_model.embeddings.position_embedding.weight');
  return {
    vision: { ...layersOf('vision_model', width), patch_size: patch_size!, image_size: side * patch_size! },
    text: { ...layersOf('text_model', textWidth), vocab_size, max_position_embeddings },
    projection_dim: sizes('visual_projection.weight')[0],
  };
}

type Shown = ReturnType<typeof shownClip>;

/**
 * Published networks by the width and the layers of their vision encoder, and the width of the text encoder, where all
 * that were published of these are alike. Radford et al. 2021, table 20, arXiv:2103.00020; Cherti et al. 2022,
 * arXiv:2212.07143, and the configurations of OpenCLIP.
 */
const published: readonly { readonly of: readonly [number, number, number]; readonly known: ClipTold }[] = [
  { of: [768, 12, 512], known: { vision_heads: 12, text_heads: 8 } }, // ViT-B
  { of: [1024, 24, 768], known: { vision_heads: 16, text_heads: 12 } }, // ViT-L
  { of: [1280, 32, 1024], known: { vision_heads: 16, text_heads: 16 } }, // ViT-H
  { of: [1408, 40, 1024], known: { vision_heads: 16, text_heads: 16, activation: 'gelu' } }, // ViT-g
  { of: [1664, 48, 1280], known: { vision_heads: 16, text_heads: 20, activation: 'gelu' } }, // ViT-bigG
];

/** Sizes of a head in published networks. */
const HEADS = [64, 80, 88, 104];
const ACTIVATIONS = ['quick_gelu', 'gelu'] as const satisfies readonly ClipActivation[];

/** The whole network. @throws ModelError `E_CHECKPOINT` that asks for what is left open, or says what doesn't fit */
function settled({ vision, text, projection_dim }: Shown, told: ClipTold, openAi: boolean): ClipNetwork {
  const { activation, vision_heads, text_heads } = { ...knownOf(vision, text, openAi), ...given(told) };
  const counts = (width: number) => HEADS.flatMap((size) => (width % size === 0 ? [width / size] : []));
  const asked: Asked = {
    ...(activation === undefined && { activation: ACTIVATIONS }),
    ...(vision_heads === undefined && { vision_heads: counts(vision.hidden_size) }),
    ...(text_heads === undefined && { text_heads: counts(text.hidden_size) }),
  };
  if (activation === undefined || vision_heads === undefined || text_heads === undefined) {
    const lines = Object.entries(asked).map(
      ([name, values]) => `${name}: ${values.join(' | ') || 'a divisor of its width'}`,
    );
    throw checkpointFault(
      `its weights don't show ${Object.keys(asked).join(', ')}: tell how it was trained: { ${lines.join(', ')} }. OpenAI's networks have quick_gelu, OpenCLIP's gelu where their name doesn't say quickgelu`,
      { asked },
    );
  }
  if (!ACTIVATIONS.includes(activation))
    throw checkpointFault(
      `activation is ${JSON.stringify(activation)}, not one of ${ACTIVATIONS.join(', ')}`,
      {
        activation,
      },
    );
  for (const [name, heads, width] of [
    ['vision_heads', vision_heads, vision.hidden_size],
    ['text_heads', text_heads, text.hidden_size],
  ] as const)
    if (!Number.isSafeInteger(heads) || heads < 1 || width % heads !== 0)
      throw checkpointFault(`${name} is ${heads}, and the width, ${width}, is no multiple of that`, {
        [name]: heads,
        width,
      });
  const hidden_act = activation;
  return {
    vision: { ...vision, num_attention_heads: vision_heads, hidden_act },
    text: { ...text, num_attention_heads: text_heads, hidden_act },
    projection_dim,
  };
}

/** What is known of published networks, and of OpenAI's files. */
function knownOf(vision: Shown['vision'], text: Shown['text'], openAi: boolean): ClipTold {
  const of = [vision.hidden_size, vision.num_hidden_layers, text.hidden_size];
  const known = published.find((one) => one.of.every((n, i) => n === of[i]))?.known;
  return { ...known, ...(openAi && { activation: 'quick_gelu' }) };
}

/** What is there of what is told. */
const given = (told: ClipTold): ClipTold =>
  Object.fromEntries(Object.entries(told).filter(([, value]) => value !== undefined));

/** Shapes of each encoder's weights, under transformers' names. */
function encoderShapes({ vision, text, projection_dim }: ClipNetwork) {
  const ends = { numbers: null, ends: null };
  return {
    vision: recordShapes((ops) => clipImageEmbedding(ops, { ...vision, projection_dim }, null)),
    text: recordShapes((ops) => clipTextEmbedding(ops, { ...text, projection_dim }, ends)),
  };
}
