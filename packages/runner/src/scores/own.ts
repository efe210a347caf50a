import { file, kind, many, one, params } from '@fewstep/taskgraph/kind';
import { type Score, score } from './score.js';

/** A score that a file of the user's own declares, as data. */
export interface OwnScore {
  readonly file: string;
  /** What it calls itself. */
  readonly name: string;
  readonly needs: 'images' | 'features';
  readonly digits: Readonly<Record<string, number>>;
}

export const ownKind = kind({
  name: 'score',
  revision: 1,
  // what its module gets is of all of these
  packages: ['schedules', 'solvers', 'metrics'],
  params: params<{ readonly score: string }>(),
  inputs: { module: one, images: many, features: many, real: many },
  outputs: { value: file },
  run: () => import('../tasks/score.js'),
});

/** It as ours are: of the samples' images, or of features of them and of real images. */
export const ownScore = ({ file: path, name, needs, digits }: OwnScore): Score =>
  score({
    name,
    description: `Of ${path}.`,
    digits,
    needs: needs === 'images' ? 'nothing' : 'real images',
    kind: ownKind,
    plan: ({ graph, title, images, features, real }) =>
      graph.task(ownKind, {
        title,
        params: { score: name },
        inputs: {
          module: { file: path, as: 'module' },
          images: needs === 'images' ? [images] : [],
          features: needs === 'features' ? [features('features')] : [],
          real: needs === 'features' ? real('features').reference : [],
        },
      }),
  });
