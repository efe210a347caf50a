import { gitsChoices, type Option, type Options, type ScheduleFamily, schedules } from '@fewstep/schedules';
import type { Method, SteeredMethod, TableGenerator } from '@fewstep/solvers';
import { generators, methods, steered } from '@fewstep/solvers/methods'; // and not what trains and draws
import type { JsonSchema } from '../judging/json-schema.js';
import { type OwnScore, type Score, scores } from '../scores/scores.js';

/** What a spec may name, and tell it. */
export interface Declared {
  /** As a spec names it: its own name, or the path of its module. */
  readonly name: string;
  readonly options: Options;
  /** What others call it, each with the options that it then has. */
  readonly elsewhere?: Readonly<Record<string, string>>;
  /** Of a file of the user's own: where it is, and what it calls itself. */
  readonly module?: { readonly file: string; readonly name: string };
}
export interface DeclaredMethod extends Declared, Pick<Method, 'evaluations'> {}
export interface DeclaredStudent
  extends Declared,
    Pick<SteeredMethod, 'evaluations' | 'outputs' | 'teacher'> {}
/** A way to make a table of numbers, which are fitted. */
export type DeclaredGenerator = Declared & Pick<TableGenerator, 'description' | 'evaluations' | 'make'>;
export interface DeclaredSchedule extends Declared {
  readonly spacing: string;
}

export interface DeclaredScore extends Pick<Score, 'name' | 'description' | 'needs' | 'least'> {
  readonly own?: OwnScore;
}

/** All that a spec may name. */
export interface Declarations {
  readonly plain: readonly DeclaredMethod[];
  readonly students: readonly DeclaredStudent[];
  readonly generators: readonly DeclaredGenerator[];
  readonly given: readonly DeclaredSchedule[];
  readonly scores: readonly DeclaredScore[];
}

/** What comes with Fewstep. */
export const ours: Declarations = {
  plain: Object.values<Method>(methods),
  students: Object.values<SteeredMethod>(steered),
  generators: Object.values<DeclaredGenerator>(generators),
  given: Object.values<ScheduleFamily>(schedules),
  scores,
};

/** The search of a schedule, within a polynomial grid. */
export const gits: Declared = { name: 'gits', options: gitsChoices };

export const named = <D extends { readonly name: string }>(
  declared: readonly D[],
  name: string | undefined,
): D | undefined => declared.find((one) => one.name === name);

/** Those that have an option, once each. */
export const readersOf = (key: string, declared: readonly Declared[]): string[] => [
  ...new Set(declared.filter(({ options }) => options[key]).map(({ name }) => name)),
];

/** What others call these, each with what a spec says for it: `polynomial with rho: 7`. */
export const elsewhereIn = (declared: readonly Declared[]): Readonly<Record<string, string>> =>
  Object.fromEntries(
    declared.flatMap(({ name, elsewhere = {} }) =>
      Object.entries(elsewhere).map(([other, options]) => [
        other,
        options === '' ? name : `${name} with ${options}`,
      ]),
    ),
  );

/** "a, b and c". */
export function listed(names: readonly string[], last = 'and'): string {
  return names.length < 2 ? names.join() : `${names.slice(0, -1).join(', ')} ${last} ${names.at(-1)}`;
}

const rangeOf = (option: Option): string =>
  'maximum' in option && 'minimum' in option ? `${option.minimum} to ${option.maximum}, ` : '';
const defaultOf = (option: Option): string => {
  if ('defaults' in option)
    return `default ${option.defaults.pixels} on pixels, ${option.defaults.latents} on latents`;
  return 'default' in option ? `${rangeOf(option)}default ${option.default}` : 'needed';
};

/** The options of several, each once: what is possible with any of them, and which of them read it. */
export function optionsOf(declared: readonly Declared[]): Readonly<Record<string, JsonSchema>> {
  const keys = [...new Set(declared.flatMap(({ options }) => Object.keys(options)))];
  return Object.fromEntries(keys.map((key) => [key, optionOf(key, declared)]));
}

function optionOf(key: string, declared: readonly Declared[]): JsonSchema {
  const having = declared.flatMap(({ name, options }) =>
    options[key] ? [{ name, option: options[key] }] : [],
  );
  const readers = new Map<string, Set<string>>();
  for (const { name, option } of having) {
    const told = defaultOf(option);
    readers.set(told, (readers.get(told) ?? new Set()).add(name));
  }
  const each = [...readers].map(([told, names]) => `${listed([...names])}: ${told}`);
  const schema: Record<string, unknown> = { ...having[0]!.option };
  for (const ours of ['default', 'defaults', 'under']) delete schema[ours];
  for (const [bound, pick] of widest) {
    const bounds = having.map(({ option }) => (option as JsonSchema)[bound]);
    delete schema[bound];
    if (bounds.every((one) => one !== undefined)) schema[bound] = pick(...bounds);
  }
  return { ...schema, description: `${schema.description} ${each.join('; ')}.` };
}

/** Of bounds, which one all others are within. */
const widest = [
  ['minimum', Math.min],
  ['exclusiveMinimum', Math.min],
  ['maximum', Math.max],
  ['exclusiveMaximum', Math.max],
] as const;
