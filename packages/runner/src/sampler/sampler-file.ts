import { seedRanges } from '@fewstep/solvers/seeds';
import { checkTable, depthOf, type SamplerTable, SolverError } from '@fewstep/solvers/tables';
import { RunnerError } from '../errors.js';
import type { GivenSchedule, SolverConfig } from '../experiment/experiment.js';
import { faultsIn } from '../judging/faults.js';
import type { JsonSchema } from '../judging/json-schema.js';
import { shown, shownKey } from '../judging/shown.js';
import type { GuidanceSettings } from '../predictor/predictor-settings.js';

/** What a file begins with, and the version that is written. */
const format = 'fewstep-sampler';
const version = 1;

/** A table of some hundreds of evaluations; those that people sample with are kilobytes. */
export const mostBytes = 2 ** 22;

/** A sampler as a table, and all that is to be known of it: what sampler.json holds. */
export interface SamplerFile {
  readonly table: SamplerTable;
  /** What it was made for. */
  readonly model: {
    /** Name in the registry, where it has it from there. */
    readonly dataset?: string;
    /** Of one image or latent: [channels, height, width]. */
    readonly shape: readonly [number, number, number];
    /** Noise that it was made between, data units. */
    readonly sigma_min: number;
    readonly sigma_max: number;
    readonly latents: boolean;
  };
  /** Sections of the spec that makes it, every option filled in; a table is sampled with whatever they say. */
  readonly schedule: GivenSchedule;
  readonly student: SolverConfig & {
    readonly num_steps: number;
    readonly afs?: boolean;
    readonly denoise_to_zero?: boolean;
  };
  readonly guidance?: GuidanceSettings;
  /** Left out with `train`: nobody trained it. */
  readonly teacher?: TeacherOfTable;
  readonly train?: TableTraining;
  /** What it is derived from, and its licence. */
  readonly source?: string;
}

/** Whose samples a table was fitted to: a sampler with its own noise levels. */
export interface TeacherOfTable {
  readonly solver: string;
  readonly num_steps: number;
  readonly afs: boolean;
  readonly denoise_to_zero: boolean;
  readonly schedule: GivenSchedule;
  readonly [option: string]: SolverConfig[string] | GivenSchedule;
}

/** How a table was fitted, and what it cost. */
export interface TableTraining {
  readonly images: number;
  readonly rounds: number;
  readonly validation: number;
  readonly seed: number;
  /** Of the images, as 2147483648-2147483839, and of those that only chose the round. */
  readonly seeds: string;
  readonly validation_seeds: string;
  readonly loss: string;
  /** How much contrast counts beside values in the loss; left out: not at all. */
  readonly contrast?: number;
  /** Whether its last row was brought to the teacher's energies; left out: it wasn't. */
  readonly match_energy?: boolean;
  /** Of the loss `features`: their network, and how much they counted beside pixels. */
  readonly features?: TrainedFeatures;
  /** Whether it was fitted to features of a network, which metrics may compare by, too. */
  readonly uses_metric_features: boolean;
  /** Samples that the network was asked for in all, and those of the teacher among them. */
  readonly calls: number;
  readonly teacher_calls: number;
  /** Distance to the teacher's samples before and after, on the validation seeds, data units. */
  readonly rmse: readonly [before: number, after: number];
}

/** A feature network by its name and the SHA-256 of its file, and what its features were told. */
export interface TrainedFeatures {
  readonly network: string;
  readonly sha256: string;
  /** How images came to its size, of weights that leave it open; left out: `tensorflow`. */
  readonly resize?: string;
  readonly weight: number;
}

const number = { type: 'number' } as const;
const above0 = { type: 'number', exclusiveMinimum: 0 } as const;
const count = { type: 'integer', minimum: 0 } as const;
const size = { type: 'integer', minimum: 1 } as const;
const text = { type: 'string', minLength: 1 } as const;
const bool = { type: 'boolean' } as const;
const list = (items: JsonSchema, length?: number): JsonSchema => ({
  type: 'array',
  items,
  ...(length !== undefined && { minItems: length, maxItems: length }),
});
/** A map of no other keys, all but `optional` needed. */
const map = (properties: Readonly<Record<string, JsonSchema>>, ...optional: readonly string[]) => ({
  ...section(properties, ...optional),
  additionalProperties: false,
});
/** A section of a spec: these, and the options of what it names, which `isOption` looks at. */
const section = (
  properties: Readonly<Record<string, JsonSchema>>,
  ...optional: readonly string[]
): JsonSchema => ({
  type: 'object',
  required: Object.keys(properties).filter((key) => !optional.includes(key)),
  properties,
});
const schedule = section({ type: text });
const sides = list(size, 3);

const schema: JsonSchema = map(
  {
    format: text,
    version: size,
    nfe: size,
    depth: size,
    table: map(
      {
        // of these the first that isn't numbers is said
        sigmas: { type: 'array', title: 'a list of noise levels' },
        rows: { type: 'array', title: 'a list of rows' },
        bands: map({ shape: sides, edges: { type: 'array', items: number, maxItems: 64 } }),
      },
      'bands',
    ),
    model: map(
      { dataset: text, shape: sides, sigma_min: above0, sigma_max: above0, latents: bool },
      'dataset',
    ),
    schedule,
    student: section(
      { solver: text, num_steps: size, afs: bool, denoise_to_zero: bool },
      'afs',
      'denoise_to_zero',
    ),
    guidance: map({ type: { enum: ['cfg', 'cg', 'uncond'] }, rate: number }, 'rate'),
    teacher: section({ solver: text, num_steps: size, afs: bool, denoise_to_zero: bool, schedule }),
    train: map(
      {
        images: size,
        rounds: count,
        validation: size,
        seed: count,
        seeds: text,
        validation_seeds: text,
        loss: text,
        contrast: { type: 'number', minimum: 0 },
        match_energy: { type: 'boolean' },
        features: map(
          {
            network: text,
            sha256: { type: 'string', pattern: '^[0-9a-f]{64}$', title: 'a SHA-256 in hex' },
            resize: text,
            weight: above0,
          },
          'resize',
        ),
        uses_metric_features: bool,
        calls: count,
        teacher_calls: count,
        rmse: list({ type: 'number', minimum: 0 }, 2),
      },
      'contrast',
      'match_energy',
      'features',
    ),
    source: text,
  },
  ...['guidance', 'teacher', 'train', 'source'],
);

/** A sampler as the text of its file: JSON, numbers as exact as they are, a list of them a line. */
export function formatSampler({ table, ...about }: SamplerFile): string {
  const { sigmas, rows, bands } = table;
  const { model, schedule, student, guidance, teacher, train, source } = about;
  const inOrder = { model, schedule, student, guidance, teacher, train, source };
  const facts = { format, version, nfe: sigmas.length, depth: depthOf(table) };
  return `${textOf({ ...facts, table: { sigmas, rows, bands }, ...inOrder }, '')}\n`;
}

/** JSON that people read: a key a line, and a list of numbers or words. */
export function textOf(value: unknown, indent = ''): string {
  if (Object.is(value, -0)) return '-0'; // which JSON.stringify writes as 0
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const deeper = `${indent}  `;
  if (Array.isArray(value)) {
    const items = value.map((item) => textOf(item, deeper));
    return value.some((item) => typeof item === 'object')
      ? `[\n${items.map((item) => deeper + item).join(',\n')}\n${indent}]`
      : `[${items.join(', ')}]`;
  }
  const entries = Object.entries(value).filter(([, item]) => item !== undefined);
  const lines = entries.map(([key, item]) => `${deeper}${JSON.stringify(key)}: ${textOf(item, deeper)}`);
  return `{\n${lines.join(',\n')}\n${indent}}`;
}

/**
 * The sampler of a file's text, which may be anybody's: nothing in it is executed, and no number is taken on trust.
 *
 * @throws RunnerError (E_SAMPLER) with every problem and its place, or with the version that it needs
 */
export function parseSampler(text: string): SamplerFile {
  const found = jsonOf(text);
  checkVersion(found);
  checkWidth(found);
  // below a path, for at the top is where specs have more keys
  const faults = faultsIn(found, schema, undefined, ['sampler']);
  const problems =
    faults.length > 0
      ? faults.map(({ path, sentence }) => `${placeOf(path.slice(1))}: ${sentence}`)
      : [...contradictions(found as unknown as Whole)];
  if (problems.length > 0) {
    const listed = problems.slice(0, mostListed);
    const more = problems.length - listed.length;
    throw fault(`${listed.join(' ')}${more > 0 ? ` And ${more} more.` : ''}`, { problems: listed });
  }
  const { format: _, version: __, nfe: ___, depth: ____, ...sampler } = found as unknown as Whole;
  return sampler;
}

/** No more than these are said. */
const mostListed = 12;

/** What a file holds beside: what follows from its table, for people and other programs. */
type Whole = SamplerFile & {
  readonly format: string;
  readonly version: number;
  readonly nfe: number;
  readonly depth: number;
};

function jsonOf(text: string): Readonly<Record<string, unknown>> {
  if (text.length > mostBytes)
    throw fault(`it has ${text.length} characters, far more than a sampler’s table; ${remedy}.`, {
      length: text.length,
    });
  let found: unknown;
  try {
    found = JSON.parse(text);
  } catch (error) {
    throw fault(`it is no whole JSON (${(error as Error).message}): ${remedy}.`, {});
  }
  if (typeof found !== 'object' || found === null || Array.isArray(found) || !Object.hasOwn(found, 'format'))
    throw fault(`a sampler is a JSON map that begins with "format": "${format}"; ${remedy}.`, {});
  return found as Readonly<Record<string, unknown>>;
}

const remedy = 'name the sampler.json of a trained or compiled sampler';

function checkVersion({ format: told, version: wanted }: Readonly<Record<string, unknown>>): void {
  if (told !== format)
    throw fault(`its format is ${shown(told)}, and a sampler’s is "${format}"; ${remedy}.`, { format: told });
  if (wanted !== version)
    throw fault(
      `it is of version ${shown(wanted)}, and this one reads ${version}: sample with the version of fewstep that wrote it, or a newer one.`,
      { version: wanted },
    );
}

/** That no map has so many keys that to say what is wrong with each would take long. */
function checkWidth(value: unknown, path: readonly string[] = []): void {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || path.length > 2) return;
  const entries = Object.entries(value);
  if (entries.length > mostKeys)
    throw fault(
      `${placeOf(path) || 'it'} has ${entries.length} keys, and no map of a sampler has so many; ${remedy}.`,
      {
        keys: entries.length,
      },
    );
  for (const [key, below] of entries) checkWidth(below, [...path, key]);
}
const mostKeys = 100;

/** What a schema can't rule out. */
function* contradictions(sampler: Whole): Generator<string> {
  const { table, model, nfe, depth, teacher, train } = sampler;
  const isList = (row: unknown) => Array.isArray(row) && row.every(Number.isFinite);
  const wrong = table.rows.findIndex((row) => !isList(row));
  if (!isList(table.sigmas) || wrong >= 0) {
    yield `table.${isList(table.sigmas) ? `rows.${wrong}` : 'sigmas'}: expected a list of numbers.`;
    return;
  }
  try {
    checkTable(table);
  } catch (error) {
    if (!(error instanceof SolverError)) throw error;
    yield `table: ${error.message}`;
    return;
  }
  const counted = { nfe: table.sigmas.length, depth: depthOf(table) };
  for (const [key, told] of Object.entries({ nfe, depth }))
    if (told !== counted[key as keyof typeof counted])
      yield `${key}: found ${told}, but its table has ${counted[key as keyof typeof counted]}.`;
  if (model.sigma_min >= model.sigma_max)
    yield `model.sigma_min: ${model.sigma_min} must be below sigma_max ${model.sigma_max}.`;
  if (table.bands && table.bands.shape.join() !== model.shape.join())
    yield `table.bands.shape: found ${table.bands.shape.join(' × ')}, but its model has ${model.shape.join(' × ')}.`;
  if ((teacher === undefined) !== (train === undefined))
    yield `${teacher ? 'train' : 'teacher'}: missing; a trained sampler has both, and a table that nobody trained has none.`;
  if (train && (train.loss === 'features') !== (train.features !== undefined))
    yield `train.features: ${train.features ? `found, but its loss is ${shown(train.loss)}` : 'missing, and its loss is on features'}.`;
  for (const key of ['seeds', 'validation_seeds'] as const)
    try {
      if (train) seedRanges(train[key]);
    } catch (error) {
      yield `train.${key}: ${(error as Error).message}.`;
    }
  for (const [name, options] of Object.entries({
    schedule: sampler.schedule,
    student: sampler.student,
    teacher: { ...teacher, schedule: undefined },
    'teacher.schedule': teacher?.schedule ?? {},
  }))
    for (const [key, value] of Object.entries(options))
      if (!isOption(key, value))
        yield `${placeOf([name, key])}: found ${shown(value)}, expected a number, text, true or false, or a list of numbers, under a name of letters.`;
}

/** As options of methods and schedules are. */
const isOption = (key: string, value: unknown): boolean =>
  value === undefined ||
  (/^\w{1,60}$/.test(key) &&
    (Array.isArray(value)
      ? value.every((item) => typeof item === 'number')
      : ['number', 'string', 'boolean'].includes(typeof value)));

const placeOf = (path: readonly string[]): string => path.map(shownKey).join('.');

const fault = (message: string, evidence: Record<string, unknown>) =>
  new RunnerError('E_SAMPLER', message, { evidence });
