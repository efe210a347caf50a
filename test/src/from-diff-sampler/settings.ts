import { join } from 'node:path';
import { readExperiment } from '@fewstep/runner';
import { root } from '../command-line.js';
import { deepEqual, type Group, type Row } from './row.js';

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
const beside = 'AMED-Solver and AMED-Plugin on iPNDM as two points of a grid, plain solvers beside them';

/** The recommended settings, of which each file says how it is run. */
export const settings: Group = {
  title: 'launch.sh',
  rows: [
    recommended('A.1 CIFAR10', 'cifar10', both, beside),
    recommended('A.2 FFHQ', 'ffhq', both, 'the same'),
    recommended('A.3 ImageNet64', 'imagenet64', both, 'the same'),
    recommended('none: AFHQv2', 'afhqv2', both, 'no official settings: those of FFHQ'),
  ],
};
