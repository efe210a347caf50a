import { existsSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { DataChoiceOption } from '@fewstep/schedules';
import { codeOf } from '../errors.js';
import { shown } from '../judging/shown.js';
import type { TrainedPredictor } from '../predictor/parse-predictor.js';
import type { SamplingSettings } from '../predictor/predictor-settings.js';
import { dataOf, type Surroundings } from './datasets.js';
import { named } from './declared.js';
import { type Combination, type Complain, complainAt } from './grid.js';
import { isSound, type Judged } from './judge.js';
import type { Language } from './language.js';
import { displayPath } from './problem.js';
import { datasetNames } from './published-models.js';
import { type Dict, entryAt, flatten, graft, toJs, treeOf } from './tree.js';

/** A predictor takes 40 kB; files of the official training also hold the last batch of it. */
const mostBytes = 2 ** 28;

/** A combination with what its predictor was trained with. */
export interface Completed extends Combination {
  /** Paths that there is nothing more to say about. */
  readonly doubtful: ReadonlySet<string>;
  /** Keys that the spec leaves to the data, and what the predictor was trained with. */
  readonly open?: readonly OpenKey[];
}
interface OpenKey {
  readonly key: string;
  readonly file: string;
  readonly trained: unknown;
  readonly defaults: DataChoiceOption['defaults'];
}

/**
 * Lays what the file of `predictor` says beneath what is written: `dataset`, `student`, `schedule` and `guidance` but its
 * prompt may be left out, and what they say must be what the file says. The dataset may be another one. Where they are
 * written the file need not be there: see `missingFiles`.
 */
export function predictorCompleter(
  { specFolder, cwd }: Pick<Surroundings, 'specFolder' | 'cwd'>,
  complain: Complain,
  language: Language,
): (combination: Combination) => Promise<Completed> {
  const known = new Map<string, Sampled | string>();
  return async (combination) => {
    const written = combination.tree.entries.get('predictor')?.value;
    if (written === undefined) return { ...combination, doubtful: new Set() };
    const isSilent = !combination.tree.entries.has('dataset');
    const unknown = ['schedule', 'student', ...(isSilent ? ['dataset'] : [])];
    const path = toJs(written);
    if (typeof path !== 'string' || path === '') return { ...combination, doubtful: new Set(unknown) };
    const absolute = resolve(specFolder, path);
    const file = displayPath(absolute, cwd);
    const read = known.get(absolute) ?? (await readSettings(absolute, file, language));
    known.set(absolute, read);
    if (typeof read === 'string') {
      // what a spec says itself is enough to plan by; a run asks for the file
      if (saysAll(combination.tree) && !existsSync(absolute)) return { ...combination, doubtful: new Set() };
      complain(written.place, 'predictor', read);
      return { ...combination, doubtful: new Set(['predictor', ...unknown]) };
    }
    const { dataset, settings } = read;
    const doubtful = new Set<string>();
    const open: OpenKey[] = [];
    let { tree } = combination;
    if (isSilent)
      if (datasetNames.includes(dataset as never))
        tree = graft(tree, ['dataset'], { keys: [written.place], value: treeOf(dataset, written.place) })!;
      else {
        doubtful.add('dataset');
        const trained =
          dataset === undefined
            ? 'does not say what it was trained on'
            : `was trained on ${dataset}, which the registry has not`;
        complain(
          written.place,
          'predictor',
          `${file} ${trained}: say as dataset (fewstep sample --dataset) whose denoiser it is to steer, one of ${datasetNames.join(', ')}, or in a spec a map with its checkpoint.`,
        );
      }
    if (!settings.guidance && !entryAt(tree, ['guidance', 'type']))
      for (const key of ['guidance.prompt', 'guidance.prompts']) {
        const there = entryAt(tree, key.split('.'));
        if (there === undefined) continue;
        doubtful.add('guidance');
        complain(there.value.place, key, `nothing reads it: ${file} was trained without prompts. Remove it.`);
      }
    const told = { keys: [written.place], value: treeOf(settings, written.place) };
    for (const [key, entry] of flatten(told, '')) {
      const steps = key.split('.');
      const there = entryAt(tree, steps);
      if (there === undefined) {
        // what the data decide is not taken over from others
        const defaults = defaultsOf(key, settings, language);
        if (defaults) open.push({ key, file, trained: toJs(entry.value), defaults });
        else tree = graft(tree, steps, entry) ?? tree;
      } else if (JSON.stringify(toJs(there.value)) !== JSON.stringify(toJs(entry.value))) {
        doubtful.add(key);
        complain(
          there.value.place,
          key,
          `found ${shown(toJs(there.value))}, but ${file} was trained with ${shown(toJs(entry.value))}: remove the key, for the file says it, or take another predictor.`,
        );
      }
    }
    return { ...combination, tree, doubtful, open };
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
  { open = [] }: Completed,
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
type Sampled = Pick<TrainedPredictor, 'dataset' | 'settings'>;

/** What a predictor was trained on and with, or why that can't be known. */
async function readSettings(absolute: string, file: string, language: Language): Promise<Sampled | string> {
  const trained = await trainedPredictorIn(absolute, file, language);
  if (typeof trained === 'string') return trained;
  const { dataset, settings } = trained;
  const { schedule, student, guidance } = settings;
  return {
    ...(dataset !== undefined && { dataset }),
    settings: { schedule, student, ...(guidance && { guidance }) },
  };
}

/** The predictor of a file, or why it is none. `file`: as it is called in messages. */
export async function trainedPredictorIn(
  absolute: string,
  file: string,
  language: Language,
): Promise<TrainedPredictor | string> {
  try {
    const stats = await stat(absolute);
    if (!stats.isFile())
      return `${file} is no file; name a predictor.safetensors, or an official .pkl or .pt.`;
    if (stats.size > mostBytes)
      return `${file} has ${stats.size} bytes, far more than a predictor; is it a checkpoint of a denoiser, for dataset?`;
    // The readers of checkpoints are loaded only for a spec that names one.
    const { parsePredictor } = await import('../predictor/parse-predictor.js');
    return await parsePredictor(await readFile(absolute), language);
  } catch (error) {
    const code = codeOf(error);
    if (code === 'ENOENT' || code === 'ENOTDIR')
      return `there is no ${file}; the path is relative to the spec.`;
    if (code === undefined) throw error;
    return code.startsWith('E_')
      ? `${file} is no predictor to sample with: ${(error as Error).message}`
      : `${file} can't be read: ${(error as Error).message}.`;
  }
}
