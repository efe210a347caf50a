/** Flat array of a batch: n samples of `size` numbers each, row-major, data units. */
export type Vector = Float64Array;

/** Noise level σ (standard deviation, data units): one for the whole batch, or one per sample [n]. */
export type Sigma = number | Vector;

/** What a step asks for: D(x; σ). */
export interface Request {
  readonly x: Vector;
  readonly sigma: Sigma;
}

/** Numbers per sample of a bottleneck: 8 × 8. */
export const BOTTLENECK_SIZE = 64;

/** The answer: `denoised` = D(x; σ), as long as x; `bottleneck`: [n × 64], the network's 8×8 feature map averaged over channels. */
export interface Evaluation {
  readonly denoised: Vector;
  readonly bottleneck?: Vector;
}

/** A step in progress: yields requests, receives evaluations, returns the state at `sigmaNext`. It never awaits and counts nothing. */
export type Step<State> = Generator<Request, State, Evaluation>;

/** What every state holds: the batch at the current σ. */
export interface SolverState {
  readonly x: Vector;
}

/**
 * A method for the probability-flow ODE dx/dσ = (x − D(x; σ)) / σ.
 *
 * Its state between steps is plain immutable data, so a student step from a given history is just a call, and a
 * solve can be saved and resumed.
 */
export interface Solver<State extends SolverState = SolverState> {
  readonly name: string;
  /** Global order of convergence on a smooth problem. */
  readonly order: number;
  /** x: [n × size] at the first σ; n: samples in it. */
  init(x: Vector, n: number): State;
  /** One interval, from `sigma` down to `sigmaNext`. `remaining`: intervals still to go, this one included. */
  step(state: State, sigma: number, sigmaNext: number, remaining: number): Step<State>;
}

/** What a predictor decides in one interval, by the names of the student's outputs: rows are samples, [n × count]. */
export type Steering = Readonly<Record<string, Vector>>;

/** The predictor as a step sees it. `bottleneck`: [n × 64] of the evaluation that opens the step (zeros under the analytical first step). */
export type Predict = (bottleneck: Vector, sigma: number, sigmaNext: number) => Steering;

/**
 * A solver that leaves something of each step to a predictor, as AMED's (arXiv:2312.00094) the intermediate time.
 *
 * Given a predictor it is a solver like any other.
 */
export interface Student<State extends SolverState = SolverState> {
  readonly name: string;
  /** true: a step depends on x alone, so training starts each step from the teacher's point; false: from the student's own. */
  readonly singleStep: boolean;
  steered(predict: Predict): Solver<State>;
}
