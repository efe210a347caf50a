import { readFile } from 'node:fs/promises';
import { noiseTableOf } from '@fewstep/schedules';
import {
  depthOf,
  type Predict,
  predict,
  readingZeros,
  type Solver,
  type Solve as Solving,
  tableLevels,
  tableSolver,
  tableStudent,
} from '@fewstep/solvers';
import { RunnerError } from '../errors.js';
import type { SolverConfig } from '../experiment/experiment.js';
import { onTableIn } from '../predictor/on-table.js';
import { readPredictor } from '../predictor/predictor-file.js';
import { parseSampler, type SamplerFile } from '../sampler/sampler-file.js';
import type { Drawing } from './batches.js';
import type { Guidable } from './guide.js';
import { shapeOf } from './load-denoiser.js';
import { beyondTraining, type ModelInfo } from './model-info.js';
import { type Evaluating, type OpenModel, openModel, openSolve } from './open-solve.js';
import { type Chosen, type Solve, type SolveParams, solverOf, studentOf, timesOf } from './solving.js';

/**
 * What solves samples: a method at its times; or nothing but the model's range, where a table is an input that says all of it,
 * or a predictor that has one.
 */
export type SamplerParams = MethodParams | Pick<SolveParams, 'sigmaMin' | 'sigmaMax'>;

export interface MethodParams extends SolveParams {
  readonly afs: boolean;
  readonly denoiseToZero: boolean;
  /** What the predictor reads; left out: what the network shows. */
  readonly bottleneck?: 'zero';
}

/** What a task that samples has to work with. */
interface Sampling extends Evaluating {
  readonly params: SamplerParams & Guidable & Drawing;
  readonly inputs: Evaluating['inputs'] &
    Chosen & { readonly predictor: string | undefined; readonly sampler: string | undefined };
}

interface Sampler extends OpenModel {
  /** Noise that is solved between. */
  readonly range: Pick<Solve, 'sigmaMin' | 'sigmaMax'>;
  /** How each batch is solved. */
  readonly solved: Pick<Solving, 'solver' | 'afs' | 'denoiseToZero'> & { readonly sigmas: Float64Array };
  /** Of methods that have it. */
  readonly thresholding?: SolverConfig[string] | undefined;
  /** Of a table whose evaluations don't all wait for each other: how many do. */
  readonly depth?: number | undefined;
  /** Of a table: the noise levels that the network is told, in their order. */
  readonly asked?: readonly number[];
}

/**
 * What samples are solved by, and at which noise levels: the plain solver, the student where there is a predictor, a table, or
 * one with the predictor that is trained on it.
 *
 * @throws RunnerError (E_PREDICTOR) where it was trained with other bounds than the data would have, and the spec is silent;
 *   (E_SAMPLER) where a table was made for another model
 */
export async function openSampler(context: Sampling): Promise<Sampler> {
  const { params, inputs } = context;
  const { sampler, predictor } = inputs;
  if (sampler !== undefined) return openTable(parseSampler(await readFile(sampler, 'utf8')), context);
  if (!('method' in params)) {
    if (predictor === undefined) throw new Error('a method is a parameter, or a table is an input');
    const steered = onTableIn(await readPredictor(await readFile(predictor)));
    if (!steered) throw new Error('this predictor has no table');
    return openTable(steered.sampler, context, predict(steered.predictor));
  }
  const { solving, ...model } = await openSolve({ ...context, params });
  const solver =
    predictor === undefined ? solverOf(solving) : await steeredBy(predictor, solving, model.info, params);
  const { afs, denoiseToZero } = params;
  const { sigmaMin, sigmaMax } = solving;
  return {
    ...model,
    range: { sigmaMin, sigmaMax },
    solved: { solver, sigmas: timesOf(solving), afs, denoiseToZero },
    thresholding: solving.method.thresholding,
  };
}

/**
 * The student with the predictor of a file.
 *
 * @throws RunnerError (E_PREDICTOR)
 */
export async function steeredBy(
  predictorFile: string,
  solving: Solve,
  { decoder }: Pick<ModelInfo, 'decoder'>,
  { bottleneck }: Pick<MethodParams, 'bottleneck'>,
): Promise<Solver> {
  const { student, outputs } = studentOf(solving);
  const { weights, settings } = await readPredictor(await readFile(predictorFile));
  const { thresholding: trained } = settings.student as SolverConfig;
  const { thresholding: found } = solving.method;
  if (trained !== found)
    throw new RunnerError(
      'E_PREDICTOR',
      `the predictor was trained with thresholding ${trained}, and ${decoder ? 'of latents' : 'of pixels'} it is ${found} unless the spec says otherwise: add student.thresholding: ${trained} to sample as it was trained, or take a predictor of such data.`,
      { evidence: { trained, found } },
    );
  const output = predict({ outputs, weights });
  return student.steered(bottleneck === 'zero' ? readingZeros(output) : output);
}

/** What a table is made for: a model under the noise that it is solved between; `dataset`: its name in the registry. */
export const madeFor = (
  info: ModelInfo,
  { sigmaMin, sigmaMax }: Pick<Solve, 'sigmaMin' | 'sigmaMax'>,
  dataset: string | undefined,
): SamplerFile['model'] => ({
  ...(dataset !== undefined && { dataset }),
  shape: shapeOf(info),
  sigma_min: sigmaMin,
  sigma_max: sigmaMax,
  latents: info.decoder !== undefined,
});

/** A table over the range of its model: solved in one interval, or by its student where a predictor steers it. */
async function openTable(
  { table, model: of }: Pick<SamplerFile, 'table' | 'model'>,
  context: Sampling,
  steering?: Predict,
): Promise<Sampler> {
  const model = await openModel(context);
  const { sigmaMin = model.info.sigmaMin, sigmaMax = model.info.sigmaMax } = context.params;
  checkFits({ table, model: of }, model, { sigmaMin, sigmaMax });
  const depth = depthOf(table);
  return {
    ...model,
    range: { sigmaMin, sigmaMax },
    solved: steering
      ? {
          solver: tableStudent(table).steered(steering),
          sigmas: Float64Array.from(tableLevels(table, sigmaMax, sigmaMin)),
        }
      : { solver: tableSolver(table), sigmas: Float64Array.of(sigmaMax, sigmaMin) },
    asked: table.sigmas,
    // a predictor reads every evaluation before it says the next
    ...(!steering && depth < table.sigmas.length && { depth }),
  };
}

/**
 * That a table can sample a model: that it is of such data and such noise, and tells the network nothing that this was never
 * trained on.
 *
 * @throws RunnerError (E_SAMPLER)
 */
function checkFits(
  { table, model }: Pick<SamplerFile, 'table' | 'model'>,
  { info, shape }: Pick<OpenModel, 'info' | 'shape'>,
  { sigmaMin, sigmaMax }: { readonly sigmaMin: number; readonly sigmaMax: number },
): void {
  const kindOf = (latents: boolean) => (latents ? 'latents' : 'images');
  const isOfLatents = info.decoder !== undefined;
  if (model.latents !== isOfLatents)
    throw misfit(
      `the sampler was made for ${kindOf(model.latents)}, and the dataset’s network denoises ${kindOf(isOfLatents)}: take a sampler of such data.`,
      { made: kindOf(model.latents), found: kindOf(isOfLatents) },
    );
  // rows are of samples of any shape, bands of frequency of pictures of one size
  const [made, found] = [table.bands?.shape, shape].map((sides) => sides?.slice(1).join(' × '));
  if (made !== undefined && made !== found)
    throw misfit(
      `the sampler has numbers for each frequency of ${kindOf(isOfLatents)} of ${made}, and the dataset’s network denoises ${found}: take a sampler of that size, or one without bands.`,
      { made, found },
    );
  // the last digits are rounding
  const isApart = (a: number, b: number) => Math.abs(a - b) > 0.01 * b;
  if (isApart(sigmaMin, model.sigma_min) || isApart(sigmaMax, model.sigma_max))
    throw misfit(
      `the sampler was made for noise from ${model.sigma_max} to ${model.sigma_min}, and the dataset has it from ${sigmaMax} to ${sigmaMin}: give the dataset that sigma_max and sigma_min, if its network knows them, or take another sampler.`,
      { made: [model.sigma_max, model.sigma_min], found: [sigmaMax, sigmaMin] },
    );
  const levels = info.solvedAt ?? (info.alphasCumprod && endsOf(noiseTableOf(info.alphasCumprod)));
  if (!levels) return;
  const known = { sigmaMin: Math.min(...levels), sigmaMax: Math.max(...levels) };
  const unknown = table.sigmas.find((sigma) => beyondTraining({ sigmaMin: sigma, sigmaMax: sigma }, known));
  if (unknown !== undefined)
    throw misfit(
      `the sampler tells the network a noise level of ${unknown}, and the dataset’s was trained on ${known.sigmaMin} to ${known.sigmaMax}: take a sampler that was made for it.`,
      { sigma: unknown, ...known },
    );
}

const endsOf = ({ sigmaMin, sigmaMax }: { readonly sigmaMin: number; readonly sigmaMax: number }) => [
  sigmaMin,
  sigmaMax,
];

const misfit = (message: string, evidence: Record<string, unknown>) =>
  new RunnerError('E_SAMPLER', message, { evidence });
