/** What the files of fixtures/ of ADM's kind don't show. */
export const admTold = {
  image_size: 16,
  num_head_channels: 16,
  attention_order: 'heads-qkv-channels',
  noise_schedule: 'linear',
  diffusion_steps: 1000,
  parametrization: 'eps',
} as const;

/** The same of the classifier among them. */
export const classifierTold = {
  num_head_channels: admTold.num_head_channels,
  attention_order: admTold.attention_order,
} as const;
