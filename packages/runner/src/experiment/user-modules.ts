import { resolve } from 'node:path';
import type { Options } from '@fewstep/schedules';
import { RunnerError } from '../errors.js';
import type { ModuleRole } from '../modules/load-module.js';
import { ownScore } from '../scores/own.js';
import { scores as ourScores } from '../scores/scores.js';
import {
  type DeclaredMethod,
  type DeclaredSchedule,
  type DeclaredScore,
  type DeclaredStudent,
  gits,
  ours,
} from './declared.js';
import type { Complain } from './grid.js';
import { type Language, languageOf, ourLanguage } from './language.js';
import type { Place } from './problem.js';
import { shown } from './problem.js';
import { type Dict, type Tree, toJs } from './tree.js';

/** A path in a spec where it names a method or a schedule, and where it stands. */
interface Reference {
  readonly text: string;
  readonly role: ModuleRole;
  readonly path: string;
  readonly place: Place;
}

const isPath = (text: unknown): text is string => typeof text === 'string' && /[\\/].*\.[cm]?js$/.test(text);
const roleOf = (path: string): Reference['role'] | undefined =>
  /^(grid\.(points\.)?)?(student|teacher|reference)\.solver$/.test(path)
    ? 'method'
    : /^(grid\.(points\.)?)?(reference\.)?schedule\.type$/.test(path)
      ? 'schedule'
      : /^(grid\.(points\.)?)?evaluate$/.test(path)
        ? 'score'
        : undefined;

/** Every one in a spec, in its grid and in what the command line sets. */
function* referencesIn(tree: Tree, path = ''): Generator<Reference> {
  if (tree.kind === 'map')
    for (const [key, { value }] of tree.entries)
      yield* referencesIn(value, path === '' ? key : `${path}.${key}`);
  else if (tree.kind === 'list') for (const item of tree.items) yield* referencesIn(item, path);
  else {
    const [role, text] = [roleOf(path), toJs(tree)];
    if (role && isPath(text)) yield { text, role, path, place: tree.place };
  }
}

/**
 * What the specs of an experiment can say: ours, and what the files of its own declare that it names as solver or schedule.
 * Their code runs.
 */
export async function languageWith(root: Dict, specFolder: string, complain: Complain): Promise<Language> {
  const plain: DeclaredMethod[] = [];
  const students: DeclaredStudent[] = [];
  const given: DeclaredSchedule[] = [];
  const scores: DeclaredScore[] = [];
  const seen = new Set<string>();
  /** What keys, files of predictors and tables call things: one name can't be of two. */
  const taken = new Map<string, string>();
  /** Options of one name are one key of a spec, so they are of one type. */
  const types = new Map<string, string>();
  const takeOptions = (options: Options, by: string): void => {
    for (const [name, option] of Object.entries(options)) {
      const type = 'enum' in option ? 'a choice' : option.type;
      const other = types.get(name) ?? type;
      if (other !== type)
        throw new RunnerError(
          'E_MODULE',
          `${by}: its option "${name}" is ${type}, and another of that name is ${other}: take another name.`,
        );
      types.set(name, other);
    }
  };
  for (const { name, options } of [...ours.plain, ...ours.students, ...ours.given, gits])
    takeOptions(options, name);
  const take = (kind: string, names: readonly string[], by: string): void => {
    for (const name of names) {
      const other = taken.get(`${kind} ${name}`);
      if (other !== undefined && other !== by)
        throw new RunnerError('E_MODULE', `${by}: its ${kind} "${name}" is that of ${other}: take another.`);
      taken.set(`${kind} ${name}`, by);
    }
  };
  for (const { name } of [...ours.plain, ...ours.students]) take('name', [name], 'a solver of ours');
  for (const { name } of [...ours.given, gits]) take('name', [name], 'a schedule of ours');
  for (const { name, digits } of ourScores) {
    take('name', [name], `the score ${name}`);
    take('column', Object.keys(digits), `the score ${name}`);
  }
  const references = [...referencesIn(root)];
  if (references.length === 0) return ourLanguage;
  const { loadMethod, loadSchedule, loadScore } = await import('../modules/load-module.js');
  for (const { text, role, path, place } of references) {
    if (seen.has(`${role} ${text}`)) continue;
    seen.add(`${role} ${text}`);
    const file = resolve(specFolder, text);
    try {
      if (role === 'schedule') {
        const { name, options, spacing } = await loadSchedule(file);
        takeOptions(options, file);
        take('name', [name], file);
        given.push({ name: text, options, spacing, module: { file, name } });
        continue;
      }
      if (role === 'score') {
        const { name, needs, digits } = await loadScore(file);
        take('name', [name], file);
        take('column', Object.keys(digits), file);
        const own = { file, name, needs, digits };
        scores.push({ ...ownScore(own), name: text, own });
        continue;
      }
      const { name, options, plain: solver, student } = await loadMethod(file);
      takeOptions(options, file);
      take('name', [name], file);
      const declared = { name: text, options, module: { file, name } };
      if (solver) plain.push({ ...declared, evaluations: solver.evaluations });
      if (student) students.push({ ...student, ...declared });
    } catch (error) {
      if (!(error instanceof RunnerError)) throw error;
      complain(place, path, `${shown(text)} can't be used. ${error.message}`);
    }
  }
  return languageOf({
    plain: [...ours.plain, ...plain],
    students: [...ours.students, ...students],
    given: [...ours.given, ...given],
    scores: [...ours.scores, ...scores],
  });
}
