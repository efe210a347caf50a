import { steeredMethod } from '../method.js';
import {
  type DpmppOptions,
  type DpmppState,
  dpmpp,
  dpmppAdvance,
  dpmppChoices,
  dpmppOptions,
} from '../methods/dpmpp.js';
import type { Student } from '../solver.js';
import { placementChoices, placing } from './placement.js';
import { twoSteps } from './two-steps.js';

/**
 * DPM-Solver++ with a predictor: two of its steps. `scale_dir` multiplies the model's part of the second; `lowerOrderFinal`
 * counts the half steps.
 *
 * @throws SolverError (E_SOLVER) if maxOrder is not 1, 2 or 3, or dynamic thresholding has no D to keep in bounds
 */
export const dpmppStudent = (options: DpmppOptions = {}): Student<DpmppState> =>
  twoSteps(dpmpp(options), (state, denoised, sigma, sigmaNext, remaining, scale) =>
    dpmppAdvance(state, denoised, sigma, sigmaNext, remaining, options, scale),
  );

export const steeredDpmpp = steeredMethod({
  name: 'dpmpp',
  ...placing,
  options: { ...placementChoices, ...dpmppChoices },
  teacher: 'dpmpp',
  make: (chosen) => dpmppStudent(dpmppOptions(chosen)),
});
