import { spawnSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import {
  choice,
  flag,
  integer,
  levels,
  number,
  type Option,
  type ScheduleFamily,
  withDefaults,
} from '@fewstep/schedules';
import {
  add,
  around,
  axpy,
  between,
  checkTable,
  combine,
  compile,
  free,
  type Method,
  type Output,
  opening,
  placed,
  placement,
  placementChoices,
  type Solver,
  type SteeredMethod,
  slopeAt,
  startOf,
  type TableFamily,
  type TableGenerator,
} from '@fewstep/solvers';
import { RunnerError } from '../errors.js';
import { faultsIn } from '../judging/faults.js';
import type { JsonSchema } from '../judging/json-schema.js';

/** What a module's function gets: how options and outputs are declared, the arithmetic of a step, and a solve as a table. */
const tools = {
  ...{ integer, number, flag, choice, levels },
  ...{ between, around, free, placement, placementChoices },
  ...{ slopeAt, axpy, add, combine, opening, placed, compile },
};

/** A method of a user's own: a plain solver, a student, or both; or what makes tables that are fitted. */
export interface ModuleMethod {
  readonly name: string;
  readonly options: Readonly<Record<string, Option>>;
  readonly plain?: Method;
  readonly student?: SteeredMethod;
  readonly generator?: TableGenerator;
}

/** What a score is computed of: images uint8 [n, channels, height, width]; features float32 [n, dim] of samples and real images. */
interface ScoreGiven {
  readonly images?: { readonly data: Uint8Array; readonly shape: readonly number[] };
  readonly features?: { readonly data: Float32Array; readonly shape: readonly number[] };
  readonly real?: { readonly data: Float32Array; readonly shape: readonly number[] };
}

/** A score of a user's own. */
export interface ModuleScore {
  readonly name: string;
  readonly needs: 'images' | 'features';
  /** Of each of its columns. */
  readonly digits: Readonly<Record<string, number>>;
  compute(given: ScoreGiven): Promise<Readonly<Record<string, number>>>;
}

/** What a module may be named as, and what it declares then, as it stands there. */
interface Declarations {
  readonly method: Pick<Method, 'name' | 'options'> &
    Partial<
      Pick<Method, 'make' | 'evaluations'> &
        Pick<SteeredMethod, 'outputs' | 'teacher'> &
        Pick<TableGenerator, 'description'>
    > & {
      readonly student?: SteeredMethod['make'];
      readonly family?: TableGenerator['make'];
    };
  readonly schedule: ScheduleFamily;
  readonly score: ModuleScore;
}
export type ModuleRole = keyof Declarations;

const word = /^[a-z][a-z0-9_]{0,49}$/;
const name = {
  type: 'string',
  pattern: word.source,
  title: 'small letters, digits and _, as my_solver',
} as const;
const optionsMap = {
  type: 'object',
  title: 'a map of names to options, as { order: integer(1, 3, 2, "Highest order.") }',
} as const;
const callable = (of: string) => ({ type: 'function', title: `a function of ${of}` }) as const;
const declaration = (needed: object, optional: object): JsonSchema => ({
  type: 'object',
  additionalProperties: false,
  required: ['name', ...Object.keys(needed)],
  properties: { name, ...needed, ...optional },
});

const shapes: Readonly<Record<ModuleRole, JsonSchema>> = {
  method: declaration(
    {},
    {
      evaluations: { type: 'integer', minimum: 1, title: 'how many an interval takes, at least 1' },
      options: optionsMap,
      make: callable('its options'),
      student: callable('its options'),
      outputs: callable('its options that gives what a predictor decides, as placement'),
      teacher: { type: 'string', title: 'the name of a plain solver, as heun' },
      family: callable('its options and what it begins from, that gives { parameters, table }'),
      description: { type: 'string', title: 'what is free in its tables, a text' },
    },
  ),
  schedule: declaration(
    { levels: callable('the span and its options') },
    {
      options: optionsMap,
      spacing: { type: 'string', title: 'a text, as "log σ evenly"' },
      isWhole: { type: 'boolean', title: 'true or false: whether finer levels miss its own' },
    },
  ),
  score: declaration(
    {
      needs: { enum: ['images', 'features'], description: 'Of the samples, and features of real images.' },
      digits: { type: 'object', title: 'digits that the table shows of each column, as { sharpness: 3 }' },
      compute: callable('what it needs'),
    },
    {},
  ),
};

const aNumber = callable('a number');
/** What a predictor is to decide. */
const outputsShape: JsonSchema = {
  type: 'array',
  title: 'a list of { name, count, range, moves, start }',
  minItems: 1,
  items: declaration(
    {
      count: { type: 'integer', minimum: 1, maximum: 1000, title: 'how many numbers it is, 1 to 1000' },
      range: {
        type: 'object',
        title: 'one of between, around or free',
        properties: { at: aNumber, slope: aNumber, inverse: aNumber, step: aNumber },
        required: ['at', 'slope', 'inverse', 'step'],
      },
      moves: { type: 'boolean', title: 'true or false: whether it moves where the denoiser is asked' },
      start: callable('the interval'),
    },
    {},
  ),
};

/** Tables that numbers make. */
const familyShape: JsonSchema = {
  type: 'object',
  title: 'a map { parameters, table }',
  required: ['parameters', 'table'],
  properties: {
    parameters: {
      type: 'array',
      title: 'a list of { name, start, step }',
      minItems: 1,
      items: {
        type: 'object',
        title: 'a map { name, start, step }',
        required: ['name', 'start', 'step'],
        properties: {
          name: { type: 'string', title: 'a text, as "place 1"' },
          start: { type: 'number', title: 'the number that it begins at' },
          step: { type: 'number', exclusiveMinimum: 0, title: 'how far a difference goes, above 0' },
        },
      },
    },
    table: callable('the numbers'),
  },
};

const numbers: JsonSchema = { type: 'array', title: 'a list of numbers', items: { type: 'number' } };
const tableShape: JsonSchema = {
  type: 'object',
  title: 'a map { sigmas, rows }',
  required: ['sigmas', 'rows'],
  properties: { sigmas: numbers, rows: { type: 'array', title: 'a list of rows', items: numbers } },
};

/** Keys of a spec that its options would hide. */
const taken = [
  'start',
  'steering',
  'solver',
  'type',
  'num_steps',
  'afs',
  'denoise_to_zero',
  'bottleneck',
  'M',
  'schedule',
];

const fault = (file: string, sentence: string, cause?: unknown) =>
  new RunnerError('E_MODULE', `${file}: ${sentence}`, { cause, evidence: { file } });
const said = (error: unknown) => (error instanceof Error ? error.message : String(error));
const isMap = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Calls into a module, whose errors are told with its file. `what`: what is called, as `make throws`. */
function calling<T>(file: string, what: string, call: () => T): T {
  const tell = (cause: unknown): never => {
    throw fault(file, `its ${what}: ${said(cause)}.`, cause);
  };
  try {
    const made = call();
    return made instanceof Promise ? (made.catch(tell) as T) : made;
  } catch (cause) {
    return tell(cause);
  }
}

/**
 * The declaration that a module's default export makes. Its code runs.
 *
 * @throws RunnerError E_MODULE with the file, and what is wrong with what it exports
 */
async function declarationOf<R extends ModuleRole>(file: string, role: R): Promise<Declarations[R]> {
  // what is no file would be waited for
  if (statSync(file, { throwIfNoEntry: false })?.isFile() === false)
    throw fault(file, 'it is no file, but a folder, a pipe or a device.');
  const { default: declare }: { readonly default?: unknown } = await import(pathToFileURL(file).href).catch(
    (cause: unknown) => {
      if (!existsSync(file)) throw fault(file, 'there is no such file.', cause);
      const line = lineOf(file, cause);
      throw fault(file, `it can't be loaded${line ? `, line ${line}` : ''}: ${said(cause)}.`, cause);
    },
  );
  if (typeof declare !== 'function')
    throw fault(
      file,
      `its default export is ${declare === undefined ? 'missing' : 'no function'}, and must be a function that gives what it declares: export default (fewstep) => ({ name: … }).`,
    );
  const declared: unknown = await calling(file, 'default export throws', () => declare(tools));
  const [first] = faultsIn(declared, shapes[role], undefined, ['its']);
  if (first)
    throw fault(
      file,
      first.path.length === 1
        ? `its default export must give a ${role}: ${first.sentence}`
        : `${first.path.join(' ')}: ${first.sentence}`,
    );
  const { options = {} } = declared as Partial<ModuleMethod>;
  checkOptions(file, options);
  return { ...(declared as Declarations[R]), options };
}

/** Where in a file an error is of; of its syntax Node says it when it is asked to check it alone. */
function lineOf(file: string, error: unknown): string | undefined {
  const text =
    error instanceof SyntaxError
      ? spawnSync(process.execPath, ['--check', file], { encoding: 'utf8' }).stderr
      : String((error as Error)?.stack);
  return text.slice(text.indexOf(file)).match(/^[^:]*:(\d+)/)?.[1];
}

function checkOptions(file: string, options: Readonly<Record<string, unknown>>): void {
  for (const [key, option] of Object.entries(options)) {
    const wrong = (sentence: string) => fault(file, `its option "${key}" ${sentence}`);
    if (!word.test(key)) throw wrong('must be of small letters, digits and _.');
    if (taken.includes(key)) throw wrong('is a key of every spec: take another name.');
    const byHand = 'declare it by integer, number, flag, choice or levels.';
    if (!isMap(option) || typeof option.description !== 'string' || !option.description)
      throw wrong(`has no description: ${byHand}`);
    if (!Array.isArray(option.enum) && !['boolean', 'integer', 'number', 'array'].includes(`${option.type}`))
      throw wrong(`is of no kind that there is: ${byHand}`);
    const [refused] = option.type === 'array' ? [] : faultsIn(option.default, option as JsonSchema);
    if (refused) throw wrong(`refuses its own default: ${refused.sentence}`);
  }
}

/** @throws RunnerError E_MODULE */
export async function loadMethod(file: string): Promise<ModuleMethod> {
  const declared = await declarationOf(file, 'method');
  const { name, options, make, student, outputs, evaluations, teacher = 'heun', family } = declared;
  if (family) {
    if (make || student)
      throw fault(file, 'it declares family, tables that are fitted, and a solver: write each in its file.');
    const { description = 'numbers of its own' } = declared;
    return {
      name,
      options,
      generator: {
        ...{ name, options, description },
        ...(evaluations !== undefined && { evaluations: () => evaluations }),
        make: (...given) =>
          watchedFamily(
            file,
            calling(file, 'family throws', () => family(...given)),
          ),
      },
    };
  }
  if (!make && !student)
    throw fault(
      file,
      'it declares neither make, a plain solver, nor student, one that a predictor steers, nor family, tables that are fitted.',
    );
  if (evaluations === undefined)
    throw fault(file, 'its evaluations: missing; write how many an interval takes, at least 1.');
  if (student && !outputs)
    throw fault(
      file,
      'it declares no outputs, a function of its options that gives what a predictor decides, as placement.',
    );
  const plain: Method | undefined = make && {
    name,
    options,
    evaluations,
    make: (...chosen) => watched(file, 'make', () => make(...chosen)),
  };
  const steered: SteeredMethod | undefined = student && {
    name,
    evaluations,
    options,
    outputs: (chosen) =>
      checkOutputs(
        file,
        calling(file, 'outputs throws', () => outputs!(chosen)),
      ),
    teacher,
    make(chosen) {
      const made = calling(file, 'student throws', () => student(chosen));
      if (typeof made?.steered !== 'function' || typeof made.singleStep !== 'boolean')
        throw fault(file, 'its student gives no { singleStep, steered }.');
      const { singleStep } = made;
      return {
        name,
        singleStep,
        steered: (predict) => watched(file, 'student', () => made.steered(predict)),
      };
    },
  };
  const defaults = withDefaults(options, {});
  plain?.make(defaults, { sigmaMin: 0.002, sigmaMax: 80 });
  steered?.make(defaults);
  steered?.outputs(defaults);
  return { name, options, ...(plain && { plain }), ...(steered && { student: steered }) };
}

/** What a predictor is to decide, looked at. */
function checkOutputs(file: string, outputs: readonly Output[]): readonly Output[] {
  const [first] = faultsIn(outputs, outputsShape, undefined, ['its outputs']);
  if (first) throw fault(file, `${first.path.join(' ')}: ${first.sentence}`);
  if (new Set(outputs.map(({ name }) => name)).size === outputs.length) return outputs;
  throw fault(file, 'its outputs must be a list of { name, … }, each of its own name.');
}

/** Tables whose faults are told with their file, all of the size of the first. */
function watchedFamily(file: string, family: TableFamily): TableFamily {
  const [first] = faultsIn(family, familyShape, undefined, ['its family']);
  if (first) throw fault(file, `${first.path.join(' ')}: ${first.sentence}`);
  const { parameters } = family;
  if (new Set(parameters.map(({ name }) => name)).size < parameters.length)
    throw fault(file, 'its family parameters must each have a name of their own.');
  const table: TableFamily['table'] = (values) => calling(file, 'table throws', () => family.table(values));
  const begun = startOf({ parameters, table });
  const [wrong] = faultsIn(begun, tableShape, undefined, ['its table']);
  if (wrong) throw fault(file, `${wrong.path.join(' ')}: ${wrong.sentence}`);
  calling(file, 'table', () => checkTable(begun));
  const sizes = (rows: readonly (readonly number[])[] = []) => rows.map((row) => row.length).join();
  return {
    parameters,
    table(values) {
      const made = table(values);
      if (sizes(made?.rows) === sizes(begun.rows) && made.sigmas?.length === begun.sigmas.length) return made;
      throw fault(file, 'its table is of another size than where it begins.');
    },
  };
}

/** A solver whose faults are told with its file. */
function watched(file: string, what: string, make: () => Solver): Solver {
  const solver = calling(file, `${what} throws`, make);
  const missing = (['init', 'step'] as const).find((method) => typeof solver?.[method] !== 'function');
  if (missing) throw fault(file, `its ${what} gives no solver: ${missing} is no function.`);
  return {
    name: solver.name ?? what,
    order: solver.order ?? 1,
    init: (x, n) => solver.init(x, n),
    *step(state, sigma, sigmaNext, remaining) {
      const here = `step from σ ${sigma}`;
      const { length } = state.x;
      const isBatch = (x: unknown) => x instanceof Float64Array && x.length === length;
      const steps = solver.step(state, sigma, sigmaNext, remaining);
      if (typeof steps?.next !== 'function')
        throw fault(file, `its ${here} is no generator: write it as *step(state, sigma, sigmaNext).`);
      let answer: Parameters<typeof steps.next>[0];
      for (;;) {
        const result = calling(file, `${here} throws`, () => steps.next(answer as never));
        if (result.done) {
          if (isBatch(result.value?.x)) return result.value;
          throw fault(
            file,
            `its ${here} gives no state { x }, a Float64Array of ${length} numbers as before.`,
          );
        }
        const { x, sigma: asked } = (result.value ?? {}) as { x?: unknown; sigma?: unknown };
        const isLevel =
          typeof asked === 'number' ? asked > 0 && asked < Infinity : asked instanceof Float64Array;
        if (!isBatch(x) || !isLevel)
          throw fault(
            file,
            `its ${here} asks for no evaluation: yield { x, sigma }, x a Float64Array of ${length} numbers and sigma above 0.`,
          );
        answer = yield result.value;
      }
    },
  };
}

/** @throws RunnerError E_MODULE */
export async function loadSchedule(file: string): Promise<ScheduleFamily> {
  const declared = await declarationOf(file, 'schedule');
  return {
    ...declared,
    spacing: declared.spacing ?? `of ${file}`,
    levels(span, ...chosen) {
      const given: unknown = calling(file, 'levels throw', () => declared.levels(span, ...chosen));
      const isList = given instanceof Float64Array || Array.isArray(given);
      const list = isList ? Float64Array.from(given as ArrayLike<number>) : undefined;
      if (list?.length !== span.numSteps)
        throw fault(
          file,
          `its levels give ${list ? `${list.length} of them` : `a ${typeof given}`}, and must give ${span.numSteps}, one for each timestamp.`,
        );
      const wrong = list.findIndex((level, i) => !(level > 0 && level < (list[i - 1] ?? Infinity)));
      if (wrong >= 0)
        throw fault(
          file,
          `its levels give ${list[wrong]} as number ${wrong}, and must descend and stay above 0.`,
        );
      return list;
    },
  };
}

/** @throws RunnerError E_MODULE */
export async function loadScore(file: string): Promise<ModuleScore> {
  const { name, needs, digits, compute } = await declarationOf(file, 'score');
  const columns = Object.entries(digits);
  if (
    columns.length === 0 ||
    columns.some(
      ([column, count]) => !word.test(column) || !(Number.isInteger(count) && count >= 0 && count <= 15),
    )
  )
    throw fault(
      file,
      'its digits must say of each of its columns how many the table shows, as { sharpness: 3 }.',
    );
  return {
    name,
    needs,
    digits,
    async compute(given) {
      const found: unknown = await calling(file, 'compute throws', () => compute(given));
      const values = (found ?? {}) as Readonly<Record<string, number>>;
      for (const [column] of columns)
        if (!Number.isFinite(values[column]))
          throw fault(
            file,
            `its compute gives ${JSON.stringify(values[column]) ?? 'nothing'} as ${column}, and must give a finite number.`,
          );
      return Object.fromEntries(columns.map(([column]) => [column, values[column]!]));
    },
  };
}
