import { choice, count, file, flag, number } from './options.js';

/** What the weights of a U-Net of ADM's kind don't show. */
const unseen = {
  image_size: count('Height and width of what is denoised, pixels of the image or of the latent.'),
  num_heads: count('Heads of each attention layer.'),
  num_head_channels: count('Channels of a head, in place of num_heads.'),
};

const useEma = flag(
  'Averaged weights where the file has them beside others (model_ema.*, ema, …), as is the default.',
);
const attentionOrder = choice(
  ['heads-qkv-channels', 'qkv-heads-channels'],
  'How an attention layer’s channels are laid out: by heads (heads-qkv-channels: guided diffusion, and all of improved diffusion) or by query, key and value (qkv-heads-channels: use_new_attention_order, and Consistency Models).',
);

/** The same, all of it. */
export const guidedOptions = {
  ...unseen,
  num_heads_upsample: count('Heads of the decoder’s attention layers, where they are not num_heads.'),
  attention_order: attentionOrder,
  use_ema: useEma,
};

const parametrization = choice(
  ['eps', 'v', 'x0'],
  'What the network gives at a discrete time: the noise, the velocity, or the image or latent itself.',
);

/** What noise a network was trained on that predicts it at discrete times, and what it gives. */
export const diffusionOptions = {
  noise_schedule: choice(
    ['linear', 'cosine'],
    'β evenly spaced, or ᾱ a squared cosine (improved diffusion, 64x64_diffusion.pt).',
  ),
  diffusion_steps: count('Discrete times of the training: 1000, or improved diffusion’s 4000.', 2),
  rescale_timesteps: flag(
    'Whether the network is told its times as if they were 1000, as by improved diffusion’s default; the same of 1000 times.',
  ),
  parametrization,
};

/** What a classifier's weights don't show. */
export const classifierOptions = {
  classifier_num_heads: count('Heads of each attention layer of the classifier.'),
  classifier_num_head_channels: count('Channels of such a head, in place of classifier_num_heads.'),
  classifier_attention_order: attentionOrder,
};

const beta = { exclusiveMinimum: 0, maximum: 1 };
/** What the file of a latent diffusion model doesn't show. */
export const latentOptions = {
  ...unseen,
  attention_order: attentionOrder,
  parametrization,
  num_attention_heads: count('Heads of the text encoder.'),
  hidden_act: choice(
    ['quick_gelu', 'gelu'],
    'Activation of the text encoder: quick_gelu in OpenAI’s CLIP, gelu in OpenCLIP.',
  ),
  scale_factor: number({ exclusiveMinimum: 0 }, 'What the first stage’s latents are multiplied by.'),
  linear_start: number(
    beta,
    'First β of the noise table, √β evenly spaced; for a file without alphas_cumprod, or with one of half precision.',
  ),
  linear_end: number(beta, 'Last β of that table.'),
  use_ema: useEma,
  first_stage: file(
    'vq-f4/model.ckpt',
    'Checkpoint of the first stage of a latent diffusion model whose file has none (first_stage_model.*), relative to the spec; it comes before one that the file has.',
  ),
};
