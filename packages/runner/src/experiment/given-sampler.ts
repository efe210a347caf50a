import { faultsIn } from '../judging/faults.js';
import type { JsonSchema } from '../judging/json-schema.js';
import type { SamplerFile } from '../sampler/sampler-file.js';
import { type Completed, type Completing, completer, readBounded, type ToldByFile } from './completer.js';
import { type Declarations, listed, named } from './declared.js';
import type { Point } from './experiment.js';
import type { Combination, Complain } from './grid.js';
import { onTableChoices } from './schema.js';
import { type Dict, type Entry, entryAt, flatten, toJs } from './tree.js';

/** What the file of a table says of what is sampled with it, and the whole of it. */
interface GivenSampler extends ToldByFile {
  readonly sampler: SamplerFile;
}

/**
 * Lays what the file of `sampler` says beneath what is written, as `completer` does: a table is sampled with as it is, so that
 * of `schedule` and `student` nothing else may be written, and whether they are such as a spec may have is nobody's question.
 * But a predictor may be asked for on top of it.
 * At which rate it is guided may be another than it was made at.
 */
export function samplerCompleter(
  surroundings: Completing,
  complain: Complain,
  { plain, given }: Pick<Declarations, 'plain' | 'given'>,
): (combination: Combination) => Promise<Completed & Pick<Point, 'table'>> {
  const completerOf = (isOfPredictor: (key: string) => boolean) =>
    completer<GivenSampler>(surroundings, complain, {
      key: 'sampler',
      made: 'made',
      does: 'sample',
      read: readGiven,
      saysAll: () => false,
      leavesOpen: isOfPredictor,
      mayDiffer: (key) => key === 'guidance.rate' || isOfPredictor(key),
    });
  const asItIs = completerOf(() => false);
  const underPredictor = completerOf((key) => key in ofSteering);
  return async (combination) => {
    const { tree } = combination;
    const predictor = tree.entries.get('predictor');
    if (predictor && tree.entries.has('sampler')) {
      complain(
        predictor.value.place,
        'predictor',
        'predictor and sampler both say what is sampled with: remove one.',
      );
      return {
        ...combination,
        doubtful: new Set(['predictor', 'sampler', 'schedule', 'student', 'dataset']),
      };
    }
    const steered = steeringIn(tree);
    const { told, ...completed } = await (steered ? underPredictor : asItIs)(combination);
    if (!told) return completed;
    const { absolute, read } = told;
    complainBeyond(tree, told, complain, (path) => steered && path in ofSteering);
    if (steered) complainSteering(combination, told, { plain, given }, complain);
    return {
      ...completed,
      doubtful: new Set([...completed.doubtful, 'schedule', 'student']),
      table: { file: absolute, sampler: read.sampler },
    };
  };
}

/** Complains of what is written of schedule and student beside what the file of a table says. */
export function complainBeyond(
  tree: Dict,
  { file, read }: { readonly file: string; readonly read: Pick<ToldByFile, 'settings'> },
  complain: Complain,
  mayBe: (path: string) => boolean = () => false,
): void {
  for (const section of ['schedule', 'student'] as const) {
    const entry: Entry | undefined = tree.entries.get(section);
    for (const [key, { value }] of entry ? flatten(entry, '') : []) {
      const path = key === '' ? section : `${section}.${key}`;
      if (!Object.hasOwn(read.settings[section], key) && !mayBe(path))
        complain(
          value.place,
          path,
          `nothing reads it: ${file} is a table, which is sampled with as it is. Remove it.`,
        );
    }
  }
}

/** What is said of a predictor on top of a table. */
const ofSteering: Readonly<Record<string, JsonSchema>> = {
  'student.steering': { enum: ['predictor'] },
  'student.scale_time': {
    type: 'number',
    exclusiveMinimum: 0,
    exclusiveMaximum: 1,
    title: 'a number between 0 and 1',
  },
};

/** Whether a predictor is to be trained on top of the table. */
const steeringIn = (tree: Dict): boolean => {
  const entry = entryAt(tree, ['student', 'steering']);
  return entry !== undefined && toJs(entry.value) === 'predictor';
};

/** Complains of what can't be of a predictor on top of a table: its reach, its training, the table itself, its teacher. */
function complainSteering(
  { tree }: Combination,
  { file, read: { sampler } }: { readonly file: string; readonly read: GivenSampler },
  { plain, given }: Pick<Declarations, 'plain' | 'given'>,
  complain: Complain,
): void {
  const { place } = entryAt(tree, ['sampler'])!.value;
  const reach = entryAt(tree, ['student', 'scale_time']);
  for (const { sentence } of reach ? faultsIn(toJs(reach.value), ofSteering['student.scale_time']!) : [])
    complain(reach!.value.place, 'student.scale_time', sentence);
  const train = tree.entries.get('train');
  if (train && toJs(train.value) === false)
    complain(
      train.value.place,
      'train',
      'no predictor comes of no training: remove train: false, or student.steering to sample with the table as it is.',
    );
  for (const [key, { value }] of train?.value.kind === 'map' ? flatten(train, '') : [])
    if (!(key in onTableChoices))
      complain(
        value.place,
        `train.${key}`,
        `nothing reads it: the training of a predictor on top of a table has ${listed(Object.keys(onTableChoices))}. Remove it.`,
      );
  const steps = entryAt(tree, ['teacher', 'M']);
  if (steps)
    complain(
      steps.value.place,
      'teacher.M',
      'nothing reads it: on top of a table a predictor is trained to where its teacher ends, which has timestamps of its own (num_steps). Remove it.',
    );
  const { table, teacher } = sampler;
  if (table.sigmas.length < 2)
    complain(
      place,
      'sampler',
      `${file} asks the network once, and a predictor steers what comes after: remove student.steering, or take a table of more evaluations.`,
    );
  const unknown =
    teacher &&
    !tree.entries.has('teacher') &&
    (!named(plain, teacher.solver) || !named(given, teacher.schedule.type));
  if (unknown)
    complain(
      place,
      'sampler',
      `${file} was fitted to samples of ${teacher.solver} on ${teacher.schedule.type}, which nothing here is called: say as teacher whose samples its predictor is trained to come to.`,
    );
}

async function readGiven(absolute: string, file: string): Promise<GivenSampler | string> {
  const sampler = await samplerIn(absolute, file);
  if (typeof sampler === 'string') return sampler;
  const { model, schedule, student, guidance } = sampler;
  return {
    ...(model.dataset !== undefined && { dataset: model.dataset }),
    settings: { schedule, student, ...(guidance && { guidance }) },
    sampler,
  };
}

/** The sampler of a file, or why it is none. `file`: as it is called in messages. */
export async function samplerIn(absolute: string, file: string): Promise<SamplerFile | string> {
  // what looks at tables is loaded only for a spec that names one
  const { mostBytes, parseSampler } = await import('../sampler/sampler-file.js');
  return readBounded(absolute, file, {
    noun: 'sampler',
    names: 'a sampler.json',
    mostBytes,
    parse: (bytes) => parseSampler(new TextDecoder('utf-8', { fatal: true }).decode(bytes)),
  });
}
