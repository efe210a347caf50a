import { file, kind, many, params } from '@fewstep/taskgraph/kind';
import { score } from './score.js';

export const kidKind = kind({
  name: 'kid',
  revision: 1,
  packages: ['metrics'],
  params: params<Record<string, never>>(),
  inputs: { features: many, reference: many },
  outputs: { value: file },
  run: () => import('../tasks/kid.js'),
});

export const kid = score({
  name: 'kid',
  description: 'Kernel inception distance over all samples and all real images.',
  digits: { kid: 5 },
  needs: 'real images',
  kind: kidKind,
  plan: ({ graph, title, features, real }) =>
    graph.task(kidKind, {
      title,
      params: {},
      inputs: { features: [features('features')], reference: real('features').reference },
    }),
});
