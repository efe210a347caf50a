import { file, kind, many, params } from '@fewstep/taskgraph/kind';
import { score } from './score.js';

export const rmseKind = kind({
  name: 'rmse',
  revision: 1,
  packages: ['metrics'],
  params: params<Record<string, never>>(),
  inputs: { images: many, reference: many },
  outputs: { value: file },
  run: () => import('../tasks/rmse.js'),
});

export const rmseToTeacher = score({
  name: 'rmse_to_teacher',
  description: 'Root mean square difference to the reference, in 8-bit units.',
  digits: { rmse_to_teacher: 2 },
  needs: 'the reference',
  kind: rmseKind,
  plan: ({ graph, title, images, solved }) =>
    graph.task(rmseKind, { title, params: {}, inputs: { images: [images], reference: [solved()] } }),
});
