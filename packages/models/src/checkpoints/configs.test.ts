import { readFileSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import { describe, expect, it } from 'vitest';
import { ModelError } from '../errors.js';
import {
  type Config,
  type ConfigKey,
  type ConfigKind,
  configTables,
  refusalsIn,
  trainingOf,
} from './configs.js';
import { saidBy } from './diffusers-folder.js';
import type { LatentParts } from './latent-checkpoint.js';

type Configs = Readonly<Record<ConfigKind, Config>>;

const published = JSON.parse(
  readFileSync(new URL('../../fixtures/configs.json', import.meta.url), 'utf8'),
) as Readonly<Record<string, Configs>>;
const XL = 'stable-diffusion-xl-base-1.0';
const read = Object.entries(published).filter(([name]) => name !== XL);

/** The parts of Stable Diffusion 1 or 2, as their weights show them. */
function partsOf(name: string): LatentParts {
  const [context_dim, intermediate_size, num_hidden_layers] = name.startsWith('stable-diffusion-2')
    ? [1024, 4096, 23]
    : [768, 3072, 12];
  return {
    network: {
      image_size: 64,
      in_channels: 4,
      out_channels: 4,
      model_channels: 320,
      channel_mult: [1, 2, 4, 4],
      num_res_blocks: 2,
      attention_resolutions: [1, 2, 4],
      num_classes: 0,
      num_heads: 8,
      num_head_channels: -1,
      num_heads_upsample: -1,
      use_scale_shift_norm: false,
      resblock_updown: false,
      attention_order: 'heads-qkv-channels',
      transformer: { depth: 1, context_dim },
    },
    decoder: {
      embed_dim: 4,
      n_embed: 0,
      z_channels: 4,
      out_ch: 3,
      ch: 128,
      ch_mult: [1, 2, 4, 4],
      num_res_blocks: 2,
      attn_type: 'vanilla',
      attn_levels: [],
    },
    textEncoder: {
      vocab_size: 49408,
      hidden_size: context_dim,
      max_position_embeddings: 77,
      intermediate_size,
      num_hidden_layers,
      num_attention_heads: context_dim / 64,
      hidden_act: 'gelu',
    },
  };
}

/** What must be said, for else it is asked for, and the keys that say it; the latter by its default where it is left out. */
const saying: Readonly<Record<string, readonly string[]>> = {
  num_heads: ['attention_head_dim', '_class_name'],
  image_size: ['sample_size'],
  scale_factor: ['scaling_factor', '_class_name'],
  num_attention_heads: ['num_attention_heads', 'model_type'],
  hidden_act: ['hidden_act', 'model_type'],
};

type Outcome = { readonly said: string } | { readonly keys: readonly string[] };
interface Change {
  readonly kind: ConfigKind;
  readonly key: string;
  readonly other: unknown;
  readonly after: Outcome;
}

/** What comes of reading configurations: what they say, or the keys that are refused. */
function outcome(
  configs: Configs,
  parts: LatentParts,
  kinds = Object.keys(configs) as ConfigKind[],
): Outcome {
  const refused = kinds.flatMap((kind) => refusalsIn(kind, configs[kind]).map(({ key }) => key));
  if (refused.length > 0) return { keys: refused };
  const file = (kind: ConfigKind) => ({ path: `${kind}.json`, config: configs[kind] });
  try {
    const { facts, agree } = saidBy({
      unet: file('unet'),
      vae: file('vae'),
      text_encoder: file('text_encoder'),
      scheduler: file('scheduler'),
    });
    agree(parts);
    const { num_head_channels, ...options } = facts.options;
    const told: object = { ...(num_head_channels && { num_heads: 'of so many channels' }), ...options };
    const asked = Object.keys(saying).filter((name) => !Object.hasOwn(told, name));
    if (asked.length > 0) return { keys: asked.flatMap((name) => saying[name]!) };
    return { said: JSON.stringify(facts) };
  } catch (error) {
    if (!(error instanceof ModelError) || error.code !== 'E_CHECKPOINT') throw error;
    return { keys: error.evidence.keys as readonly string[] };
  }
}

/** Other values for a key, of its own type and of none. */
function othersOf(value: unknown): unknown[] {
  const others: unknown[] = [null, 'another', 7, 0.25, true, false, [3], [0.25, 0.5], { a: 1 }];
  if (typeof value === 'number') others.push(value + 1, value / 2, -value);
  if (Array.isArray(value)) others.push([...value, value.at(-1)], value.slice(1), [...value].reverse());
  const words = [
    'v_prediction',
    'sample',
    'epsilon',
    'linear',
    'squaredcos_cap_v2',
    'gelu',
    'quick_gelu',
    'learned',
  ];
  const shown = JSON.stringify(value);
  return [...others, ...words].filter((other) => JSON.stringify(other) !== shown);
}

const table = (kind: ConfigKind): Readonly<Record<string, ConfigKey>> => configTables[kind];
/** Of tokenizers, which are not asked here: what is applied is another file's concern. */
const isOfTokens = (kind: ConfigKind) => kind === 'special_tokens_map' || kind === 'tokenizer_config';

describe.each(read)('%s', (name, configs) => {
  const parts = partsOf(name);
  const before = outcome(configs, parts);
  /** With another value at a key, or none. */
  const change = (kind: ConfigKind, key: string, value: unknown) => {
    const { [key]: _, ...rest } = configs[kind];
    const config = value === undefined ? rest : { ...configs[kind], [key]: value };
    return outcome({ ...configs, [kind]: config }, parts, [kind]);
  };

  it('is read', () => {
    expect(before).toHaveProperty('said');
  });

  /** Keys whose other values, or whose absence, come to something that the table doesn't say. */
  const unnoticed = (othersOf: (value: unknown) => readonly unknown[], isSaid: (change: Change) => boolean) =>
    (Object.entries(configs) as [ConfigKind, Config][]).flatMap(([kind, config]) =>
      Object.entries(config).flatMap(([key, value]) =>
        othersOf(value).flatMap((other) => {
          const after = change(kind, key, other);
          const said = 'keys' in after ? after.keys.includes(key) : isSaid({ kind, key, other, after });
          return said ? [] : [`${kind}.${key} ${JSON.stringify(other)}`];
        }),
      ),
    );

  it('has no key that could be another value unnoticed', () => {
    const wrong = unnoticed(othersOf, ({ kind, key, other, after }) => {
      const known = table(kind)[key];
      const same = isDeepStrictEqual(after, before);
      if (!known || known.is === 'idle') return same && (known !== undefined || key.startsWith('_'));
      if (known.is === 'built' || known.is === 'fixed')
        return known.values.some((one) => isDeepStrictEqual(one, other));
      return isOfTokens(kind) || !same;
    });
    expect(wrong).toEqual([]);
  });

  it('has no key that could be missing unnoticed, but for defaults of its class', () => {
    const defaults: Readonly<Partial<Record<ConfigKind, Config>>> = {
      scheduler: { prediction_type: 'epsilon' },
      unet: { attention_head_dim: 8 },
      text_encoder: { num_attention_heads: 8, hidden_act: 'quick_gelu' },
      vae: { scaling_factor: 0.18215 },
    };
    const wrong = unnoticed(
      () => [undefined],
      ({ kind, key, after }) => {
        const own = defaults[kind]?.[key];
        if (own !== undefined) return isDeepStrictEqual(after, change(kind, key, own));
        const isApplied = table(kind)[key]?.is === 'applied' && configs[kind][key] !== null;
        return isDeepStrictEqual(after, before) && (isOfTokens(kind) || !isApplied);
      },
    );
    expect(wrong).toEqual([]);
  });

  it('says as much beside a graph', () => {
    for (const [kind, config] of Object.entries(configs) as [ConfigKind, Config][])
      expect(refusalsIn(kind, config, true)).toEqual([]);
  });
});

it('says why each idle key is idle, and each other value is refused', () => {
  for (const kind of Object.keys(configTables) as ConfigKind[])
    for (const known of Object.values(table(kind)))
      if ('why' in known) expect(known.why.length).toBeGreaterThan(10);
});

it('Stable Diffusion XL is refused by what it is, and every key of it is known', () => {
  const refusals = (Object.entries(published[XL]!) as [ConfigKind, Config][]).flatMap(([kind, config]) =>
    refusalsIn(kind, config).map(({ key, sentence }) => [`${kind}.${key}`, sentence] as const),
  );
  expect(Object.fromEntries(refusals)).toEqual({
    'model_index._class_name': expect.stringMatching(
      /"StableDiffusionXLPipeline"; only "StableDiffusionPipeline"/,
    ),
    'model_index.text_encoder_2': expect.stringMatching(/Stable Diffusion XL/),
    'model_index.tokenizer_2': expect.stringMatching(/Stable Diffusion XL/),
    'model_index.force_zeros_for_empty_prompt': expect.stringMatching(/Stable Diffusion XL/),
    'unet.addition_embed_type': expect.stringMatching(/Stable Diffusion XL/),
    'unet.addition_time_embed_dim': expect.stringMatching(/Stable Diffusion XL/),
    'unet.projection_class_embeddings_input_dim': expect.stringMatching(/Stable Diffusion XL/),
  });
});

it('a key that nothing knows is refused by its name and value, and one of diffusers’ own is not', () => {
  expect(refusalsIn('scheduler', { shift: 3, _name_or_path: 'a' })).toEqual([
    { key: 'shift', sentence: expect.stringMatching(/^says shift 3; nothing here knows it/) },
  ]);
});

describe('the noise that a scheduler says', () => {
  const scheduler = published['stable-diffusion-2-1']!.scheduler;
  it('is listed, or of a formula', () => {
    expect(trainingOf(scheduler)).toEqual({
      parametrization: 'v',
      betas: { type: 'scaled_linear', start: 0.00085, end: 0.012, steps: 1000 },
    });
    expect(trainingOf({ ...scheduler, trained_betas: [0.5, 0.5, 0.75] }).betas).toEqual({
      type: 'explicit',
      alphasCumprod: [0.5, 0.25, 0.0625],
    });
    expect(trainingOf({ ...scheduler, beta_schedule: 'squaredcos_cap_v2' }).betas).toEqual({
      type: 'cosine',
      steps: 1000,
    });
  });

  it.each([
    [{ rescale_betas_zero_snr: true }, /pure noise, which is of no finite σ/],
    [{ clip_sample: true }, /latents have no bounds/],
    [{ thresholding: true }, /latents have no bounds/],
    [{ prediction_type: 'flow_prediction' }, /"epsilon" or "v_prediction" or "sample" is expected/],
    [{ timestep_type: 'continuous' }, /only "discrete"/],
    [{ trained_betas: [0.1, 0.2] }, /trained_betas of 2 times, and num_train_timesteps 1000/],
  ])('is refused with %j', (more, message) => {
    const [key] = Object.keys(more);
    expect(refusalsIn('scheduler', { ...scheduler, ...more }, true)).toEqual([
      { key, sentence: expect.stringMatching(message) },
    ]);
  });
});
