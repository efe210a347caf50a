import { type FileName, fileNames } from '@fewstep/models/families';
import { type Options, withDefaults } from '@fewstep/schedules';
import { type Declarations, type Declared, listed, named, optionsOf, readersOf } from './declared.js';
import { isOnFeatures } from './feature-loss.js';
import type { Complain } from './grid.js';
import { guidedKeys, isRead } from './guidances.js';
import { isSound, type Judged } from './judge.js';
import { isDiscrete, isOnnx, onnxOf, type SpecOnnx } from './onnx.js';
import { methodPartsOf, type Part, schedulePartsOf, trainPartOf } from './parts.js';
import type { Place } from './problem.js';
import { generatorOf, isSteered, steersTable, trains } from './resolve.js';
import { featureLossKeys, type Spec } from './schema.js';
import { entryAt, nearestEntry } from './tree.js';

/** A key that only some combinations read. */
export interface ConditionalKey {
  readonly path: string;
  /** The keys that decide: while one of them has a problem, the option counts as read. */
  readonly of: readonly string[];
  readonly read: (spec: Spec) => boolean;
  /** Who would read it, said when nobody in the experiment does. */
  readonly reader: string;
}

/** What a part may be told: each option is read by those that declare it. */
const optionsIn = (
  { path, of, isRead, name, declared, all, told, takes = told }: Part,
  { plain, students, generators }: Declarations,
): ConditionalKey[] =>
  Object.keys(optionsOf(all)).map((key) => {
    const tables = path === 'student' ? readersOf(key, generators) : [];
    const readers = readersOf(key, all).filter((reader) => !tables.includes(reader));
    const hasPredictor = readers.some((reader) => named(students, reader));
    const has = (ones: readonly Declared[]) => readersOf(key, ones).length > 0;
    const how =
      path !== 'student' || !hasPredictor || (has(plain) && has(students))
        ? ''
        : has(plain)
          ? ' with train: false'
          : ' with a predictor';
    const [flag] = all.flatMap(({ options: { [key]: option } }) =>
      option && 'under' in option ? [option.under] : [],
    );
    return {
      path: `${path}.${key}`,
      of: flag === undefined ? of : [...of, `${path}.${flag}`],
      read: (spec) => {
        const options: Options = named(declared(spec), name(spec))?.options ?? {};
        const isSet = flag === undefined || withDefaults(options, takes(spec))[flag] !== false;
        return isRead(spec) && options[key] !== undefined && isSet;
      },
      reader: `only ${listed([...(readers.length > 0 ? [listed(readers) + how] : []), ...tables])} ${readers.length + tables.length === 1 ? 'has' : 'have'} ${key}${flag === undefined ? '' : `, where ${flag} is true`}`,
    };
  });

/** A key below `dataset.onnx`, of one that is read. */
const onnxOption = (key: string, read: (onnx: SpecOnnx) => boolean, reader: string): ConditionalKey => ({
  path: `dataset.onnx.${key}`,
  of: ['dataset.checkpoint', 'dataset.onnx.parametrization', 'dataset.onnx.betas.type'],
  read: ({ dataset }) => {
    const onnx = onnxOf(dataset);
    return onnx !== undefined && read(onnx);
  },
  reader,
});

/** Where an ONNX model has what other checkpoints have in a file. */
const inOnnx: { readonly [N in FileName]?: string } = {
  first_stage: 'an ONNX file has its decoder as onnx.decoder',
};

const training = 'only the training of a predictor or table does, and none is trained';

/** Of a teacher, what only one with noise levels of its own has. */
const ofItsOwn = ['num_steps', 'afs', 'denoise_to_zero', 'schedule'];

/** Keys that only some combinations read. A key below one that nothing reads is not looked at. */
export const conditionalKeysOf = (declarations: Declarations): readonly ConditionalKey[] => [
  {
    path: 'train',
    of: ['predictor', 'sampler'],
    read: (spec) =>
      (spec.predictor === undefined && spec.sampler === undefined) || steersTable({ ...spec, train: {} }),
    reader: 'predictor or sampler names one that is trained already',
  },
  { path: 'teacher', of: ['train', 'predictor', 'sampler'], read: trains, reader: training },
  {
    path: 'student.bottleneck',
    of: ['train', 'predictor', 'sampler', 'student.solver', 'student.steering'],
    read: (spec) => isSteered(spec, declarations),
    reader: 'only a predictor does, and there is none',
  },
  {
    path: 'student.steering',
    of: ['train', 'predictor', 'sampler', 'student.solver'],
    read: (spec) => trains(spec) && named(declarations.students, spec.student.solver) !== undefined,
    reader: 'only a student that can have a predictor is steered, and none is trained',
  },
  {
    path: 'student.start',
    of: ['student.solver', 'student.steering', 'train', 'predictor', 'sampler'],
    read: (spec) => {
      const generator = generatorOf(spec, declarations);
      return generator !== undefined && !generator.evaluations;
    },
    reader: `only a table begins from another method (student.solver ${listed(
      declarations.generators.filter(({ evaluations }) => !evaluations).map(({ name }) => name),
      'or',
    )})`,
  },
  {
    path: 'teacher.M',
    of: ['train', 'predictor', 'sampler', 'student.solver', 'student.steering'],
    read: (spec) => !generatorOf(spec, declarations) && !steersTable(spec),
    reader: 'only a predictor is trained along a trajectory, a table is fitted to where its teacher ends',
  },
  ...ofItsOwn.map((key) => ({
    path: `teacher.${key}`,
    of: ['train', 'predictor', 'sampler', 'student.solver', 'student.steering'],
    read: (spec: Spec) => generatorOf(spec, declarations) !== undefined || steersTable(spec),
    reader:
      'only a table has a teacher with timestamps of its own; that of a predictor takes M + 1 steps in each of the student’s intervals',
  })),
  ...Object.keys(featureLossKeys).map((key) => ({
    path: `train.${key}`,
    of: ['train.loss', 'predictor', 'sampler', 'student.solver', 'student.steering'],
    read: (spec: Spec) => generatorOf(spec, declarations) !== undefined && isOnFeatures(spec),
    reader: 'only a table that is fitted to features has it (train.loss: features)',
  })),
  ...['repeats', 'tuned_on'].map((key) => ({
    path: `sample.${key}`,
    of: ['evaluate'],
    read: ({ evaluate = [] }: Spec) => evaluate.length > 0,
    reader: 'only scores do, and evaluate asks for none',
  })),
  ...[...methodPartsOf(declarations), ...schedulePartsOf(declarations), trainPartOf(declarations)].flatMap(
    (part) => optionsIn(part, declarations),
  ),
  ...Object.entries(guidedKeys).map(([path, reader]) => ({
    path,
    of: ['guidance.type'],
    read: ({ guidance }: Spec) => isRead(path, guidance?.type),
    reader,
  })),
  ...fileNames
    .filter((name) => guidedKeys[`dataset.${name}`] === undefined)
    .map((name) => ({
      path: `dataset.${name}`,
      of: ['dataset.checkpoint'],
      read: ({ dataset }: Spec) => !isOnnx(dataset),
      reader: inOnnx[name] ?? 'an ONNX file has the whole network',
    })),
  {
    path: 'dataset.network',
    of: ['dataset.checkpoint'],
    read: ({ dataset }) => !isOnnx(dataset),
    reader: 'it tells what weights don’t show, and an ONNX file has the whole network',
  },
  {
    path: 'dataset.network.num_heads_upsample',
    of: ['dataset.network.num_heads'],
    read: ({ dataset }) => dataset.network?.num_heads !== undefined,
    reader: 'it is in place of num_heads in the decoder, which is not told',
  },
  {
    path: 'dataset.clip_network',
    of: ['dataset.clip'],
    read: ({ dataset }) => dataset.clip !== undefined,
    reader: 'it tells what weights of dataset.clip don’t show, which is not there',
  },
  {
    path: 'dataset.onnx',
    of: ['dataset.checkpoint'],
    read: ({ dataset }) => isOnnx(dataset),
    reader: 'only a checkpoint that is ONNX (.onnx) needs it',
  },
  onnxOption(
    'betas',
    (onnx) => isDiscrete(onnx) || onnx.parametrization === 'denoiser',
    'edm is of no noise in discrete times',
  ),
  onnxOption(
    'scale_factor',
    ({ decoder }) => decoder !== undefined,
    'only a decoder has latents, and there is none',
  ),
  onnxOption('sigma_data', (onnx) => onnx.parametrization === 'edm', 'only edm depends on it'),
  ...['start', 'end'].map((key) =>
    onnxOption(
      `betas.${key}`,
      ({ betas }) => betas?.type === 'linear' || betas?.type === 'scaled_linear',
      'only linear and scaled_linear have a first and a last β',
    ),
  ),
  onnxOption(
    'betas.steps',
    ({ betas }) => betas?.type !== 'explicit',
    'explicit ones are as many as are listed',
  ),
  onnxOption(
    'betas.alphas_cumprod',
    ({ betas }) => betas?.type === 'explicit',
    'only explicit ones are listed',
  ),
];

/**
 * An option that no point reads does nothing; one that some point reads is fine in the others.
 *
 * @returns those of the file that only what the command line says left without a reader, of which it doesn't complain
 */
export function complainUnread(
  judged: readonly Judged[],
  complain: Complain,
  conditional: readonly ConditionalKey[],
): { readonly path: string; readonly place: Place }[] {
  const written = new Map<
    string,
    { place: Place; path: string; reader: string; read: boolean; isLeft: boolean }
  >();
  const keys = conditional.map((key) => ({ ...key, steps: key.path.split('.') }));
  for (const { tree, spec, bad } of judged) {
    const dead: string[] = [];
    for (const { path, steps, of, read, reader } of keys) {
      const entry = entryAt(tree, steps);
      if (entry === undefined || dead.some((above) => path.startsWith(`${above}.`))) continue;
      const isRead = !isSound(of, bad) || read(spec);
      if (!isRead) dead.push(path);
      const isChanged = of.some((other) => nearestEntry(tree, other.split('.')).value.place.layer === 2);
      for (const place of entry.keys) {
        const id = `${place.file}:${place.line}:${place.column} ${path}`;
        const before = written.get(id);
        const isLeft = isChanged && place.layer < 2 && (before?.isLeft ?? true);
        written.set(id, { place, path, reader, read: isRead || (before?.read ?? false), isLeft });
      }
    }
  }
  const unread = [...written.values()].filter(({ read }) => !read);
  for (const { place, path, reader, isLeft } of unread)
    if (!isLeft) complain(place, path, `nothing reads it: ${reader}. Remove it.`);
  return unread.filter(({ isLeft }) => isLeft);
}
