import { vpThrough } from '@fewstep/schedules';
import type { MultistepState, Solver, SolverState, Step, Vector } from '@fewstep/solvers';
import { type Configuration, solverOf } from './configuration.js';

/** Weights of the slopes at all noise levels so far, newest first, in the step from levels[0] to `sigmaNext`. */
type Weights = (levels: readonly number[], sigmaNext: number) => readonly number[];

/** Our method with the official misreading of it put in; undefined where the official code has none. */
export function misread(config: Configuration): Solver | undefined {
  if (config.solver === 'unipc') return correctingTheLast(config);
  const weights = misreadWeights(config);
  return weights && multistep(weights);
}

/** The official weights as they come from ours; undefined where they are ours. */
export function misreadWeights(config: Configuration): Weights | undefined {
  if (config.solver === 'ipndm_v') return (config.max_order ?? 4) >= 3 ? otherDifferences(config) : undefined;
  if (config.solver === 'deis') return config.deis_mode === 'rhoab' ? oneOrderAhead(config) : summed(config);
  return undefined;
}

/**
 * unipc: the last step is corrected too, at the price of one more evaluation, where history is still gathered then. It is
 * our step with another one to follow.
 */
function correctingTheLast(config: Configuration): Solver | undefined {
  if (config.num_steps - 1 >= (config.max_order ?? 3)) return undefined;
  const solver = solverOf('unipc', config);
  return { ...solver, step: (state, from, to, remaining) => solver.step(state, from, to, remaining + 1) };
}

/**
 * ipndm_v. With h, h₁, h₂, h₃ the step and those before it, newest first, the rule is Σ_j g_j·Φ_j, Φ_j the differences of
 * the slopes scaled to the grid. Officially
 *
 * - order 3: g₂ = (1 − a)·b/2 is (1 − a·b)/2, a = h/3(h + h₁), b = h(h + h₁)/h₁(h₁ + h₂);
 * - order 4: beside that, g₃ = ((1 − a)/2 − c)·d is ((1 − a)/2 + c)·d, and the oldest slope of Φ₃ has a ratio h₁/h₂ in
 *   place of h₂/h₃.
 */
function otherDifferences(config: Configuration): Weights {
  const ours = ourWeights(config);
  return (levels, sigmaNext) => {
    const weights = ours(levels, sigmaNext);
    if (weights.length < 3) return weights;
    const steps = levels
      .slice(0, weights.length)
      .map((level, i) => (i > 0 ? levels[i - 1]! : sigmaNext) - level);
    const [h, h1, h2, h3 = 0] = steps as [number, number, number, number?];
    const a = h / (3 * (h + h1));
    const b = (h * (h + h1)) / (h1 * (h1 + h2));
    const excess2 = (1 - a * b - (1 - a) * b) / 2;
    const ratio = h1 / h2;
    const ofThird = [1, -1 - ratio, ratio, 0].map((share) => share * excess2);
    if (weights.length === 3) return weights.map((weight, k) => weight + h * ofThird[k]!);

    const c = ((1 - h / (2 * (h + h1))) * h) / (6 * (h + h1 + h2));
    const d = (b * (h + h1 + h2)) / (h1 + h2 + h3);
    const q = (ratio * (h1 + h2)) / (h2 + h3);
    const ofFourth = [1, -1 - ratio - q, ratio + q * (1 + h2 / h3), (-q * h2) / h3].map(
      (share) => share * 2 * c * d,
    );
    ofFourth[3]! += ((1 - a) / 2 + c) * d * q * (h2 / h3 - ratio);
    return weights.map((weight, k) => weight + h * (ofThird[k]! + ofFourth[k]!));
  };
}

/** deis rhoab, order 4: from the fifth step on, the weights are those of the fourth. */
function oneOrderAhead(config: Configuration): Weights {
  const ours = ourWeights(config);
  return (levels, sigmaNext) => {
    const fourth = [sigmaNext, ...levels].slice(-5);
    return ours(fourth.slice(1), fourth[0]!);
  };
}

const POINTS = 10_000;

/**
 * deis tab: the range is 0.002 to 80 whatever σ_min and σ_max, and an integral ∫ f dt is a sum over 10,000 points from end
 * to end, divided by 10,000 intervals.
 */
function summed(config: Configuration): Weights {
  const { sigmaOfT, tOfSigma } = vpThrough(0.002, 80, 1e-3);
  const variance = (t: number) => sigmaOfT(t) ** 2;
  // log(1 + σ²) is quadratic in t, so that a central difference, however wide, is its derivative.
  const slope = (t: number) => {
    const rise = Math.log1p(variance(1.1 * t)) - Math.log1p(variance(0.9 * t));
    return ((rise / (0.2 * t)) * (1 + variance(t))) / (2 * sigmaOfT(t));
  };
  return (levels, sigmaNext) => {
    const nodes = levels.slice(0, config.max_order ?? 4).map(tOfSigma);
    if (nodes.length === 1) return [sigmaNext - levels[0]!];
    const [from, to] = [nodes[0]!, tOfSigma(sigmaNext)];
    const points = Array.from({ length: POINTS }, (_, i) => from + (i / (POINTS - 1)) * (to - from));
    const slopes = points.map(slope);
    return nodes.map((node, k) => {
      const others = nodes.toSpliced(k, 1);
      const basis = (t: number) =>
        others.reduce((product, other) => (product * (t - other)) / (node - other), 1);
      return (points.reduce((sum, t, i) => sum + slopes[i]! * basis(t), 0) * (to - from)) / POINTS;
    });
  };
}

/** The weights that our solver has for as many of the newest slopes as it uses: what a step makes of unit vectors. */
function ourWeights(config: Configuration): Weights {
  const solver = solverOf(config.solver!, config) as Solver<SolverState> as Solver<MultistepState>;
  return (all, sigmaNext) => {
    const levels = all.slice(0, config.max_order ?? 4);
    const unit = (k: number) => Float64Array.from(levels, (_, i) => (i === k ? 1 : 0));
    const points = levels.map((sigma, k) => ({ slope: unit(k), sigma })).slice(1);
    const step = solver.step({ x: unit(-1), points }, levels[0]!, sigmaNext, 1);
    step.next();
    const last = step.next({ denoised: unit(0).map((slope) => -slope * levels[0]!) });
    return [...last.value.x];
  };
}

interface History extends SolverState {
  /** All slopes so far and their levels, newest first. */
  readonly slopes: readonly Vector[];
  readonly levels: readonly number[];
}

/** A linear multistep method of given weights. */
function multistep(weights: Weights): Solver {
  const solver: Solver<History> = {
    name: 'misread',
    order: 1,
    init: (x) => ({ x, slopes: [], levels: [] }),
    *step(state, sigma, sigmaNext): Step<History> {
      const { denoised } = yield { x: state.x, sigma };
      const slopes = [state.x.map((value, i) => (value - denoised[i]!) / sigma), ...state.slopes];
      const levels = [sigma, ...state.levels];
      const w = weights(levels, sigmaNext);
      const x = state.x.map((value, i) => w.reduce((sum, weight, k) => sum + weight * slopes[k]![i]!, value));
      return { x, slopes, levels };
    },
  };
  return solver as Solver<SolverState>;
}
