import type { TaskModule } from './task-module.js';

export interface KindInfo {
  /** The packages that implement it: a new version of one of them makes a new key. */
  readonly packages: readonly ('schedules' | 'solvers' | 'models' | 'metrics')[];
  /** Raised when the task's own code changes a result. */
  readonly revision: number;
  readonly outputs: readonly string[];
  /** What only some of its results have beside. */
  readonly optional?: readonly string[];
  /** Its code, loaded only in the process that computes. */
  load(): Promise<TaskModule>;
}

const sampling = ['schedules', 'solvers', 'models'] as const;

/** Every kind of task. A kind's parameters are typed in its own file. */
export const kinds = {
  denoiser: {
    packages: ['models'],
    revision: 2,
    outputs: ['graph', 'info'],
    optional: ['weights', 'decoder', 'text_encoder'],
    load: () => import('./denoiser.js'),
  },
  conditions: {
    packages: ['models'],
    revision: 1,
    outputs: ['conditions'],
    load: () => import('./conditions.js'),
  },
  'step-costs': {
    packages: sampling,
    revision: 1,
    outputs: ['costs'],
    load: () => import('./step-costs.js'),
  },
  gits: { packages: ['schedules'], revision: 1, outputs: ['schedule'], load: () => import('./gits.js') },
  teacher: { packages: sampling, revision: 1, outputs: ['trajectories'], load: () => import('./teacher.js') },
  predictor: {
    packages: sampling,
    revision: 3,
    outputs: ['predictor', 'log'],
    load: () => import('./predictor.js'),
  },
  samples: { packages: sampling, revision: 1, outputs: ['images'], load: () => import('./samples.js') },
  'feature-network': {
    packages: ['models'],
    revision: 1,
    outputs: ['graph'],
    load: () => import('./feature-network.js'),
  },
  features: {
    packages: ['metrics'],
    revision: 1,
    outputs: ['features', 'moments'],
    load: () => import('./features.js'),
  },
  'reference-features': {
    packages: ['metrics'],
    revision: 1,
    outputs: ['features', 'moments'],
    load: () => import('./reference-features.js'),
  },
  fid: { packages: ['metrics'], revision: 1, outputs: ['value'], load: () => import('./fid.js') },
  kid: { packages: ['metrics'], revision: 1, outputs: ['value'], load: () => import('./kid.js') },
  prdc: { packages: ['metrics'], revision: 1, outputs: ['value'], load: () => import('./prdc.js') },
  rmse: { packages: ['metrics'], revision: 1, outputs: ['value'], load: () => import('./rmse.js') },
  picture: { packages: ['metrics'], revision: 1, outputs: ['png'], load: () => import('./picture.js') },
} as const satisfies Record<string, KindInfo>;

export type Kind = keyof typeof kinds;
