import { describe, expect, it } from 'vitest';
import { sizeOf } from '../files/tensor.js';
import { clipIn } from './clip-checkpoint.js';

type Shapes = Readonly<Record<string, readonly number[]>>;

interface Sizes {
  readonly width: number;
  readonly layers: number;
  readonly mlp: number;
}

/** The published names, written out once more: of a tower's blocks, each with these parts. */
const blocks = (start: string, { layers }: Sizes, parts: Shapes): Shapes =>
  Object.fromEntries(
    Array.from({ length: layers }, (_, i) =>
      Object.entries(parts).map(([name, shape]) => [`${start}.${i}.${name}`, shape] as const),
    ).flat(),
  );

const layer = (name: string, out: number, from?: number): Shapes => ({
  [`${name}.weight`]: from === undefined ? [out] : [out, from],
  [`${name}.bias`]: [out],
});

const openClipBlock = ({ width, mlp }: Sizes): Shapes => ({
  ...layer('ln_1', width),
  ...layer('ln_2', width),
  'attn.in_proj_weight': [3 * width, width],
  'attn.in_proj_bias': [3 * width],
  ...layer('attn.out_proj', width, width),
  ...layer('mlp.c_fc', mlp, width),
  ...layer('mlp.c_proj', width, mlp),
});

const openClipVision = (vision: Sizes, dim: number): Shapes => ({
  'visual.class_embedding': [vision.width],
  'visual.positional_embedding': [257, vision.width],
  'visual.proj': [vision.width, dim],
  'visual.conv1.weight': [vision.width, 3, 14, 14],
  ...layer('visual.ln_pre', vision.width),
  ...layer('visual.ln_post', vision.width),
  ...blocks('visual.transformer.resblocks', vision, openClipBlock(vision)),
});

const openClipText = (text: Sizes, dim: number): Shapes => ({
  positional_embedding: [77, text.width],
  text_projection: [text.width, dim],
  'token_embedding.weight': [49408, text.width],
  ...layer('ln_final', text.width),
  ...blocks('transformer.resblocks', text, openClipBlock(text)),
});

const huggingFaceBlock = ({ width, mlp }: Sizes): Shapes => ({
  ...layer('layer_norm1', width),
  ...layer('layer_norm2', width),
  ...layer('self_attn.q_proj', width, width),
  ...layer('self_attn.k_proj', width, width),
  ...layer('self_attn.v_proj', width, width),
  ...layer('self_attn.out_proj', width, width),
  ...layer('mlp.fc1', mlp, width),
  ...layer('mlp.fc2', width, mlp),
});

const huggingFace = (vision: Sizes, text: Sizes, dim: number): Shapes => ({
  logit_scale: [],
  'vision_model.embeddings.class_embedding': [vision.width],
  'vision_model.embeddings.patch_embedding.weight': [vision.width, 3, 14, 14],
  'vision_model.embeddings.position_embedding.weight': [257, vision.width],
  'vision_model.embeddings.position_ids': [1, 257],
  ...layer('vision_model.pre_layrnorm', vision.width),
  ...layer('vision_model.post_layernorm', vision.width),
  ...blocks('vision_model.encoder.layers', vision, huggingFaceBlock(vision)),
  'visual_projection.weight': [dim, vision.width],
  'text_model.embeddings.token_embedding.weight': [49408, text.width],
  'text_model.embeddings.position_embedding.weight': [77, text.width],
  'text_model.embeddings.position_ids': [1, 77],
  ...layer('text_model.final_layer_norm', text.width),
  ...blocks('text_model.encoder.layers', text, huggingFaceBlock(text)),
  'text_projection.weight': [dim, text.width],
});

const large = [{ width: 1024, layers: 24, mlp: 4096 }, { width: 768, layers: 12, mlp: 3072 }, 768] as const;
const giant = [{ width: 1408, layers: 40, mlp: 6144 }, { width: 1024, layers: 24, mlp: 4096 }, 1024] as const;

const openClip = (vision: Sizes, text: Sizes, dim: number): Shapes => ({
  logit_scale: [],
  ...openClipVision(vision, dim),
  ...openClipText(text, dim),
});
const openAi: Shapes = { ...openClip(...large), input_resolution: [], context_length: [], vocab_size: [] };

const clipOf = (shapes: Shapes, told = {}) =>
  clipIn(
    {
      tensors: new Map(Object.entries(shapes).map(([name, shape]) => [name, { dtype: 'F16', shape }])),
      read: () => new Map(),
    },
    told,
  );

const parameters = (shapes: Shapes) => Object.values(shapes).reduce((sum, shape) => sum + sizeOf(shape), 0);

describe('clipIn', () => {
  it('takes ViT-g/14 as it is published, of which nothing need be told', () => {
    // of OpenCLIP's own table of models
    expect(parameters(openClipVision(giant[0], giant[2]))).toBeCloseTo(1012.65e6, -4);
    expect(parameters(openClip(...giant))).toBeCloseTo(1366.68e6, -4);
    expect(clipOf(openClip(...giant)).network).toEqual({
      vision: {
        image_size: 224,
        patch_size: 14,
        hidden_size: 1408,
        intermediate_size: 6144,
        num_hidden_layers: 40,
        num_attention_heads: 16,
        hidden_act: 'gelu',
      },
      text: {
        vocab_size: 49408,
        max_position_embeddings: 77,
        hidden_size: 1024,
        intermediate_size: 4096,
        num_hidden_layers: 24,
        num_attention_heads: 16,
        hidden_act: 'gelu',
      },
      projection_dim: 1024,
    });
  });

  it('takes ViT-L/14 by three naming schemes, of which OpenAI’s own says its activation', () => {
    const { network } = clipOf(openAi);
    expect(network).toMatchObject({
      vision: { hidden_size: 1024, num_attention_heads: 16, hidden_act: 'quick_gelu' },
      text: { hidden_size: 768, num_hidden_layers: 12, num_attention_heads: 12, hidden_act: 'quick_gelu' },
      projection_dim: 768,
    });
    for (const shapes of [openClip(...large), huggingFace(...large)]) {
      expect(clipOf(shapes, { activation: 'quick_gelu' }).network).toEqual(network);
      // both activations were published in these shapes
      expect(() => clipOf(shapes)).toThrow(
        expect.objectContaining({
          code: 'E_CHECKPOINT',
          evidence: { asked: { activation: ['quick_gelu', 'gelu'] } },
        }),
      );
    }
  });

  it('asks for the heads of a network that was not published, and takes what is told before what is known', () => {
    const own = openClip({ ...large[0], layers: 3 }, large[1], large[2]);
    expect(() => clipOf(own, { activation: 'gelu' })).toThrow(
      expect.objectContaining({ evidence: { asked: { vision_heads: [16], text_heads: [12] } } }),
    );
    const told = { activation: 'gelu', vision_heads: 8, text_heads: 4 } as const;
    expect(clipOf(own, told).network).toMatchObject({
      vision: { num_hidden_layers: 3, num_attention_heads: 8 },
      text: { num_attention_heads: 4 },
    });
    expect(clipOf(openAi, told).network.vision).toMatchObject({ num_attention_heads: 8, hidden_act: 'gelu' });
  });

  const without = (shapes: Shapes, name: string): Shapes =>
    Object.fromEntries(Object.entries(shapes).filter(([one]) => one !== name));
  const fc1 = 'vision_model.encoder.layers.7.self_attn.k_proj.weight';

  it.each<[string, Shapes, object, object]>([
    [
      'a weight that is missing',
      without(openAi, 'visual.transformer.resblocks.7.attn.in_proj_weight'),
      {},
      {
        missing: ['visual.transformer.resblocks.7.attn.in_proj_weight'],
        unexpected: [],
        wrongShape: [],
      },
    ],
    [
      'a weight of another shape',
      { ...huggingFace(...large), [fc1]: [1024, 768] },
      { activation: 'gelu' },
      { missing: [], unexpected: [], wrongShape: [`${fc1} [1024,768] for [1024,1024]`] },
    ],
    [
      'a projection of another length',
      { ...openAi, text_projection: [768, 512] },
      {},
      { missing: [], unexpected: [], wrongShape: ['text_projection [768,512] for [768,768]'] },
    ],
    [
      'a weight that no CLIP has',
      { ...openAi, logit_bias: [] },
      {},
      { missing: [], unexpected: ['logit_bias'], wrongShape: [] },
    ],
    [
      'positions that are no square',
      { ...openAi, 'visual.positional_embedding': [256, 1024] },
      {},
      { wrongShape: ['visual.positional_embedding'] },
    ],
    [
      'a sizeless patch',
      { ...openAi, 'visual.conv1.weight': [1024, 3, 0, 0] },
      {},
      { missing: [], wrongShape: ['visual.conv1.weight'] },
    ],
    [
      'another network',
      { 'conv1.weight': [64, 3, 7, 7] },
      {},
      { missing: ['vision_model.embeddings.patch_embedding.weight'], wrongShape: [] },
    ],
    ['heads that don’t divide', openAi, { vision_heads: 48 }, { vision_heads: 48, width: 1024 }],
    ['another activation', openAi, { activation: 'relu' }, { activation: 'relu' }],
  ])('refuses %s', (_, shapes, told, evidence) => {
    expect(() => clipOf(shapes, told)).toThrow(expect.objectContaining({ code: 'E_CHECKPOINT', evidence }));
  });
});
