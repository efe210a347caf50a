export { analyticalFirstStep } from './drive/analytical-first-step.js';
export { type JointRequest, lockstep } from './drive/lockstep.js';
export {
  type Denoise,
  type Observation,
  type Solution,
  type Solve,
  solve,
  solveSync,
} from './drive/solve.js';
export { type StepMetric, stepCosts, type TeacherPath } from './drive/step-costs.js';
export { type Block, type BlockDenoise, beside, type View, withContrast, within } from './fit/block.js';
export { costOf, type FitCost } from './fit/cost.js';
export { type Energies, energiesOf, matched } from './fit/energies.js';
export {
  accepted,
  beginFit,
  concluded,
  type Fit,
  type FitRound,
  type FitState,
  fit,
  type Proposal,
  proposed,
} from './fit/fit.js';
export { boundsByBand } from './fit/last-row.js';
export { dampedStep } from './fit/levenberg-marquardt.js';
export { type NormalEquations, normalEquations, sumOf } from './fit/normal-equations.js';
export { type Bound, boundsCost, boundsOf } from './fit/oracle.js';
export { type Round, roundsOf } from './fit/rounds.js';
export { type Squares, squaresOf, sumOfSquares } from './fit/squares.js';
export {
  generator,
  type Parameter,
  type Start,
  startOf,
  type TableFamily,
  type TableGenerator,
} from './generators/generator.js';
export { generators } from './generators/registry.js';
export { steeredFamily } from './generators/steered.js';
export { type Adam, adam, type Gradients } from './learned/adam.js';
export {
  checkPredictor,
  embedSigma,
  type Predictor,
  predict,
  type Weight,
  type Weights,
} from './learned/predictor.js';
export { PredictorError } from './learned/predictor-error.js';
export { centred, initPredictor } from './learned/predictor-init.js';
export { withMiddles } from './learned/predictor-middles.js';
export { type Trainer, trainer } from './learned/predictor-trainer.js';
export {
  type EndToEndStep,
  type TowardsStep,
  trainEndToEnd,
  trainTowards,
} from './learned/train-end-to-end.js';
export { type Interval, type TrainedInterval, type TrainStep, trainStep } from './learned/train-step.js';
export { type Iteration, iterationOf } from './learned/training-log.js';
export {
  type FixedSteps,
  fixedSteps,
  readingZeros,
  steeringsOfZeros,
} from './learned/zero-bottleneck.js';
export { add, axpy, combine, slopeAt } from './math/vector.js';
export { type Method, method, type NoiseRange, type SteeredMethod, steeredMethod } from './method.js';
export { type DeisOptions, deis } from './methods/deis.js';
export { type DpmOptions, dpm } from './methods/dpm.js';
export { type DpmppOptions, type DpmppState, dpmpp } from './methods/dpmpp.js';
export { dpmppUpdate, type ModelPoint } from './methods/dpmpp-update.js';
export { euler } from './methods/euler.js';
export { heun } from './methods/heun.js';
export { type IpndmOptions, type IpndmState, ipndm } from './methods/ipndm.js';
export { ipndmV } from './methods/ipndm-v.js';
export type { MultistepState, SlopePoint } from './methods/multistep.js';
export { type Thresholding, threshold } from './methods/threshold.js';
export { type UnipcOptions, type UnipcState, unipc } from './methods/unipc.js';
export { type UnipcPoint, type UnipcVariant, unipcUpdate } from './methods/unipc-update.js';
export { around, between, free, type Output, type Range, type Span } from './output.js';
export type { Generator, Rng } from './random/generator.js';
export { numpyShuffle } from './random/numpy-shuffle.js';
export { type Draw, draw, latents, type RngName, rngs } from './random/random.js';
export { batchPlan, parseSeeds, SeedsError, seedRanges } from './random/seeds.js';
export { numpySeed, torchCpu } from './random/torch-cpu.js';
export { torchCuda } from './random/torch-cuda.js';
export { methods, steered } from './registry.js';
export {
  BOTTLENECK_SIZE,
  type Evaluation,
  type Predict,
  type Request,
  type Sigma,
  type Solver,
  type SolverState,
  type Steering,
  type Step,
  type Student,
  type Vector,
} from './solver.js';
export { SolverError } from './solver-error.js';
export { amed } from './students/amed.js';
export { dpmStudent } from './students/dpm.js';
export { dpmppStudent } from './students/dpmpp.js';
export { eulerStudent } from './students/euler.js';
export { ipndmStudent } from './students/ipndm.js';
export { opening } from './students/opening.js';
export { placed, placement, placementChoices } from './students/placement.js';
export { tableLevels, tableOutputs, tableStudent } from './students/table.js';
export type { Bands } from './table/bands.js';
export { compile } from './table/compile.js';
export { type Residual, residualsOf } from './table/residuals.js';
export { checkTable, depthOf, type SamplerTable, tableSolver } from './table/sampler-table.js';
