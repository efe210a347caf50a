import { readFile } from 'node:fs/promises';
import { predict, readingZeros, type Solver } from '@fewstep/solvers';
import { RunnerError } from '../errors.js';
import type { SolverConfig } from '../experiment/experiment.js';
import { readPredictor } from '../predictor/predictor-file.js';
import type { ModelInfo } from './model-info.js';
import { type Opened, openSolve } from './open-solve.js';
import { type Solve, solverOf, studentOf, timesOf } from './solving.js';

/** What a task that samples has to work with. */
type Sampling = Parameters<typeof openSolve>[0] & {
  readonly params: {
    /** What the predictor reads; left out: what the network shows. */
    readonly bottleneck?: 'zero';
  };
  readonly inputs: { readonly predictor: string | undefined };
};

interface Sampler extends Opened {
  readonly solver: Solver;
  readonly sigmas: Float64Array;
}

/**
 * What samples are solved by, and at which noise levels: the plain solver, or the student where there is a predictor.
 *
 * @throws RunnerError (E_PREDICTOR) where it was trained with other bounds than the data would have, and the spec is silent
 */
export async function openSampler(context: Sampling): Promise<Sampler> {
  const opened = await openSolve(context);
  const { solving, info } = opened;
  const { predictor } = context.inputs;
  return {
    ...opened,
    solver:
      predictor === undefined ? solverOf(solving) : await steeredBy(predictor, solving, info, context.params),
    sigmas: timesOf(solving),
  };
}

async function steeredBy(
  predictorFile: string,
  solving: Solve,
  { decoder }: Pick<ModelInfo, 'decoder'>,
  { bottleneck }: Sampling['params'],
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
