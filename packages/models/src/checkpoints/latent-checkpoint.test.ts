import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { type Tensors, toFloat32 } from '../files/tensor.js';
import { alphasCumprod } from '../networks/noise-levels.js';
import { saidBy } from './diffusers-folder.js';
import { fromDiffusers } from './diffusers-names.js';
import { assembleLatent } from './latent-checkpoint.js';
import { parseDiffusersCheckpoint, parseLatentCheckpoint } from './read-latent-checkpoint.js';

/** A published checkpoint's tensors, of which only the noise table has elements. */
function published(file: string): Record<string, Tensors[string]> {
  const table = Float32Array.from({ length: 1000 }, (_, k) => 0.99 ** (k + 1));
  return Object.fromEntries(
    Object.entries(shapesOf(file)).map(([name, shape]) => [
      name,
      { dtype: 'F32', shape, data: name === 'alphas_cumprod' ? table : new Float32Array(0) },
    ]),
  );
}

const known = new Map<string, Record<string, number[]>>();
function shapesOf(file: string): Record<string, number[]> {
  const path = new URL(`../../fixtures/state-dicts/${file}.json.gz`, import.meta.url);
  const shapes = known.get(file) ?? JSON.parse(gunzipSync(readFileSync(path)).toString()).state_dict;
  known.set(file, shapes);
  return shapes;
}

const LDM = 'lsun_bedrooms-ldm-vq-4.model.ckpt';
const SD = 'v1-5-pruned-emaonly.ckpt';
const diffusers = () => ({
  unet: published('stable-diffusion-v1-5.diffusers.unet'),
  vae: published('stable-diffusion-v1-5.diffusers.vae'),
  text_encoder: published('stable-diffusion-v1-5.diffusers.text_encoder'),
});
const TABLE = { linear_start: 0.00085, linear_end: 0.012 };
/** To float16, of which the bits are. */
const toHalf = (value: number) => {
  const step = 2 ** (Math.max(Math.floor(Math.log2(value)), -14) - 10);
  return Math.round(value / step) * step;
};
const bitsOf = (half: number) => {
  const exponent = Math.floor(Math.log2(half));
  return ((exponent + 15) << 10) | ((half / 2 ** exponent - 1) * 1024);
};
const thrown = (run: () => unknown) => {
  try {
    run();
  } catch (cause) {
    return cause;
  }
  throw new Error('nothing was thrown');
};

describe('the published checkpoints', () => {
  it('LDM’s bedrooms: an unconditional network, a codebook, heads of 32 channels', () => {
    const { network, decoder, textEncoder, scaleFactor, sigmaMin, sigmaMax } = parseLatentCheckpoint(
      published(LDM),
    );
    expect(network).toMatchObject({
      image_size: 64,
      in_channels: 3,
      out_channels: 3,
      model_channels: 224,
      attention_resolutions: [2, 4, 8],
      num_res_blocks: 2,
      channel_mult: [1, 2, 3, 4],
      num_head_channels: 32,
    });
    expect(network.transformer).toBeUndefined();
    expect(decoder.options).toEqual({
      embed_dim: 3,
      n_embed: 8192,
      z_channels: 3,
      out_ch: 3,
      ch: 128,
      ch_mult: [1, 2, 4],
      num_res_blocks: 2,
      attn_type: 'vanilla',
      attn_levels: [],
    });
    expect(textEncoder).toBeUndefined();
    expect(scaleFactor).toBe(1);
    expect(sigmaMin).toBeCloseTo(Math.sqrt(0.01 / 0.99), 6);
    expect(sigmaMax).toBeCloseTo(Math.sqrt(0.99 ** -1000 - 1), 2);
  });

  it('Stable Diffusion: cross attention, a KL decoder, CLIP ViT-L', () => {
    const { network, decoder, textEncoder, scaleFactor } = parseLatentCheckpoint(published(SD));
    expect(network).toMatchObject({
      image_size: 64,
      model_channels: 320,
      attention_resolutions: [1, 2, 4],
      channel_mult: [1, 2, 4, 4],
      num_heads: 8,
      num_head_channels: -1,
      transformer: { depth: 1, context_dim: 768 },
    });
    expect(decoder.options).toMatchObject({ n_embed: 0, embed_dim: 4, ch: 128, ch_mult: [1, 2, 4, 4] });
    expect(textEncoder!.options).toEqual({
      vocab_size: 49408,
      max_position_embeddings: 77,
      hidden_size: 768,
      intermediate_size: 3072,
      num_hidden_layers: 12,
      num_attention_heads: 12,
      hidden_act: 'quick_gelu',
    });
    expect(scaleFactor).toBe(0.18215);
  });

  it('the same model in diffusers’ layout', () => {
    const original = parseLatentCheckpoint(published(SD));
    const { network, decoder, textEncoder, weights, preconditioning } = parseDiffusersCheckpoint(
      diffusers(),
      TABLE,
    );
    expect(network).toEqual(original.network);
    expect(decoder.options).toEqual(original.decoder.options);
    expect(textEncoder!.options).toEqual(original.textEncoder!.options);
    expect(Object.keys(weights)).toEqual(Object.keys(original.weights));
    // the names alone could be permuted; of these, no two have the same shape
    expect(weights['output_blocks.2.1.conv.weight']!.shape).toEqual([1280, 1280, 3, 3]);
    expect(weights['output_blocks.8.2.conv.weight']!.shape).toEqual([640, 640, 3, 3]);
    expect(weights['input_blocks.9.0.op.weight']!.shape).toEqual([1280, 1280, 3, 3]);
    expect(weights['output_blocks.5.0.skip_connection.weight']!.shape).toEqual([1280, 1920, 1, 1]);
    const table = alphasCumprod({ type: 'scaled_linear', start: 0.00085, end: 0.012, steps: 1000 });
    expect(table[0]).toBeCloseTo(0.99915, 12);
    expect(table.at(-1)).toBeCloseTo(0.004660098513077241, 12);
    // in float32, as the original file has it
    expect(preconditioning).toEqual({ type: 'ldm', alphasCumprod: table.map(Math.fround), predicts: 'eps' });
  });

  it('diffusers’ older names of the decoder’s attention', () => {
    const parts = diffusers();
    const older = { to_q: 'query', to_k: 'key', to_v: 'value', 'to_out.0': 'proj_attn' };
    const vae = Object.fromEntries(
      Object.entries(parts.vae).map(([name, tensor]) => {
        const [now, then] = Object.entries(older).find(([layer]) => name.includes(`.${layer}.`)) ?? ['', ''];
        return [now ? name.replace(now, then) : name, tensor];
      }),
    );
    expect(Object.keys(vae)).not.toEqual(Object.keys(parts.vae));
    expect(Object.keys(parseDiffusersCheckpoint({ ...parts, vae }, TABLE).decoder.weights)).toHaveLength(140);
  });
});

describe('a model that is not published', () => {
  /** Of Stable Diffusion's shapes, but for a text encoder of another vocabulary. */
  const other = () => {
    const tensors = published(SD);
    const name = 'cond_stage_model.transformer.text_model.embeddings.token_embedding.weight';
    tensors[name] = { ...tensors[name]!, shape: [49409, 768] };
    return tensors;
  };
  const told = {
    num_heads: 8,
    image_size: 64,
    parametrization: 'v',
    scale_factor: 0.2,
    num_attention_heads: 12,
    hidden_act: 'gelu',
  } as const;

  it('asks for everything that its weights don’t show, at once and with candidates', () => {
    expect(thrown(() => parseLatentCheckpoint(other()))).toMatchObject({
      code: 'E_CHECKPOINT',
      message: expect.stringMatching(
        /^its weights don't show num_heads, .* and hidden_act: tell .*: \{ family: stable-diffusion, num_head_channels: 32 \| 64 \(or num_heads: 8\), image_size/,
      ),
      evidence: {
        asked: Object.fromEntries(
          [...Object.keys(told), 'num_head_channels'].map((name) => [name, expect.any(Array)]),
        ),
      },
    });
    const tensors = other();
    delete tensors.alphas_cumprod;
    const { scale_factor, image_size, ...rest } = told;
    expect(thrown(() => parseLatentCheckpoint(tensors, rest))).toMatchObject({
      evidence: {
        asked: {
          image_size: [32, 64, 96],
          scale_factor: [0.18215, 1],
          linear_start: [0.00085, 0.0015],
          linear_end: [0.012, 0.0155, 0.0195],
        },
      },
    });
  });

  it('is what it is told to be', () => {
    const { network, textEncoder, preconditioning, scaleFactor, resolution } = parseLatentCheckpoint(
      other(),
      told,
    );
    expect(network).toMatchObject({ num_heads: 8, num_head_channels: -1, image_size: 64 });
    expect(textEncoder!.options).toMatchObject({ num_attention_heads: 12, hidden_act: 'gelu' });
    expect(preconditioning).toMatchObject({ type: 'ldm', predicts: 'v' });
    expect([scaleFactor, resolution]).toEqual([0.2, 64]);
    const { num_heads: _, ...others } = told;
    const heads = parseLatentCheckpoint(other(), { ...others, num_head_channels: 64 }).network;
    expect(heads).toMatchObject({ num_heads: -1, num_head_channels: 64 });
  });

  it('says which part is not there', () => {
    const without = (prefix: string) =>
      Object.fromEntries(Object.entries(other()).filter(([name]) => !name.startsWith(prefix)));
    expect(thrown(() => parseLatentCheckpoint(without('cond_stage_model.'), told))).toMatchObject({
      message: expect.stringMatching(/attends to prompts, and it has no text encoder/),
    });
  });
});

describe('a configuration beside weights', () => {
  const configs = JSON.parse(readFileSync(new URL('../../fixtures/configs.json', import.meta.url), 'utf8'))[
    'stable-diffusion-v1-5, saved again'
  ] as Record<'unet' | 'vae' | 'text_encoder' | 'scheduler', object>;
  const read = (part: keyof typeof configs | 'none', more: object) => {
    const file = (name: keyof typeof configs) => ({
      path: `${name}.json`,
      config: { ...configs[name], ...(name === part && more) },
    });
    const parts = diffusers();
    const source = (tensors: Tensors) => ({ tensors, read: (name: string) => tensors[name]! });
    return assembleLatent(
      {
        ...fromDiffusers({
          unet: source(parts.unet),
          vae: source(parts.vae),
          text_encoder: source(parts.text_encoder),
        }),
        ...saidBy({
          unet: file('unet'),
          vae: file('vae'),
          text_encoder: file('text_encoder'),
          scheduler: file('scheduler'),
        }),
      },
      {},
    );
  };

  it('says what they don’t show, before what is known of published models', () => {
    const { network, preconditioning, scaleFactor } = read('none', {});
    const published = parseDiffusersCheckpoint(diffusers());
    expect({ network, preconditioning, scaleFactor }).toEqual({
      network: published.network,
      preconditioning: published.preconditioning,
      scaleFactor: published.scaleFactor,
    });
    expect(read('scheduler', { prediction_type: 'v_prediction' }).preconditioning).toMatchObject({
      predicts: 'v',
    });
    expect(read('unet', { sample_size: 96 }).resolution).toBe(96);
    expect(thrown(() => read('unet', { sample_size: undefined }))).toMatchObject({
      message: expect.stringMatching(
        /^its weights don't show image_size: tell .*: \{ family: stable-diffusion, image_size: 32 \| 64 \| 96 \}$/,
      ),
      evidence: { asked: { image_size: [32, 64, 96] } },
    });
  });

  it.each([
    ['unet', { layers_per_block: 3 }, /^unet\.json says layers_per_block 3, and its weights show 2/],
    ['unet', { down_block_types: ['DownBlock2D'] }, /its weights show \["CrossAttnDownBlock2D"/],
    ['vae', { latent_channels: 16 }, /^vae\.json says latent_channels 16, and its weights show 4/],
    ['text_encoder', { num_hidden_layers: 11 }, /^text_encoder\.json says num_hidden_layers 11, .* show 12/],
  ] as const)('must agree with them: %s %j', (part, more, message) => {
    expect(thrown(() => read(part, more))).toMatchObject({
      code: 'E_CHECKPOINT',
      message: expect.stringMatching(message),
      evidence: { path: `${part}.json`, keys: Object.keys(more) },
    });
  });
});

describe('options that the published models don’t have', () => {
  it('are taken where weights don’t show them', () => {
    const given = { num_heads: 8, num_heads_upsample: 4, attention_order: 'qkv-heads-channels' } as const;
    expect(parseLatentCheckpoint(published(LDM), given).network).toMatchObject(given);
    const { textEncoder } = parseLatentCheckpoint(published(SD), { hidden_act: 'gelu' });
    expect(textEncoder!.options.hidden_act).toBe('gelu');
  });

  it('a decoder without attention', () => {
    const tensors = published(LDM);
    const mid = Object.keys(tensors).filter((name) => name.includes('.decoder.mid.attn_1.'));
    expect(mid).toHaveLength(10);
    for (const name of mid) delete tensors[name];
    const { decoder } = parseLatentCheckpoint(tensors);
    expect(decoder.options.attn_type).toBe('none');
    expect(Object.keys(decoder.weights).filter((name) => name.includes('attn'))).toEqual([]);
  });

  it('a decoder with attention at a level, in diffusers’ layout', () => {
    const parts = diffusers();
    const middle = 'decoder.mid_block.attentions.0.';
    // levels count from the image's size in one layout, from the latent's in the other; this one has 512 channels
    for (const [name, tensor] of Object.entries(parts.vae))
      if (name.startsWith(middle))
        for (const block of [0, 1, 2])
          parts.vae[name.replace(middle, `decoder.up_blocks.1.attentions.${block}.`)] = tensor;
    const { decoder } = parseDiffusersCheckpoint(parts, TABLE);
    expect(decoder.options.attn_levels).toEqual([2]);
    expect(decoder.weights['decoder.up.2.attn.1.proj_out.weight']!.shape).toEqual([512, 512]);
  });
});

describe('averaged weights', () => {
  const named = (value: number, shape: readonly number[]) =>
    ({ dtype: 'F32', shape, data: Float32Array.of(value) }) as const;
  const both = () => {
    const tensors = published(LDM);
    const bias = 'out.2.bias';
    tensors[`model.diffusion_model.${bias}`] = named(1, [3]);
    tensors['model_ema.diffusion_modelout2bias'] = named(2, [3]);
    return tensors;
  };
  const outBias = (use_ema?: boolean) =>
    toFloat32(
      parseLatentCheckpoint(both(), { ...(use_ema !== undefined && { use_ema }) }).weights['out.2.bias']!,
    )[0];

  it('are taken, unless asked not to', () => {
    expect(outBias()).toBe(2);
    expect(outBias(true)).toBe(2);
    expect(outBias(false)).toBe(1);
  });

  it('must be there for every parameter', () => {
    const tensors = both();
    delete tensors['model_ema.diffusion_modelout2bias'];
    expect(thrown(() => parseLatentCheckpoint(tensors))).toMatchObject({
      code: 'E_CHECKPOINT',
      evidence: { missing: ['model_ema.diffusion_modelout2bias'], unexpected: [], wrongShape: [] },
    });
  });
});

describe('what doesn’t fit', () => {
  it('is listed: missing, unexpected and of another shape', () => {
    const tensors = published(SD);
    const [gone, bent] = ['model.diffusion_model.out.2.bias', 'first_stage_model.decoder.conv_in.bias'];
    delete tensors[gone];
    tensors[bent] = { dtype: 'F32', shape: [511], data: new Float32Array(0) };
    tensors.stray = { dtype: 'F32', shape: [], data: new Float32Array(0) };
    expect(thrown(() => parseLatentCheckpoint(tensors))).toMatchObject({
      code: 'E_CHECKPOINT',
      evidence: {
        missing: [gone],
        unexpected: ['stray'],
        wrongShape: [`${bent} [511] for [512]`],
      },
    });
  });

  it('of the text encoder too, and where there should be none', () => {
    const tensors = published(LDM);
    const stray = 'cond_stage_model.transformer.text_model.final_layer_norm.bias';
    tensors[stray] = { dtype: 'F32', shape: [768], data: new Float32Array(0) };
    expect(thrown(() => parseLatentCheckpoint(tensors))).toMatchObject({ evidence: { unexpected: [stray] } });
  });

  it('a file that is no latent diffusion model', () => {
    expect(thrown(() => parseLatentCheckpoint({}))).toMatchObject({ code: 'E_CHECKPOINT' });
  });

  it.each([
    [{ num_heads: 7 }, /num_heads 7/],
    [{ num_head_channels: 48 }, /num_head_channels 48/],
    [{ image_size: 12 }, /image_size 12/],
    [{ num_attention_heads: 5 }, /num_attention_heads 5/],
    [{ scale_factor: 0 }, /scale_factor/],
    [{ attention_order: 'qkv-heads-channels' } as const, /nothing reads attention_order: .* in one order/],
  ])('options %o', (options, message) => {
    expect(thrown(() => parseLatentCheckpoint(published(SD), options))).toMatchObject({
      code: 'E_CHECKPOINT',
      message: expect.stringMatching(message),
    });
  });

  it('options of a text encoder that isn’t there', () => {
    expect(thrown(() => parseLatentCheckpoint(published(LDM), { hidden_act: 'gelu' }))).toMatchObject({
      code: 'E_CHECKPOINT',
      evidence: { unread: ['hidden_act'] },
    });
  });

  it('noise levels that nobody says, or that are none', () => {
    const tensors = published(SD);
    tensors.alphas_cumprod = { dtype: 'F32', shape: [2], data: Float32Array.of(0.5, 0.6) };
    expect(thrown(() => parseLatentCheckpoint(tensors))).toMatchObject({ evidence: { index: 1 } });
    delete tensors.alphas_cumprod;
    // of a published model it is known
    expect(parseLatentCheckpoint(tensors).sigmaMax).toBeCloseTo(14.6146, 4);
    expect(parseLatentCheckpoint(tensors, { linear_end: 0.02 }).sigmaMax).toBeGreaterThan(40);
    const { ...unknown } = tensors;
    const name = 'model.diffusion_model.input_blocks.0.0.weight';
    unknown[name] = { ...unknown[name]!, shape: [320, 5, 3, 3] };
    expect(thrown(() => parseLatentCheckpoint(unknown))).toMatchObject({
      message: expect.stringMatching(/takes 5 channels and gives 4/),
    });
  });

  it('tables and factors of half precision are computed anew, or refused', () => {
    const tensors = published(SD);
    const half = (
      dtype: 'F16' | 'F32',
      values: readonly number[],
      shape: readonly number[] = [values.length],
    ) =>
      dtype === 'F32'
        ? ({ dtype, shape, data: Float32Array.from(values) } as const)
        : ({ dtype, shape, data: Uint16Array.from(values, bitsOf) } as const);
    const betas = { type: 'scaled_linear', start: 0.00085, end: 0.012, steps: 1000 } as const;
    const exact = alphasCumprod(betas).map(Math.fround);
    for (const dtype of ['F16', 'F32'] as const) {
      tensors.alphas_cumprod = half(dtype, exact.map(toHalf));
      const { preconditioning } = parseLatentCheckpoint(tensors);
      expect(preconditioning).toMatchObject({ alphasCumprod: exact });
      expect(thrown(() => parseLatentCheckpoint(tensors, { linear_end: 0.0121 }))).toMatchObject({
        evidence: { keys: ['linear_start', 'linear_end'] },
      });
      tensors.scale_factor = half(dtype, [toHalf(0.18215)], []);
      expect(parseLatentCheckpoint(tensors).scaleFactor).toBe(0.18215);
      expect(thrown(() => parseLatentCheckpoint(tensors, { scale_factor: 0.2 }))).toMatchObject({
        evidence: { keys: ['scale_factor'] },
      });
    }
    tensors.scale_factor = half('F32', [0.9], []);
    expect(parseLatentCheckpoint(tensors).scaleFactor).toBe(Math.fround(0.9));
  });

  it('one weight under two names', () => {
    const parts = diffusers();
    parts.vae['decoder.mid_block.attentions.0.query.weight'] =
      parts.vae['decoder.mid_block.attentions.0.to_q.weight']!;
    expect(thrown(() => parseDiffusersCheckpoint(parts, TABLE))).toMatchObject({
      code: 'E_CHECKPOINT',
      message: expect.stringMatching(/twice/),
    });
  });
});
