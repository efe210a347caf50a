import fc from 'fast-check';
import { drive, solveSync } from '../drive/solve.js';
import { torchCpu } from '../random/torch-cpu.js';
import type { Evaluation, Predict, Request, Solver, SolverState, Student, Vector } from '../solver.js';
import { amed } from '../students/amed.js';
import { dpmStudent } from '../students/dpm.js';
import { dpmppStudent } from '../students/dpmpp.js';
import { eulerStudent } from '../students/euler.js';
import { ipndmStudent } from '../students/ipndm.js';
import { deis } from './deis.js';
import { dpm } from './dpm.js';
import { dpmpp } from './dpmpp.js';
import { euler } from './euler.js';
import { heun } from './heun.js';
import { ipndm } from './ipndm.js';
import { ipndmV } from './ipndm-v.js';
import { unipc } from './unipc.js';

/** A denoiser of one number at a time, as D of a whole batch, with a bottleneck that tells the samples apart. */
export function denoiser(at: (x: number, sigma: number) => number, n = 1) {
  return ({ x, sigma }: Request): Evaluation => {
    const rows = typeof sigma === 'number' ? n : sigma.length;
    const size = x.length / rows;
    const row = (i: number) => Math.floor(i / size);
    return {
      denoised: x.map((value, i) => at(value, typeof sigma === 'number' ? sigma : sigma[row(i)]!)),
      bottleneck: Float64Array.from({ length: 64 * rows }, (_, i) =>
        Math.tanh(x[Math.floor(i / 64) * size]! * (i % 64)),
      ),
    };
  };
}

/** Data N(mean, deviation²): D and the flow of the ODE in closed form. */
export function gaussian(mean: number, deviation: number) {
  const variance = (sigma: number) => deviation ** 2 + sigma ** 2;
  return {
    at: (x: number, sigma: number) => (deviation ** 2 * x + sigma ** 2 * mean) / variance(sigma),
    flow: (x: number, sigma: number, sigmaNext: number) =>
      mean + (x - mean) * Math.sqrt(variance(sigmaNext) / variance(sigma)),
  };
}

/** Data in two clusters at ±0.3, deviation 0.1: no closed form, but as curved as real data. */
export function twoClusters(x: number, sigma: number): number {
  const v = 0.01 + sigma * sigma;
  return (0.01 * x + sigma * sigma * 0.3 * Math.tanh((0.3 * x) / v)) / v;
}

/** A predictor that always places the middle at r, another for each sample if several are given. */
export function fixed(r: number | readonly number[] = 0.5, scaleDir = 1, scaleTime = 1): Predict {
  return (bottleneck) => {
    const n = bottleneck.length / 64;
    return {
      r: Float64Array.from({ length: n }, (_, i) => (typeof r === 'number' ? r : r[i % r.length]!)),
      scale_dir: new Float64Array(n).fill(scaleDir),
      scale_time: new Float64Array(n).fill(scaleTime),
    };
  };
}

/** A predictor whose placement depends on the bottleneck, so on the sample. */
export const lively: Predict = (bottleneck, sigma, sigmaNext) => {
  const n = bottleneck.length / 64;
  const spread = (low: number, high: number, shift: number) =>
    Float64Array.from({ length: n }, (_, i) => {
      const wave = Math.sin(bottleneck[i * 64 + 1]! + shift + Math.log(sigma * sigmaNext));
      return low + ((high - low) * (1 + wave)) / 2;
    });
  return { r: spread(0.3, 0.7, 0), scale_dir: spread(0.99, 1.01, 1), scale_time: spread(0.9, 1.1, 2) };
};

export interface Method {
  readonly label: string;
  readonly solver: Solver<SolverState>;
  /** Evaluations per interval. */
  readonly cost: number;
  readonly singleStep: boolean;
  /** false: it sees σ against 1, so that scaling data and noise alike changes the result. */
  readonly scaleFree: boolean;
}

const dpmppVariants = [1, 2, 3].flatMap((maxOrder) =>
  [true, false].map((predictX0) => ({ maxOrder, predictX0, lowerOrderFinal: maxOrder !== 2 })),
);

function plain<State extends SolverState>(
  label: string,
  solver: Solver<State>,
  other: Partial<Method> = {},
): Method {
  const method = { cost: 1, singleStep: false, scaleFree: true, ...other };
  return { label, solver: solver as Solver<SolverState>, ...method };
}

export const plainMethods: readonly Method[] = [
  plain('euler', euler, { singleStep: true }),
  plain('heun', heun, { cost: 2, singleStep: true }),
  plain('dpm', dpm(), { cost: 2, singleStep: true }),
  plain('dpm r 0.3', dpm({ r: 0.3 }), { cost: 2, singleStep: true }),
  ...[1, 2, 3, 4].flatMap((maxOrder) => [
    plain(`ipndm ${maxOrder}`, ipndm({ maxOrder })),
    plain(`ipndm_v ${maxOrder}`, ipndmV({ maxOrder })),
    plain(`deis ${maxOrder} tab`, deis({ maxOrder }), { scaleFree: maxOrder === 1 }),
    plain(`deis ${maxOrder} rhoab`, deis({ maxOrder, deisMode: 'rhoab' })),
  ]),
  ...dpmppVariants.map((options) =>
    plain(`dpmpp ${options.maxOrder} ${options.predictX0 ? 'x0' : 'eps'}`, dpmpp(options)),
  ),
  ...dpmppVariants.flatMap((options) =>
    (['bh1', 'bh2'] as const).map((variant) =>
      plain(
        `unipc ${options.maxOrder} ${options.predictX0 ? 'x0' : 'eps'} ${variant}`,
        unipc({ ...options, variant }),
      ),
    ),
  ),
];

/** Every student, steered by `predict`. */
export function steeredMethods(predict: Predict): readonly Method[] {
  const all: [string, Student<SolverState>][] = [
    ['amed', amed],
    ['euler', eulerStudent],
    ['dpm', dpmStudent],
    ...[1, 2, 3, 4].map((maxOrder) => [`ipndm ${maxOrder}`, ipndmStudent({ maxOrder })] as [string, Student]),
    ...dpmppVariants.map(
      (options) =>
        [`dpmpp ${options.maxOrder} ${options.predictX0 ? 'x0' : 'eps'}`, dpmppStudent(options)] as [
          string,
          Student,
        ],
    ),
  ];
  return all.map(([label, student]) => ({
    label: `student ${label}`,
    solver: student.steered(predict),
    cost: 2,
    singleStep: student.singleStep,
    scaleFree: true,
  }));
}

/** One step from a given state, against a denoiser. */
export function stepFrom<State extends SolverState>(
  solver: Solver<State>,
  state: State,
  [sigma, sigmaNext]: readonly [number, number],
  denoise: (request: Request) => Evaluation,
  remaining = 9,
): State {
  const step = solver.step(state, sigma, sigmaNext, remaining);
  let next = step.next();
  while (!next.done) next = step.next(denoise(next.value));
  return next.value;
}

/** Descending noise levels, 2 to 6 of them, neighbours at least 5 % apart. */
export const levels = fc
  .tuple(
    fc.double({ min: 1, max: 80, noNaN: true }),
    fc.array(fc.double({ min: 0.1, max: 0.95, noNaN: true }), { minLength: 1, maxLength: 5 }),
  )
  .map(([first, ratios]) => {
    let level = first;
    return [first, ...ratios.map((ratio) => (level *= ratio))];
  });

/** The requests that a solve makes, one by one. */
export function requestsOf(
  what: Parameters<typeof drive>[0],
  denoise: (request: Request) => Evaluation,
): Request[] {
  const solving = drive(what);
  const requests: Request[] = [];
  for (let next = solving.next(); !next.done; next = solving.next(denoise(next.value)))
    requests.push(next.value);
  return requests;
}

export function worst(a: Vector, b: Vector): number {
  return a.reduce(
    (largest, value, i) => Math.max(largest, Math.abs(value - b[i]!)),
    a.length === b.length ? 0 : Infinity,
  );
}

/** Two clusters of n samples as training sees them: noise levels, D, and the teacher's points, its start first. */
export function trainingBatch(n: number, size: number) {
  const sigmas = [80, 9.7, 0.47, 0.002];
  const denoise = denoiser(twoClusters, n);
  const start = torchCpu(3)
    .randn(n * size)
    .map((value) => 80 * value);
  const teacher: Vector[] = [start];
  for (let k = 0; k + 1 < sigmas.length; k++) {
    const [from, to] = [sigmas[k]!, sigmas[k + 1]!];
    const fine = Array.from({ length: 9 }, (_, i) => from * (to / from) ** (i / 8));
    teacher.push(solveSync({ solver: heun, x: teacher[k]!, n, sigmas: fine, denoise }).x);
  }
  return { sigmas, denoise, start, teacher };
}
