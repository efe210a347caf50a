export { type Adam, adam, type Gradients } from './adam.js';
export { analyticalFirstStep } from './analytical-first-step.js';
export { type DeisOptions, deis } from './deis.js';
export { type DpmOptions, dpm } from './dpm.js';
export { type DpmppOptions, type DpmppState, dpmpp } from './dpmpp.js';
export { dpmppUpdate, type ModelPoint } from './dpmpp-update.js';
export { euler } from './euler.js';
export { heun } from './heun.js';
export { type IpndmOptions, type IpndmState, ipndm } from './ipndm.js';
export { ipndmV } from './ipndm-v.js';
export { type JointRequest, lockstep } from './lockstep.js';
export type { MultistepState, SlopePoint } from './multistep.js';
export {
  checkPredictor,
  embedSigma,
  type Predictor,
  type PredictorSettings,
  predict,
  type Weight,
  type Weights,
} from './predictor.js';
export { PredictorError } from './predictor-error.js';
export { initPredictor } from './predictor-init.js';
export { withMiddles } from './predictor-middles.js';
export { type Trainer, trainer } from './predictor-trainer.js';
export { type Draw, draw, latents, type RngName, rngs } from './random.js';
export type { Generator, Rng } from './random-generator.js';
export { numpySeed, torchCpu } from './random-torch-cpu.js';
export { torchCuda } from './random-torch-cuda.js';
export { type MethodOptions, type SolverName, type StudentName, solvers, students } from './registry.js';
export { batchPlan, parseSeeds, SeedsError } from './seeds.js';
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
export { type StepMetric, stepCosts, type TeacherPath } from './step-costs.js';
export { amed } from './students/amed.js';
export { dpmStudent } from './students/dpm.js';
export { dpmppStudent } from './students/dpmpp.js';
export { eulerStudent } from './students/euler.js';
export { ipndmStudent } from './students/ipndm.js';
export { threshold } from './threshold.js';
export { type Interval, type TrainedInterval, type TrainStep, trainStep } from './training.js';
export { type EndToEndStep, trainEndToEnd } from './training-end-to-end.js';
export { type UnipcOptions, type UnipcState, unipc } from './unipc.js';
export { type UnipcPoint, type UnipcVariant, unipcUpdate } from './unipc-update.js';
