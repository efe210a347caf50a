import { file, kind, many, params } from '@fewstep/taskgraph/kind';
import { score } from './score.js';

/** As Naeem et al. use it (arXiv:2002.09797). */
const neighbours = 5;

export const prdcKind = kind({
  name: 'prdc',
  revision: 1,
  packages: ['metrics'],
  params: params<{ readonly k: number }>(),
  inputs: { features: many, reference: many },
  outputs: { value: file },
  run: () => import('../tasks/prdc.js'),
});

export const prdc = score({
  name: 'prdc',
  description: 'Precision, recall, density and coverage, with balls that reach to the fifth neighbour.',
  digits: { precision: 3, recall: 3, density: 3, coverage: 3 },
  needs: 'real images',
  kind: prdcKind,
  plan: ({ graph, title, features, real }) =>
    graph.task(prdcKind, {
      title,
      params: { k: neighbours },
      inputs: { features: [features('features')], reference: real('features').reference },
    }),
});
