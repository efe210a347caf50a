import type { GraphBuilder, Kind, OutputRef, Ref, ShardsRef, Task } from '@fewstep/taskgraph';
import {
  file,
  type InputNames,
  kind,
  many,
  one,
  optional,
  type Params,
  params,
} from '@fewstep/taskgraph/kind';
import type { ClipScoreParams } from '../tasks/clip-score.js';

/** What a score is made of. */
interface Scored {
  readonly graph: GraphBuilder;
  readonly title: string;
  /** The samples. */
  readonly images: ShardsRef;
  /** What the dataset's feature network makes of them. */
  features(): ShardsRef;
  /** The same of the real images; where those may be statistics and are, these. */
  real(mayBe?: 'statistics'): {
    readonly reference: readonly OutputRef[];
    readonly statistics?: Ref;
  };
  /** The same seeds, solved near-exactly. */
  solved(): ShardsRef;
  /** What the dataset's CLIP sees in the samples, and reads in their prompts. */
  clip(): {
    readonly params: ClipScoreParams;
    readonly inputs: { readonly features: readonly ShardsRef[]; readonly prompts: readonly OutputRef[] };
  };
}

/** A score of samples, said once: its name in a spec, what it needs, what it computes, how it is shown. */
export interface Score<K extends Kind = Kind> {
  readonly name: string;
  readonly description: string;
  /** Digits after the point of each of its columns. */
  readonly digits: Readonly<Record<string, number>>;
  /** Images that it can't do with fewer of, and what takes so many; left out: one. */
  readonly least?: { readonly images: number; readonly for: string };
  /** Which of two figures is better, where one is. */
  readonly best?: 'lowest' | 'highest';
  /** Whether papers have the least of several repeats, which then stands beside their mean. */
  readonly minimum?: boolean;
  /** What the samples are compared with: real images themselves, or their statistics, too; the reference; their prompts; nothing. */
  readonly needs: 'real images' | 'real images or statistics' | 'the reference' | 'prompts' | 'nothing';
  /** The task that gives its columns, as JSON. */
  readonly kind: K;
  /** Its columns, where they are made of what the task gives. */
  shown?(value: Readonly<Record<string, number>>): Readonly<Record<string, number>>;
  plan(scored: Scored): Task<K>;
}

const score = <K extends Kind>(declared: Score<K>): Score<K> => declared;

/** A kind of task that computes a score, its columns as JSON. */
const scoring = <P, const I extends InputNames>(
  name: string,
  revision: number,
  params: Params<P>,
  inputs: I,
  run: () => Promise<unknown>,
) => kind({ name, revision, packages: ['metrics'], params, inputs, outputs: { value: file }, run });

const none = params<Record<string, never>>();
const ofFeatures = { features: many, reference: many } as const;

export const fidKind = kind({
  name: 'fid',
  revision: 5,
  packages: ['metrics'],
  params: none,
  inputs: { ...ofFeatures, statistics: optional },
  outputs: { value: file, influences: file },
  run: () => import('../tasks/fid.js'),
});
export const kidKind = kind({
  name: 'kid',
  revision: 3,
  packages: ['solvers', 'metrics'],
  params: params<{ readonly subsets: number; readonly size: number; readonly seed: number }>(),
  inputs: ofFeatures,
  outputs: { value: file },
  run: () => import('../tasks/kid.js'),
});
export const prdcKind = scoring(
  'prdc',
  1,
  params<{ readonly k: number }>(),
  ofFeatures,
  () => import('../tasks/prdc.js'),
);
export const rmseKind = scoring(
  'rmse',
  2,
  none,
  { images: many, reference: many },
  () => import('../tasks/rmse.js'),
);
export const clipScoreKind = scoring(
  'clip-score',
  1,
  params<ClipScoreParams>(),
  { features: many, prompts: many },
  () => import('../tasks/clip-score.js'),
);

/** As papers report KID. */
const kidSubsets = { subsets: 100, size: 1000, seed: 0 } as const;

/** As Naeem et al. use it (arXiv:2002.09797). */
const neighbours = 5;

/** A task that goes over samples and what the same seeds give when they are solved near-exactly. */
const difference = ({ graph, title, images, solved }: Scored) =>
  graph.task(rmseKind, { title, params: {}, inputs: { images: [images], reference: [solved()] } });

/** A task that goes over all features of samples and of real images. */
const compared = ({ title, features, real }: Scored) => ({
  title,
  inputs: { features: [features()], reference: real().reference },
});

/** Every score, in the order in which the schema lists them. */
export const scores: readonly Score[] = [
  score({
    name: 'fid',
    description:
      'Fréchet distance between features of the samples and of real images; its standard error over other samples, as many; and of fewer than 50,000 images, but twice as many as features, FID∞, what infinitely many would have (arXiv:1911.07023).',
    digits: { fid: 3, fid_inf: 3 },
    least: { images: 2, for: 'a covariance' },
    best: 'lowest',
    minimum: true, // of three, as in EDM's evaluation (arXiv:2206.00364)
    needs: 'real images or statistics',
    kind: fidKind,
    plan: ({ graph, title, features, real }) =>
      graph.task(fidKind, {
        title,
        params: {},
        inputs: { features: [features()], ...real('statistics') },
      }),
  }),
  score({
    name: 'kid',
    description:
      'Kernel inception distance and its standard error, over all pairs of images, or over 100 subsets of 1000 where pairs are more than between two sets of 10,000.',
    digits: { kid: 6 },
    least: { images: 2, for: 'a pair' },
    best: 'lowest',
    needs: 'real images',
    kind: kidKind,
    plan: (scored) => scored.graph.task(kidKind, { params: kidSubsets, ...compared(scored) }),
  }),
  score({
    name: 'prdc',
    description: 'Precision, recall, density and coverage, with balls that reach to the fifth neighbour.',
    digits: { precision: 3, recall: 3, density: 3, coverage: 3 },
    least: { images: neighbours + 1, for: `a neighbour number ${neighbours}` },
    best: 'highest',
    needs: 'real images',
    kind: prdcKind,
    plan: (scored) => scored.graph.task(prdcKind, { params: { k: neighbours }, ...compared(scored) }),
  }),
  score({
    name: 'clip_score',
    description:
      'CLIP score: 100 times the mean cosine of samples and their prompts in the dataset’s CLIP, and its standard error.',
    digits: { clip_score: 3 },
    best: 'highest',
    needs: 'prompts',
    kind: clipScoreKind,
    plan: ({ graph, title, clip }) => graph.task(clipScoreKind, { title, ...clip() }),
  }),
  score({
    name: 'rmse_to_teacher',
    description: 'Root mean square difference to the reference, in 8-bit units, and its standard error.',
    digits: { rmse_to_teacher: 2 },
    best: 'lowest',
    needs: 'the reference',
    kind: rmseKind,
    plan: difference,
  }),
  score({
    name: 'psnr_to_teacher',
    description:
      'Peak signal-to-noise ratio to the reference in dB, 20·log10(255 / rmse_to_teacher): of all images together, no mean over them; and its standard error.',
    digits: { psnr_to_teacher: 2 },
    best: 'highest',
    needs: 'the reference',
    kind: rmseKind,
    plan: difference,
    shown: ({ rmse_to_teacher: rmse, rmse_to_teacher_se: error }) => ({
      psnr_to_teacher: 20 * Math.log10(255 / rmse!),
      // of equal images it is infinite, and has none
      ...(error !== undefined && rmse! > 0 && { psnr_to_teacher_se: (20 / Math.LN10) * (error / rmse!) }),
    }),
  }),
];
export const scoreNamed = (name: string): Score | undefined => scores.find((one) => one.name === name);

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
  code: ['module'],
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
          features: needs === 'features' ? [features()] : [],
          real: needs === 'features' ? real().reference : [],
        },
      }),
  });

/** The kinds of tasks that compute them. */
export const scoreKinds = Object.fromEntries(
  [...scores.map(({ kind }) => kind), ownKind].map((kind) => [kind.name, kind]),
);

/** Whether a file of real images is of statistics of them: an .npz, or a pickle as EDM2's. */
export const isStatistics = (path: string): boolean => /\.(npz|pkl)$/i.test(path);

/** The column of the least of several repeats. */
export const minimumOf = (column: string): string => `${column}_min`;

/** The score that has a column, or of whose repeats it is the least. */
export const scoreOf = (column: string): Score | undefined =>
  scores.find(({ name, digits }) => digits[column] !== undefined || minimumOf(name) === column);

/** How many digits the table shows of a column. */
export const digitsOf = (column: string): number => {
  const score = scoreOf(column);
  return (score && (score.digits[column] ?? score.digits[score.name])) ?? 3;
};
