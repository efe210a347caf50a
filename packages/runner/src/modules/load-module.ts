import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
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
  combine,
  free,
  type Method,
  type Output,
  opening,
  placed,
  placement,
  placementChoices,
  type Solver,
  type SteeredMethod,
  type Student,
  slopeAt,
} from '@fewstep/solvers';
import { RunnerError } from '../errors.js';

/** What a module's function gets: how options and outputs are declared, and the arithmetic of a step. */
const tools = {
  ...{ integer, number, flag, choice, levels },
  ...{ between, around, free, placement, placementChoices },
  ...{ slopeAt, axpy, add, combine, opening, placed },
};

/** A method of a user's own: a plain solver, a student, or both. */
export interface ModuleMethod {
  readonly name: string;
  readonly options: Readonly<Record<string, Option>>;
  readonly plain?: Method;
  readonly student?: SteeredMethod;
}

/** What a module may be named as. */
export type ModuleRole = 'method' | 'schedule' | 'score';

const keysOf: Readonly<Record<ModuleRole, readonly string[]>> = {
  method: ['name', 'options', 'evaluations', 'make', 'student', 'outputs', 'teacher'],
  schedule: ['name', 'options', 'spacing', 'levels'],
  score: ['name', 'needs', 'digits', 'compute'],
};
/** Keys of a spec that its options would hide. */
const taken = ['solver', 'type', 'num_steps', 'afs', 'denoise_to_zero', 'M', 'schedule'];

const fault = (file: string, sentence: string, cause?: unknown) =>
  new RunnerError('E_MODULE', `${file}: ${sentence}`, { cause, evidence: { file } });
/** What a value is, as the end of a sentence. */
const kindOf = (value: unknown): string => {
  if (value === undefined || value === null) return `gives ${value}`;
  return `gives ${Array.isArray(value) ? 'a list' : typeof value === 'object' ? 'an object' : `a ${typeof value}`}`;
};
const said = (error: unknown) => (error instanceof Error ? error.message : String(error));

/**
 * The declaration that a module's default export makes. Its code runs.
 *
 * @throws RunnerError E_MODULE with the file, and what is wrong with what it exports
 */
async function declarationOf(file: string, role: ModuleRole): Promise<Readonly<Record<string, unknown>>> {
  let made: { readonly default?: unknown };
  try {
    made = await import(pathToFileURL(file).href);
  } catch (cause) {
    if (!existsSync(file)) throw fault(file, 'there is no such file.', cause);
    const line = lineOf(file, cause);
    throw fault(file, `it can't be loaded${line ? `, line ${line}` : ''}: ${said(cause)}.`, cause);
  }
  const { default: declare } = made;
  if (typeof declare !== 'function')
    throw fault(
      file,
      `its default export is ${declare === undefined ? 'missing' : 'no function'}, and must be a function that gives what it declares: export default (fewstep) => ({ name: … }).`,
    );
  let declared: unknown;
  try {
    declared = await declare(tools);
  } catch (cause) {
    throw fault(file, `its default export throws: ${said(cause)}.`, cause);
  }
  if (typeof declared !== 'object' || declared === null || Array.isArray(declared))
    throw fault(
      file,
      `its default export ${kindOf(declared)}, and must give an object with ${keysOf[role].join(', ')}.`,
    );
  const map = declared as Readonly<Record<string, unknown>>;
  for (const key of Object.keys(map))
    if (!keysOf[role].includes(key))
      throw fault(file, `it declares "${key}", which a ${role} has not. One of ${keysOf[role].join(', ')}.`);
  if (typeof map.name !== 'string' || !/^[a-z][a-z0-9_]{0,49}$/.test(map.name))
    throw fault(
      file,
      `its name is ${JSON.stringify(map.name)}, and must be of small letters, digits and _, as my_solver.`,
    );
  checkOptions(file, map.options ?? {});
  return map;
}

/** Where in a file an error is of; of its syntax Node says it when it is asked to check it alone. */
function lineOf(file: string, error: unknown): string | undefined {
  const text =
    error instanceof SyntaxError
      ? spawnSync(process.execPath, ['--check', file], { encoding: 'utf8' }).stderr
      : String((error as Error)?.stack);
  return text.slice(text.indexOf(file)).match(/^[^:]*:(\d+)/)?.[1];
}

function checkOptions(file: string, options: unknown): asserts options is Readonly<Record<string, Option>> {
  if (typeof options !== 'object' || options === null || Array.isArray(options))
    throw fault(
      file,
      'its options must be a map of names to options, as { order: integer(1, 3, 2, "Highest order.") }.',
    );
  for (const [name, option] of Object.entries(options)) {
    const wrong = (sentence: string) => fault(file, `its option "${name}" ${sentence}`);
    if (!/^[a-z][a-z0-9_]{0,49}$/.test(name)) throw wrong('must be of small letters, digits and _.');
    if (taken.includes(name)) throw wrong('is a key of every spec: take another name.');
    if (
      typeof option !== 'object' ||
      option === null ||
      typeof option.description !== 'string' ||
      !option.description
    )
      throw wrong('has no description: declare it by integer, number, flag, choice or levels.');
    const {
      type,
      default: byDefault,
      minimum = -Infinity,
      maximum = Infinity,
      exclusiveMinimum = -Infinity,
    } = option;
    if (Array.isArray(option.enum)) {
      if (!option.enum.includes(byDefault))
        throw wrong(`has the default ${JSON.stringify(byDefault)}, which is none of its choices.`);
    } else if (type === 'boolean') {
      if (typeof byDefault !== 'boolean') throw wrong('has no default, true or false.');
    } else if (type === 'integer' || type === 'number') {
      const isWithin = byDefault >= minimum && byDefault <= maximum && byDefault > exclusiveMinimum;
      if (typeof byDefault !== 'number' || !isWithin || (type === 'integer' && !Number.isInteger(byDefault)))
        throw wrong(`has the default ${JSON.stringify(byDefault)}, which is no ${type} that it allows.`);
    } else if (type !== 'array')
      throw wrong('is of no kind that there is: declare it by integer, number, flag, choice or levels.');
  }
}

/** @throws RunnerError E_MODULE */
export async function loadMethod(file: string): Promise<ModuleMethod> {
  const map = await declarationOf(file, 'method');
  const {
    name,
    make,
    student,
    outputs,
    evaluations,
    teacher = 'heun',
  } = map as unknown as {
    name: string;
    make?: Method['make'];
    student?: SteeredMethod['make'];
    outputs?: SteeredMethod['outputs'];
    evaluations: number;
    teacher?: string;
  };
  const options = (map.options ?? {}) as ModuleMethod['options'];
  for (const [key, made] of Object.entries({ make, student, outputs }))
    if (made !== undefined && typeof made !== 'function')
      throw fault(file, `its ${key} is a ${typeof made}, and must be a function of its options.`);
  if (!make && !student)
    throw fault(file, 'it declares neither make, a plain solver, nor student, one that a predictor steers.');
  if (student && !outputs)
    throw fault(
      file,
      'it declares no outputs, a function of its options that gives what a predictor decides, as placement.',
    );
  if (!(Number.isInteger(evaluations) && evaluations >= 1))
    throw fault(
      file,
      `its evaluations are ${JSON.stringify(evaluations)}, and must be how many an interval takes, at least 1.`,
    );
  if (typeof teacher !== 'string')
    throw fault(file, 'its teacher must be the name of a plain solver, as heun.');
  const called = <T>(what: string, work: () => T): T => {
    try {
      return work();
    } catch (cause) {
      throw fault(file, `its ${what} throws: ${said(cause)}.`, cause);
    }
  };
  const plain: Method | undefined = make && {
    name,
    options,
    evaluations,
    make: (chosen, range) =>
      watched(
        file,
        'make',
        called('make', () => make(chosen, range)),
      ),
  };
  const steered: SteeredMethod | undefined = student && {
    name,
    evaluations,
    options,
    outputs: (chosen) =>
      checkOutputs(
        file,
        called('outputs', () => outputs!(chosen)),
      ),
    teacher,
    make(chosen) {
      const made = called('student', () => student(chosen));
      if (typeof made?.steered !== 'function' || typeof made.singleStep !== 'boolean')
        throw fault(file, 'its student gives no { singleStep, steered }.');
      const whole: Student = {
        name,
        singleStep: made.singleStep,
        steered: (predict) =>
          watched(
            file,
            'student',
            called('student', () => made.steered(predict)),
          ),
      };
      return whole;
    },
  };
  const defaults = withDefaults(options, {});
  plain?.make(defaults, { sigmaMin: 0.002, sigmaMax: 80 });
  steered?.make(defaults);
  steered?.outputs(defaults);
  return { name, options, ...(plain && { plain }), ...(steered && { student: steered }) };
}

/** What a predictor is to decide, looked at. */
function checkOutputs(file: string, given: unknown): readonly Output[] {
  const outputs = (Array.isArray(given) ? given : []) as readonly (Partial<Output> | null)[];
  const names = new Set(outputs.map((output) => output?.name));
  if (outputs.length === 0 || names.size < outputs.length)
    throw fault(
      file,
      'its outputs must be a list of { name, count, range, moves, start }, each of its own name.',
    );
  for (const output of outputs) {
    const { name, count, range, moves, start } = output ?? {};
    const wrong = (sentence: string) => fault(file, `its output ${JSON.stringify(name)} ${sentence}`);
    if (typeof name !== 'string' || !/^[a-z][a-z0-9_]{0,49}$/.test(name))
      throw wrong('has no name of small letters, digits and _.');
    if (!(Number.isInteger(count) && count! >= 1 && count! <= 1000))
      throw wrong(`has the count ${JSON.stringify(count)}, and must say how many numbers it is, 1 to 1000.`);
    if (!(['at', 'slope', 'inverse', 'step'] as const).every((key) => typeof range?.[key] === 'function'))
      throw wrong('has no range: declare it by between, around or free.');
    if (typeof moves !== 'boolean')
      throw wrong('must say by moves, true or false, whether it moves where the denoiser is asked.');
    if (typeof start !== 'function') throw wrong('has no start, a function of the interval.');
  }
  return outputs as readonly Output[];
}

/** A solver whose faults are told with its file. */
function watched(file: string, what: string, solver: Solver): Solver {
  const missing = (['init', 'step'] as const).find((method) => typeof solver?.[method] !== 'function');
  if (missing) throw fault(file, `its ${what} gives no solver: ${missing} is no function.`);
  return {
    name: solver.name ?? what,
    order: solver.order ?? 1,
    init: (x, n) => solver.init(x, n),
    *step(state, sigma, sigmaNext, remaining) {
      const { length } = state.x;
      const wrong = (sentence: string, cause?: unknown) =>
        fault(file, `its step from σ ${sigma} ${sentence}`, cause);
      const isBatch = (x: unknown) => x instanceof Float64Array && x.length === length;
      let answer: Parameters<ReturnType<Solver['step']>['next']>[0] | undefined;
      const steps = solver.step(state, sigma, sigmaNext, remaining);
      if (typeof steps?.next !== 'function')
        throw wrong('is no generator: write it as *step(state, sigma, sigmaNext).');
      for (;;) {
        let result: ReturnType<typeof steps.next>;
        try {
          result = answer === undefined ? steps.next(undefined as never) : steps.next(answer);
        } catch (cause) {
          throw wrong(`throws: ${said(cause)}.`, cause);
        }
        if (result.done) {
          if (!isBatch(result.value?.x))
            throw wrong(`gives no state { x }, a Float64Array of ${length} numbers as before.`);
          return result.value;
        }
        const { x, sigma: asked } = (result.value ?? {}) as { x?: unknown; sigma?: unknown };
        const isLevel =
          typeof asked === 'number' ? asked > 0 && asked < Infinity : asked instanceof Float64Array;
        if (!isBatch(x) || !isLevel)
          throw wrong(
            `asks for no evaluation: yield { x, sigma }, x a Float64Array of ${length} numbers and sigma above 0.`,
          );
        answer = yield result.value;
      }
    },
  };
}

/** @throws RunnerError E_MODULE */
export async function loadSchedule(file: string): Promise<ScheduleFamily> {
  const map = await declarationOf(file, 'schedule');
  const { name, levels: found, spacing = `of ${file}` } = map as unknown as Partial<ScheduleFamily>;
  if (typeof found !== 'function')
    throw fault(file, 'it declares no levels, a function of the span and its options.');
  if (typeof spacing !== 'string') throw fault(file, 'its spacing must be a text, as "log σ evenly".');
  return {
    name: name!,
    spacing,
    options: (map.options ?? {}) as ScheduleFamily['options'],
    levels(span, options, table) {
      let given: unknown;
      try {
        given = found(span, options, table);
      } catch (cause) {
        throw fault(file, `its levels throw: ${said(cause)}.`, cause);
      }
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

/** @throws RunnerError E_MODULE */
export async function loadScore(file: string): Promise<ModuleScore> {
  const map = await declarationOf(file, 'score');
  const { name, needs, digits, compute } = map as unknown as Partial<ModuleScore>;
  if (needs !== 'images' && needs !== 'features')
    throw fault(
      file,
      `it needs ${JSON.stringify(needs)}: "images" of the samples, or "features" of them and of real images.`,
    );
  if (typeof compute !== 'function')
    throw fault(file, 'it declares no compute, a function of what it needs.');
  const columns = Object.entries(digits ?? {});
  if (
    columns.length === 0 ||
    columns.some(
      ([column, count]) =>
        !/^[a-z][a-z0-9_]{0,49}$/.test(column) || !(Number.isInteger(count) && count >= 0 && count <= 15),
    )
  )
    throw fault(
      file,
      'its digits must say of each of its columns how many the table shows, as { sharpness: 3 }.',
    );
  return {
    name: name!,
    needs,
    digits: digits!,
    async compute(given) {
      let found: unknown;
      try {
        found = await compute(given);
      } catch (cause) {
        throw fault(file, `its compute throws: ${said(cause)}.`, cause);
      }
      const values = (found ?? {}) as Readonly<Record<string, unknown>>;
      for (const [column] of columns)
        if (!Number.isFinite(values[column]))
          throw fault(
            file,
            `its compute gives ${JSON.stringify(values[column]) ?? 'nothing'} as ${column}, and must give a finite number.`,
          );
      return Object.fromEntries(columns.map(([column]) => [column, values[column] as number]));
    },
  };
}
