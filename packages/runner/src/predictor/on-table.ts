import { checkPredictor, type Predictor, tableOutputs } from '@fewstep/solvers';
import { RunnerError } from '../errors.js';
import { shown } from '../judging/shown.js';
import { parseSampler, type SamplerFile } from '../sampler/sampler-file.js';
import type { PredictorFile } from './predictor-file.js';

/** A table, and a predictor on top of it. */
export interface OnTable {
  readonly sampler: SamplerFile;
  readonly predictor: Predictor;
}

/**
 * What the file of a predictor on top of a table has; undefined of one without a table.
 *
 * @throws RunnerError (E_PREDICTOR, E_SAMPLER), PredictorError (E_PREDICTOR)
 */
export function onTableIn({
  sampler: text,
  settings,
  weights,
}: Pick<PredictorFile, 'sampler' | 'settings' | 'weights'>): OnTable | undefined {
  if (text === undefined) return undefined;
  const sampler = parseSampler(text);
  const evaluations = sampler.table.sigmas.length;
  if (evaluations < 2)
    throw new RunnerError(
      'E_PREDICTOR',
      'its table asks the network once, and a predictor steers what comes after.',
      { evidence: { evaluations } },
    );
  const predictor = { outputs: outputsIn(settings), weights };
  checkPredictor(predictor);
  return { sampler, predictor };
}

/** What a predictor of a table decides, as its file says. */
function outputsIn({ student }: Readonly<Record<string, object>>): Predictor['outputs'] {
  const { steering, scale_time: scaleTime, ...others } = student as Readonly<Record<string, unknown>>;
  if (
    steering !== 'predictor' ||
    Object.keys(others).length > 0 ||
    typeof scaleTime !== 'number' ||
    !(scaleTime > 0 && scaleTime < 1)
  )
    throw new RunnerError(
      'E_PREDICTOR',
      `a predictor on top of a table has student: { steering: predictor, scale_time: … }, the latter between 0 and 1; found ${shown(student)}.`,
      { evidence: { student } },
    );
  return tableOutputs(scaleTime);
}
