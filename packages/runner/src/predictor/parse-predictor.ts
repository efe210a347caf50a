import { checkPredictor, type Predictor } from '@fewstep/solvers';
import { RunnerError } from '../errors.js';
import { judge } from '../experiment/judge.js';
import { ourLanguage } from '../experiment/language.js';
import type { Place } from '../experiment/problem.js';
import { type Dict, entryAt, treeOf } from '../experiment/tree.js';
import { readPredictor } from './predictor-file.js';
import type { SamplingSettings } from './predictor-settings.js';

/** A predictor with what it was trained with, so that it can be sampled with. */
export interface TrainedPredictor {
  readonly settings: SamplingSettings;
  readonly predictor: Predictor;
}

/**
 * A predictor from its file, and its settings, judged as if they were a spec.
 *
 * @throws RunnerError E_PREDICTOR, PredictorError E_PREDICTOR or ModelError: what is wrong with the file
 */
export function parsePredictor(bytes: Uint8Array): TrainedPredictor {
  const { settings, predictor } = readPredictor(bytes);
  const checked = checkSettings<SamplingSettings>(settings);
  checkPredictor(predictor);
  return { settings: checked, predictor };
}

const nowhere: Place = { file: '', line: 0, column: 0, layer: 0 };

/** The keys that a predictor is trained with, and that its samples depend on. */
const { keys, options } = ourLanguage;
const sampling = [...keys.keys()].filter((path) => /^(schedule|student)\.|^guidance\.rate$/.test(path));

/**
 * Judges settings from a file as if they were a spec; what sampling must know may not be left to a default.
 *
 * @throws RunnerError E_PREDICTOR that lists every problem
 */
function checkSettings<S extends SamplingSettings>(sections: Readonly<Record<string, object>>): S {
  const problems: string[] = [];
  const { guidance } = sections as Partial<SamplingSettings>;
  const dataset = {
    checkpoint: 'any',
    ...(guidance?.type === 'cg' && { classifier: 'any' }),
    ...sections.dataset,
  };
  const led = guidance && { guidance: { ...(guidance.type === 'cfg' && { prompt: 'any' }), ...guidance } };
  const tree = treeOf({ name: 'any', predictor: 'any', ...sections, ...led, dataset }, nowhere) as Dict;
  const { spec } = judge(tree, (_, path, sentence) => problems.push(`${path}: ${sentence}`), ourLanguage);
  if (problems.length === 0 && spec.schedule.type === 'gits')
    problems.push(
      'schedule.type: gits is a search; a predictor is trained on the noise levels that one found.',
    );
  if (problems.length === 0)
    for (const path of sampling) {
      const option = options.find((one) => one.path === path);
      const isRead = path !== 'student.denoise_to_zero' && (option?.read(spec) ?? true);
      const isWritten = entryAt(tree, path.split('.')) !== undefined;
      if (isRead !== isWritten) problems.push(`${path}: ${isRead ? 'missing' : 'nothing reads it'}.`);
    }
  if (problems.length > 0)
    throw new RunnerError('E_PREDICTOR', problems.join(' '), { evidence: { problems } });
  return sections as unknown as S;
}
