import { file, kind, many, optional, params } from '@fewstep/taskgraph/kind';
import { score } from './score.js';

export const fidKind = kind({
  name: 'fid',
  revision: 1,
  packages: ['metrics'],
  params: params<Record<string, never>>(),
  inputs: { moments: many, reference: many, statistics: optional },
  outputs: { value: file },
  run: () => import('../tasks/fid.js'),
});

export const fid = score({
  name: 'fid',
  description: 'Fréchet distance between features of the samples and of real images.',
  digits: { fid: 3 },
  needs: 'real images or statistics',
  kind: fidKind,
  plan: ({ graph, title, features, real }) =>
    graph.task(fidKind, {
      title,
      params: {},
      inputs: { moments: [features('moments')], ...real('moments') },
    }),
});
