import { expect, it } from 'vitest';
import { publishedFacts } from './published-latent.js';

/** LSUN Churches of latent diffusion, as its weights show it. */
const churches = {
  network: {
    in_channels: 4,
    out_channels: 4,
    model_channels: 192,
    channel_mult: [1, 2, 2, 4, 4],
    num_res_blocks: 2,
    attention_resolutions: [1, 2, 4, 8],
    num_classes: 0,
    use_scale_shift_norm: true,
    resblock_updown: true,
  },
  decoder: { embed_dim: 4, n_embed: 0, ch: 128 },
  textEncoder: undefined,
};

it('knows a published model by everything that it shows, and no other', () => {
  expect(publishedFacts(churches)).toEqual({
    from: 'registry',
    options: { image_size: 32, num_heads: 8, attention_order: 'heads-qkv-channels', parametrization: 'eps' },
    betas: { type: 'scaled_linear', start: 0.0015, end: 0.0155, steps: 1000 },
  });
  const { network, decoder } = churches;
  for (const other of [
    { ...churches, network: { ...network, channel_mult: [1, 2, 2, 4] } },
    { ...churches, network: { ...network, resblock_updown: false } },
    { ...churches, network: { ...network, transformer: { depth: 1, context_dim: 768 } } },
    { ...churches, decoder: { ...decoder, n_embed: 8192 } },
    { ...churches, textEncoder: { hidden_size: 768 } },
  ])
    expect(publishedFacts(other)).toBeUndefined();
});
