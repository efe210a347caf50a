import { resolve } from 'node:path';
import type { Options } from '@fewstep/schedules';
import { RunnerError } from '../errors.js';
import { type JsonSchema, type Keys, keysIn } from '../judging/json-schema.js';
import { shown } from '../judging/shown.js';
import type { ModuleRole } from '../modules/load-module.js';
import { ownScore, scores } from '../scores/scores.js';
import { type Declarations, gits, ours } from './declared.js';
import type { Complain } from './grid.js';
import type { Place } from './problem.js';
import { type Rule, rulesOf } from './rules.js';
import { schemaOf } from './schema.js';
import { type Dict, type Tree, toJs } from './tree.js';
import { type ConditionalKey, conditionalKeysOf } from './unread.js';

/** All that a spec can say, of what is declared. */
export interface Language {
  readonly declarations: Declarations;
  /** Of one combination. */
  readonly schema: JsonSchema;
  readonly keys: Keys;
  readonly rules: readonly Rule[];
  /** Keys that only some combinations read. */
  readonly conditional: readonly ConditionalKey[];
}

function languageOf(declarations: Declarations): Language {
  const schema: JsonSchema = schemaOf(declarations);
  return {
    declarations,
    schema,
    keys: keysIn(schema),
    rules: rulesOf(declarations),
    conditional: conditionalKeysOf(declarations),
  };
}

/** Of what comes with Fewstep. */
export const ourLanguage: Language = languageOf(ours);

/** What a grid may vary. */
export const gridPathsOf = ({ keys }: Pick<Language, 'keys'>): string[] =>
  [...keys.keys()].filter((path) => path !== 'name');

/** A path of a module in a spec, what it is named as, and where it stands. */
interface Reference {
  readonly text: string;
  readonly role: ModuleRole;
  readonly path: string;
  readonly place: Place;
}

/** The keys that name something, in a grid too, and what. */
const roles: Readonly<Record<string, ModuleRole>> = {
  'student.solver': 'method',
  'student.start': 'method',
  'teacher.solver': 'method',
  'reference.solver': 'method',
  'schedule.type': 'schedule',
  'reference.schedule.type': 'schedule',
  'teacher.schedule.type': 'schedule',
  evaluate: 'score',
};
const isPath = (text: unknown): text is string => typeof text === 'string' && /[\\/].*\.[cm]?js$/.test(text);

/** Every one in a spec, in its grid and in what the command line sets. */
function* referencesIn(tree: Tree, path = ''): Generator<Reference> {
  if (tree.kind === 'map')
    for (const [key, { value }] of tree.entries)
      yield* referencesIn(value, path === '' ? key : `${path}.${key}`);
  else if (tree.kind === 'list') for (const item of tree.items) yield* referencesIn(item, path);
  else {
    const [role, text] = [roles[path.replace(/^grid\.(points\.)?/, '')], toJs(tree)];
    if (role && isPath(text)) yield { text, role, path, place: tree.place };
  }
}

/**
 * What the specs of an experiment can say: ours, and what the files of its own declare that it names as solver, schedule or
 * score. Their code runs.
 */
export async function languageWith(root: Dict, specFolder: string, complain: Complain): Promise<Language> {
  const named = [...referencesIn(root)];
  if (named.length === 0) return ourLanguage;
  const { loadMethod, loadSchedule, loadScore } = await import('../modules/load-module.js');
  const take = names();
  const [plain, students, generators, given, scores] = [
    [...ours.plain],
    [...ours.students],
    [...ours.generators],
    [...ours.given],
    [...ours.scores],
  ];
  for (const [i, { text, role, path, place }] of named.entries()) {
    if (named.findIndex((one) => one.role === role && one.text === text) < i) continue;
    const file = resolve(specFolder, text);
    try {
      if (role === 'schedule') {
        const { name, options, spacing } = await loadSchedule(file);
        take(file, { name, options });
        given.push({ name: text, options, spacing, module: { file, name } });
      } else if (role === 'score') {
        const { name, needs, digits } = await loadScore(file);
        take(file, { name, digits });
        const own = { file, name, needs, digits };
        scores.push({ ...ownScore(own), name: text, own });
      } else {
        const { name, options, plain: solver, student, generator } = await loadMethod(file);
        take(file, { name, options });
        const declared = { name: text, options, module: { file, name } };
        if (solver) plain.push({ ...declared, evaluations: solver.evaluations });
        if (student) students.push({ ...student, ...declared });
        if (generator) generators.push({ ...generator, ...declared });
      }
    } catch (error) {
      if (!(error instanceof RunnerError)) throw error;
      complain(place, path, `${shown(text)} can't be used. ${error.message}`);
    }
  }
  return languageOf({ plain, students, generators, given, scores });
}

interface Names {
  readonly name: string;
  readonly options?: Options;
  readonly digits?: Readonly<Record<string, number>>;
}

/**
 * What keys, files of predictors and tables call things: a name or a column is of one thing alone; options of one name are
 * one key of a spec, so they are of one type. Each that is taken is refused to what comes later.
 */
function names(): (by: string, those: Names) => void {
  const taken = new Map<string, string>();
  const take = (by: string, { name, options = {}, digits = {} }: Names) => {
    const claim = (what: string, as: string, clash: (other: string) => string) => {
      const other = taken.get(what) ?? as;
      if (other !== as)
        throw new RunnerError('E_MODULE', `${by}: its ${what} is ${clash(other)}: take another name.`);
      taken.set(what, as);
    };
    for (const what of [`name "${name}"`, ...Object.keys(digits).map((column) => `column "${column}"`)])
      claim(what, by, (other) => `that of ${other}`);
    for (const [key, option] of Object.entries(options)) {
      const type = 'enum' in option ? 'a choice' : option.type;
      claim(`option "${key}"`, type, (other) => `${type}, and another of that name is ${other}`);
    }
  };
  for (const one of [...ours.plain, ...ours.students, ...ours.generators]) take('a solver of ours', one);
  for (const one of [...ours.given, gits]) take('a schedule of ours', one);
  for (const one of scores) take(`the score ${one.name}`, one);
  return take;
}
