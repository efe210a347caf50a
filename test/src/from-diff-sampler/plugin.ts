import { deepEqual, equal } from 'node:assert/strict';
import { join } from 'node:path';
import { readOfficialPredictor } from '@fewstep/models';
import { readExperiment } from '@fewstep/runner';
import { root } from '../command-line.js';
import { type Group, pointOf } from './row.js';
import { commands } from './world.js';

/** The notebook and its scheduler: a predictor that sees zeros, so that its steps are a list. */
export const plugin: Group = {
  title: 'example.ipynb, diffusers_amed_plugin_dpmpp.py',
  rows: [
    {
      official: '`read_amed_predictor`: time steps, scale_dirs, scale_times',
      here: '`fewstep predictors show FILE|NUMBER|NAME`',
      note: 'a table, with `--json` the lists; at a bottleneck of zeros, as there',
      async check(world) {
        const { sigmas, scale_dirs, scale_times } = await world.json(commands.show());
        deepEqual([sigmas.length, scale_dirs.length, scale_times.length], [7, 7, 7]);
        equal(sigmas[0], 80);
      },
    },
    {
      official: '`torch.load("network-snapshot-000005.pt")`',
      here: 'the same file',
      note: 'both forms, pickle and zip, are read as data',
      async check() {
        const fixture = join(root, 'packages/models/fixtures/official-predictor');
        const { settings } = await readOfficialPredictor(`${fixture}.pt`);
        deepEqual(settings, (await readOfficialPredictor(`${fixture}.pkl`)).settings);
      },
    },
    {
      official: '`DPMSolverMultistepScheduler` with these lists',
      here: '`student.bottleneck: zero`',
      note: 'a spec that samples by that list, with `solver: dpmpp, max_order: 2`; at the times that it says, which the scheduler rounds to whole ones. As a table it goes to diffusers unrounded, by `fewstep samplers export`',
      async check() {
        const point = await pointOf('student={ solver: dpmpp, max_order: 2, bottleneck: zero }');
        equal(point.sampler.method.max_order, 2);
      },
    },
    {
      official: '`pipe(prompt=…, num_inference_steps=…)`',
      here: '`experiments/ms_coco-plugin.yaml`',
      note: 'the notebook’s run with its prompt; or `fewstep sample --predictor 27 --prompt TEXT`. Stable Diffusion from its file, or as `dataset.checkpoint` from a folder in diffusers’ layout',
      async check() {
        const { points } = await readExperiment(join(root, 'experiments/ms_coco-plugin.yaml'));
        equal(points[0]!.guidance?.prompts?.length, 1);
      },
    },
  ],
};
