import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { Tensors } from '../files/tensor.js';
import { guidedClassifier } from '../networks/guided-classifier.js';
import { type GuidedUNetOptions, guidedUNet } from '../networks/guided-unet.js';
import { parameterShapes } from '../networks/parameters.js';
import { admCheckpoint, cmCheckpoint, withClassifier } from './guided-checkpoint.js';
import { shownClassifier, shownUNet, type UnseenOptions, withUnseen } from './guided-options.js';

/** Weights of which only names and shapes matter. */
const hollow = (shapes: Iterable<readonly [string, readonly number[]]>): Tensors =>
  Object.fromEntries(
    [...shapes].map(([name, shape]) => [name, { dtype: 'F32', shape, data: new Float32Array() }]),
  );

function published(file: string): Tensors {
  const path = new URL(`../../fixtures/state-dicts/${file}.json.gz`, import.meta.url);
  return hollow(Object.entries(JSON.parse(gunzipSync(readFileSync(path)).toString()).state_dict));
}

const adm: GuidedUNetOptions = {
  image_size: 256,
  in_channels: 3,
  out_channels: 6,
  model_channels: 256,
  channel_mult: [1, 1, 2, 2, 4, 4],
  num_res_blocks: 2,
  attention_resolutions: [8, 16, 32],
  num_classes: 1000,
  num_head_channels: 64,
  num_heads: 1,
  num_heads_upsample: -1,
  use_scale_shift_norm: true,
  resblock_updown: true,
  attention_order: 'heads-qkv-channels',
};

const told = { noise_schedule: 'linear', diffusion_steps: 1000, parametrization: 'eps' } as const;

// reading checks every name and shape, so that none is left on either side
describe('the published networks', () => {
  it('256x256_diffusion.pt and its classifier', () => {
    const heads = { num_head_channels: 64, attention_order: 'heads-qkv-channels' } as const;
    const diffusion = admCheckpoint(published('256x256_diffusion.pt'), {
      ...told,
      image_size: 256,
      ...heads,
    });
    expect(diffusion.network).toEqual(adm);
    const { classifier } = withClassifier(diffusion, published('256x256_classifier.pt'), heads);
    expect(classifier!.network).toEqual({
      ...adm,
      out_channels: 1000,
      model_channels: 128,
      num_classes: 0,
    });
  });

  it('edm_bedroom256_ema.pt', () => {
    const unseen = { image_size: 256, num_head_channels: 64, attention_order: 'qkv-heads-channels' } as const;
    expect(cmCheckpoint(published('edm_bedroom256_ema.pt'), unseen).network).toEqual({
      ...adm,
      out_channels: 3,
      num_classes: 0,
      use_scale_shift_norm: false,
      attention_order: 'qkv-heads-channels',
    });
  });
});

describe('inferring options', () => {
  const unseen = ({ image_size, num_head_channels, num_heads, num_heads_upsample }: GuidedUNetOptions) =>
    ({
      image_size,
      num_head_channels,
      num_heads,
      num_heads_upsample,
      attention_order: 'heads-qkv-channels',
    }) satisfies UnseenOptions;
  const small: GuidedUNetOptions = {
    ...adm,
    image_size: 32,
    model_channels: 32,
    channel_mult: [1, 2, 3],
    num_res_blocks: 1,
    attention_resolutions: [2],
    num_head_channels: 32,
  };
  const variants: Record<string, GuidedUNetOptions> = {
    small,
    'one level': { ...small, channel_mult: [2], attention_resolutions: [1], num_res_blocks: 3 },
    'convolutions that resample': { ...small, resblock_updown: false, num_res_blocks: 2 },
    'no attention but in the middle': { ...small, attention_resolutions: [] },
    'attention at all levels': { ...small, attention_resolutions: [1, 2, 4], resblock_updown: false },
    'halved width': { ...small, model_channels: 64, channel_mult: [0.5, 1, 1] },
    'a number of heads': { ...small, num_head_channels: -1, num_heads: 4, num_heads_upsample: 2 },
    'no scale, no classes': { ...small, use_scale_shift_norm: false, num_classes: 0, out_channels: 3 },
  };

  it.each(Object.entries(variants))('finds what was built: %s', (_, options) => {
    const weights = hollow(parameterShapes(guidedUNet(options)));
    expect(withUnseen(shownUNet(weights), unseen(options))).toEqual(options);
  });

  it.each(Object.entries(variants))('of a classifier: %s', (_, variant) => {
    const options = { ...variant, out_channels: 10, num_classes: 0 };
    const weights = hollow(parameterShapes(guidedClassifier(options)));
    expect(withUnseen(shownClassifier(weights, options.image_size), unseen(options))).toEqual(options);
  });

  it('of a classifier that pools by the mean, with 8×8 positions at its last level', () => {
    const options = { ...small, out_channels: 10, num_classes: 0, pool: 'adaptive' } as const;
    const weights = hollow(parameterShapes(guidedClassifier(options)));
    expect(Object.keys(weights).filter((name) => name.startsWith('out.'))).toEqual([
      'out.0.weight',
      'out.0.bias',
      'out.3.weight',
      'out.3.bias',
    ]);
    expect(withUnseen(shownClassifier(weights, options.image_size), unseen(options))).toEqual(options);
  });

  const weights = hollow(parameterShapes(guidedUNet(small)));
  const refusal = (message: RegExp, evidence: object = {}) =>
    expect.objectContaining({
      code: 'E_CHECKPOINT',
      message: expect.stringMatching(message),
      evidence: expect.objectContaining(evidence),
    });

  it('lists weights that are missing, unexpected or of another shape', () => {
    const { 'middle_block.1.norm.bias': moved, ...rest } = weights;
    const damaged = { ...rest, 'middle_block.1.norm.bios': moved!, 'out.0.bias': weights['out.2.bias']! };
    expect(() => admCheckpoint(damaged, { ...told, ...unseen(small) })).toThrow(
      refusal(/1 missing: middle_block\.1\.norm\.bias/, {
        missing: ['middle_block.1.norm.bias'],
        unexpected: ['middle_block.1.norm.bios'],
        wrongShape: ['out.0.bias [6] for [32]'],
      }),
    );
  });

  it('refuses other networks, and options that fit none', () => {
    expect(() => shownUNet({})).toThrow(refusal(/0 output_blocks/));
    const told = (given: UnseenOptions) => () =>
      withUnseen(shownUNet(weights), {
        image_size: 32,
        attention_order: 'heads-qkv-channels',
        ...given,
      });
    expect(told({ num_head_channels: 64 })).toThrow(
      refusal(/64 channels|96 channels are no heads of num_head_channels 64/, {
        problems: [expect.any(String)],
      }),
    );
    expect(told({ image_size: 30 })).toThrow(refusal(/image_size 30 can't be halved 2 times/));
    expect(told({ num_heads: 7 })).toThrow(refusal(/no num_heads 7/));
  });

  it.each([
    ['spatial', ['out.0', 'out.2']],
    ['spatial_v2', ['out.0', 'out.1', 'out.3']],
  ])('refuses a classifier that pools all blocks: %s', (pool, layers) => {
    const weights = hollow(layers.map((layer) => [`${layer}.weight`, [2048]] as const));
    expect(() => shownClassifier(weights, 32)).toThrow(
      refusal(new RegExp(`its pool is ${pool}, which is not read`), { pool }),
    );
  });

  it('refuses a classifier of other images or classes', () => {
    const classifier = (rest: Partial<GuidedUNetOptions>) => ({
      ...small,
      num_classes: 0,
      out_channels: 1000,
      ...rest,
    });
    const read = (rest: Partial<GuidedUNetOptions>, given = {}) =>
      withClassifier(
        admCheckpoint(weights, { ...told, ...unseen(small) }),
        hollow(parameterShapes(guidedClassifier(classifier(rest)))),
        { num_head_channels: 32, attention_order: 'heads-qkv-channels', ...given },
      );
    expect(read({}).classifier?.network).toEqual(classifier({ num_heads: 1 }));
    expect(() => read({ out_channels: 10 })).toThrow(refusal(/tells 10 classes apart, .* on 1000/));
    expect(() => read({ image_size: 64, num_res_blocks: 2 })).toThrow(
      refusal(/no classifier of 32×32 images/),
    );
    expect(() => read({ image_size: 64 }, { image_size: 64 })).toThrow(refusal(/sees 3×64×64 images/));
  });
});
