import { deepEqual, ok } from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readExperiment } from '@fewstep/runner';
import { root } from '../command-line.js';
import type { Group, Row } from './row.js';

const recommended = (official: string, dataset: string, labels: readonly string[], note: string): Row => ({
  official,
  here: `\`experiments/${dataset}-amed.yaml\``,
  note,
  async check() {
    const { points } = await readExperiment(join(root, `experiments/${dataset}-amed.yaml`));
    const withPredictor = points.filter(({ train }) => train !== false);
    deepEqual(
      withPredictor.map(({ label }) => label),
      labels,
    );
  },
});

const both = ['AMED-Solver', 'AMED-Plugin on ipndm'];
const onDpmpp = ['AMED-Plugin on dpmpp'];
const beside = 'AMED-Solver and AMED-Plugin on iPNDM as two points of a grid, plain solvers beside them';

/** The recommended settings, of which each file says how it is run. */
export const settings: Group = {
  title: 'launch.sh',
  rows: [
    recommended('A.1 CIFAR10', 'cifar10', both, beside),
    recommended('A.2 FFHQ', 'ffhq', both, 'the same'),
    recommended('A.3 ImageNet64', 'imagenet64', both, 'the same'),
    recommended(
      'A.4 LSUN_Bedroom_ldm',
      'lsun_bedroom_ldm',
      onDpmpp,
      'AMED-Plugin on DPM-Solver++ of order 3, noise prediction',
    ),
    recommended(
      'A.5 Stable Diffusion',
      'ms_coco',
      onDpmpp,
      'of order 2, cfg 7.5; what there is NFE 10 is 5 evaluations of two passes each',
    ),
    recommended('none: AFHQv2', 'afhqv2', both, 'no official settings: the file says from where ours are'),
    recommended('none: LSUN_Bedroom', 'lsun_bedroom', ['AMED-Solver', 'AMED-Plugin on dpm'], 'the same'),
    recommended(
      'none: ImageNet256',
      'imagenet256',
      ['AMED-Solver', ...onDpmpp],
      'the same; classifier guidance of rate 4',
    ),
    {
      official: 'Performance, a picture of a table',
      here: '`experiments/published/amed-solver.yaml`',
      note: 'as data, which `published: published/amed-solver.yaml` sets beside the FID of a run',
      async check() {
        const text = await readFile(join(root, 'experiments/published/amed-solver.yaml'), 'utf8');
        ok(text.includes('dataset: cifar10'));
      },
    },
  ],
};
