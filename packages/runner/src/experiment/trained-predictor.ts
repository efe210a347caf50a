import type { DataChoiceOption } from '@fewstep/schedules';
import type { TrainedPredictor } from '../predictor/parse-predictor.js';
import type { SamplingSettings } from '../predictor/predictor-settings.js';
import { type Completed, type Completing, completer, readBounded } from './completer.js';
import { dataOf } from './datasets.js';
import { named } from './declared.js';
import type { Point } from './experiment.js';
import { complainBeyond } from './given-sampler.js';
import { type Combination, type Complain, complainAt } from './grid.js';
import { isSound, type Judged } from './judge.js';
import type { Language } from './language.js';
import { type Dict, entryAt, flatten, toJs, treeOf } from './tree.js';

/** A predictor takes 40 kB; files of the official training also hold the last batch of it. */
const mostBytes = 2 ** 28;

/** A key that a spec leaves to the data, and what its predictor was trained with. */
interface OpenKey {
  readonly key: string;
  readonly file: string;
  readonly trained: unknown;
  readonly defaults: DataChoiceOption['defaults'];
}

/** What a combination leaves to the data. */
export interface Open {
  readonly open?: readonly OpenKey[];
}

/**
 * Lays what the file of `predictor` says beneath what is written, as `completer` does. Where enough is written the file need
 * not be there: see `missingFiles`.
 */
export function predictorCompleter(
  surroundings: Completing,
  complain: Complain,
  language: Language,
): (combination: Combination) => Promise<Completed & Open & Pick<Point, 'table'>> {
  const complete = completer<Sampled>(surroundings, complain, {
    key: 'predictor',
    made: 'trained',
    does: 'steer',
    read: (absolute, file) => readSettings(absolute, file, language),
    saysAll,
    leavesOpen: (key, { settings }) => defaultsOf(key, settings, language) !== undefined,
    mayDiffer: () => false,
  });
  return async (combination) => {
    const { told, ...completed } = await complete(combination);
    if (!told) return completed;
    const { absolute, file, read } = told;
    if (read.onTable) {
      complainBeyond(combination.tree, told, complain);
      return {
        ...completed,
        doubtful: new Set([...completed.doubtful, 'schedule', 'student']),
        table: { file: absolute, sampler: read.onTable.sampler },
      };
    }
    const trained = flatten({ keys: [], value: treeOf(read.settings, combination.tree.place) }, '');
    // what the data decide is not taken over from others
    const open = trained.flatMap(([key, { value }]): OpenKey[] => {
      const defaults = defaultsOf(key, read.settings, language);
      const isWritten = entryAt(combination.tree, key.split('.')) !== undefined;
      return defaults && !isWritten ? [{ key, file, trained: toJs(value), defaults }] : [];
    });
    return { ...completed, open };
  };
}

/** Whether a spec says what the file of its predictor would: so much of it that the rest has defaults. */
const saysAll = (tree: Dict): boolean =>
  ['dataset', 'schedule.type', 'student.solver', 'student.num_steps'].every((key) =>
    entryAt(tree, key.split('.')),
  );

/** What an option of the student is by default for each kind of data, where these decide. */
function defaultsOf(
  key: string,
  { student }: SamplingSettings,
  { declarations }: Language,
): DataChoiceOption['defaults'] | undefined {
  const option = named(declarations.students, student.solver)?.options[key.replace(/^student\./, '')];
  return option && 'defaults' in option ? option.defaults : undefined;
}

/**
 * Complains of a predictor that was trained otherwise than the data decide, and the spec says nothing of it. Where only the
 * network tells what they are, the task that samples does.
 */
export function complainOpen(
  { open = [] }: Open,
  { tree, spec: { dataset }, bad }: Judged,
  complain: Complain,
): void {
  const data = isSound(['dataset', 'dataset.checkpoint', 'dataset.onnx'], bad) ? dataOf(dataset) : undefined;
  for (const { key, file, trained, defaults } of open)
    if (data && defaults[data] !== trained)
      complainAt(tree, complain)(
        'predictor',
        `${file} was trained with ${key} ${trained}, and of ${data} it is ${defaults[data]} unless the spec says otherwise: add ${key}: ${trained} to sample as it was trained, or take a predictor of such data.`,
      );
}

/** What a predictor samples, and how. */
type Sampled = Pick<TrainedPredictor, 'dataset' | 'settings' | 'onTable'>;

/** What a predictor was trained on and with, or why that can't be known. */
async function readSettings(absolute: string, file: string, language: Language): Promise<Sampled | string> {
  const trained = await trainedPredictorIn(absolute, file, language);
  if (typeof trained === 'string') return trained;
  const { dataset, settings, onTable } = trained;
  const { schedule, student, guidance } = settings;
  return {
    ...(dataset !== undefined && { dataset }),
    settings: { schedule, student, ...(guidance && { guidance }) },
    ...(onTable && { onTable }),
  };
}

/** The predictor of a file, or why it is none. `file`: as it is called in messages. */
export const trainedPredictorIn = (
  absolute: string,
  file: string,
  language: Language,
): Promise<TrainedPredictor | string> =>
  readBounded(absolute, file, {
    noun: 'predictor',
    names: 'a predictor.safetensors, or an official .pkl or .pt',
    mostBytes,
    parse: async (bytes) => {
      // The readers of checkpoints are loaded only for a spec that names one.
      const { parsePredictor } = await import('../predictor/parse-predictor.js');
      return parsePredictor(bytes, language);
    },
  });
