import { withDefaults } from '@fewstep/schedules';
import { checkPredictor, type Predictor } from '@fewstep/solvers';
import { RunnerError } from '../errors.js';
import { type Declared, named } from '../experiment/declared.js';
import { judge } from '../experiment/judge.js';
import { type Language, ourLanguage } from '../experiment/language.js';
import type { Place } from '../experiment/problem.js';
import { type Dict, entryAt, treeOf } from '../experiment/tree.js';
import type { SamplerFile } from '../sampler/sampler-file.js';
import { onTableIn } from './on-table.js';
import { readPredictor } from './predictor-file.js';
import type { SamplingSettings } from './predictor-settings.js';

/** A predictor with what it was trained with, so that it can be sampled with. */
export interface TrainedPredictor {
  /** Name of what it was trained on, of the registry or of the official scripts; left out where its file doesn't tell. */
  readonly dataset?: string;
  /** Of one on top of a table those that this was made with. */
  readonly settings: SamplingSettings;
  readonly predictor: Predictor;
  /** Of one on top of a table: the table, and the sections that it was trained with. */
  readonly onTable?: {
    readonly sampler: SamplerFile;
    readonly settings: Readonly<Record<string, object>>;
  };
}

/**
 * A predictor from its file, and its settings, judged as if they were a spec. `language`: of the spec that names it, by
 * whose paths a method or schedule of the user's own goes.
 *
 * @throws RunnerError E_PREDICTOR, PredictorError E_PREDICTOR or ModelError: what is wrong with the file
 */
export async function parsePredictor(
  bytes: Uint8Array,
  language: Language = ourLanguage,
): Promise<TrainedPredictor> {
  const file = await readPredictor(bytes);
  const { dataset, settings, weights } = file;
  const steered = onTableIn(file);
  if (steered) {
    const { sampler, predictor } = steered;
    const { schedule, student, guidance } = sampler;
    return {
      ...(dataset !== undefined && { dataset }),
      settings: {
        schedule,
        ...(guidance && { guidance }),
        student: { afs: false, ...student },
      },
      ...{ predictor, onTable: { sampler, settings } },
    };
  }
  const checked = checkSettings<SamplingSettings>(byPaths(settings, language), language);
  const { solver, ...told } = checked.student;
  const { options, outputs } = named(language.declarations.students, solver)!;
  const predictor = { outputs: outputs(withDefaults(options, told)), weights };
  checkPredictor(predictor);
  return { ...(dataset !== undefined && { dataset }), settings: checked, predictor };
}

/** Keys that say how it is sampled with, whatever it was trained with. */
const free = ['student.denoise_to_zero', 'student.bottleneck'];

const nowhere: Place = { file: '', line: 0, column: 0, layer: 0 };

/** What a file calls by the names that modules give themselves, as a spec names them. */
function byPaths(
  settings: Readonly<Record<string, object>>,
  { declarations }: Language,
): Record<string, object> {
  const { plain, students, given } = declarations;
  const pathOf = (declared: readonly Declared[], name: unknown) =>
    declared.some((one) => one.name === name)
      ? name
      : (declared.find(({ module }) => module?.name === name)?.name ?? name);
  const named = { ...settings };
  for (const [section, key, declared] of [
    ['student', 'solver', students],
    ['teacher', 'solver', plain],
    ['schedule', 'type', given],
  ] as const) {
    const told = settings[section] as Readonly<Record<string, unknown>> | undefined;
    if (told) named[section] = { ...told, [key]: pathOf(declared, told[key]) };
  }
  return named;
}

/**
 * Judges settings from a file as if they were a spec; what sampling must know may not be left to a default.
 *
 * @throws RunnerError E_PREDICTOR that lists every problem
 */
function checkSettings<S extends SamplingSettings>(
  sections: Readonly<Record<string, object>>,
  language: Language,
): S {
  const { keys, conditional } = language;
  const problems: string[] = [];
  const { guidance } = sections as Partial<SamplingSettings>;
  const dataset = {
    checkpoint: 'any',
    ...(guidance?.type === 'cg' && { classifier: 'any' }),
    ...sections.dataset,
  };
  const led = guidance && { guidance: { ...(guidance.type === 'cfg' && { prompt: 'any' }), ...guidance } };
  const tree = treeOf({ name: 'any', predictor: 'any', ...sections, ...led, dataset }, nowhere) as Dict;
  const { spec } = judge(tree, (_, path, sentence) => problems.push(`${path}: ${sentence}`), language);
  if (problems.length === 0 && spec.schedule.type === 'gits')
    problems.push(
      'schedule.type: gits is a search; a predictor is trained on the noise levels that one found.',
    );
  if (problems.length === 0)
    for (const path of [...keys.keys()].filter((key) => /^(schedule|student)\.|^guidance\.rate$/.test(key))) {
      const option = conditional.find((one) => one.path === path);
      const isRead = !free.includes(path) && (option?.read(spec) ?? true);
      const isWritten = entryAt(tree, path.split('.')) !== undefined;
      if (isRead !== isWritten) problems.push(`${path}: ${isRead ? 'missing' : 'nothing reads it'}.`);
    }
  if (problems.length > 0)
    throw new RunnerError('E_PREDICTOR', problems.join(' '), { evidence: { problems } });
  return sections as unknown as S;
}
