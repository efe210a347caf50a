import { deepEqual, type Group, pointOf } from './row.js';

/** The notebook and its scheduler: a predictor that sees zeros, so that its steps are a list. */
export const plugin: Group = {
  title: 'example.ipynb, diffusers_amed_plugin_dpmpp.py',
  rows: [
    {
      official: '`pipe(prompt=…, num_inference_steps=…)`',
      here: '`fewstep sample --predictor 27 --prompt TEXT`',
      note: 'Stable Diffusion from its file or from a folder in diffusers’ layout',
      async check() {
        const { guidance } = await pointOf('dataset=ms_coco', 'guidance={ type: cfg, prompt: a cat }');
        deepEqual(guidance?.prompts, ['a cat']);
      },
    },
  ],
};
