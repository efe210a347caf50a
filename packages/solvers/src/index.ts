export { analyticalFirstStep } from './analytical-first-step.js';
export { euler } from './euler.js';
export { heun } from './heun.js';
export { type Denoise, type Observation, type Solution, type Solve, solve, solveSync } from './solve.js';
export type {
  Evaluation,
  Predict,
  Request,
  Sigma,
  Solver,
  SolverState,
  Steering,
  Step,
  Student,
  Vector,
} from './solver.js';
export { SolverError } from './solver-error.js';
export { amed } from './students/amed.js';
