import { compile, methods } from '@fewstep/solvers';
import type { SamplerFile } from './sampler-file.js';

const solver = methods.ipndm.make({ max_order: 4 }, { sigmaMin: 0.002, sigmaMax: 80 });
/** Of a plain method, 2 evaluations of networks like that of digits. */
export const plain: SamplerFile = {
  table: compile({ solver, sigmas: [80, 9.7, 1.1, 0.002], afs: true }),
  model: { dataset: 'digits', shape: [1, 32, 32], sigma_min: 0.002, sigma_max: 80, latents: false },
  schedule: { type: 'explicit', sigmas: [80, 9.7, 1.1, 0.002] },
  student: { solver: 'ipndm', max_order: 4, num_steps: 4, afs: true },
};
/** The same with all that the file of a trained one says, guided. */
export const trained: SamplerFile = {
  ...plain,
  guidance: { type: 'cfg', rate: 7.5 },
  teacher: {
    ...{ solver: 'heun', num_steps: 18, afs: false, denoise_to_zero: true },
    schedule: { type: 'polynomial', rho: 7 },
  },
  train: {
    ...{ images: 192, rounds: 8, validation: 64, seed: 0 },
    ...{ seeds: '2147483648-2147483839', validation_seeds: '3221225472-3221225535' },
    ...{ loss: 'l2', contrast: 4, uses_metric_features: false, calls: 46_080, teacher_calls: 8960 },
    rmse: [15.02 / 127.5, 1 / 3],
  },
  source: 'NeuralSolver, MIT',
};
