import { asKey, type JsonSchema, type Keys, knownAs } from './json-schema.js';
import { shown, shownKey } from './shown.js';
import { didYouMean, nearest } from './suggest.js';

/** What is wrong at one path of a combination, before it has a place. */
export interface Fault {
  readonly path: readonly string[];
  /** Whether to point at the key or at its value. */
  readonly at: 'key' | 'value';
  readonly sentence: string;
}

/**
 * What is wrong with a value by its schema, in our sentences, one per path; of keywords those of `JsonSchema` that a value
 * is judged by. The schema is walked and not compiled: a spec is looked at once, and to make a program of the schema takes
 * longer than all else that is done with it.
 *
 * @param keys of the whole spec, for what may have been meant
 */
export function faultsIn(
  value: unknown,
  schema: JsonSchema,
  keys: Keys = new Map(),
  path: readonly string[] = [],
): Fault[] {
  const faulty = (sentence: string, ...below: string[]): Fault[] => [
    { path: [...path, ...below], at: 'value', sentence },
  ];
  const unexpected = () =>
    faulty(`found ${shown(value)}, expected ${expected(schema)}${asList(value, schema)}.`);
  const below = (key: string, item: unknown, wanted: JsonSchema) =>
    faultsIn(item, wanted, keys, [...path, key]);
  if (schema.anyOf) {
    // of its kind, as text or a map, there is one at the most: what is wrong is said of that, or else of all
    const branches = schema.anyOf
      .filter((branch) => isOfKind(value, branch))
      .map((branch) => faultsIn(value, branch, keys, path));
    if (branches.length === 0) return unexpected();
    return branches.find(({ length }) => length === 0) ?? branches.flat();
  }
  if (schema.enum && !schema.enum.includes(value as never)) return faulty(unknownName(value, path, schema));
  if (!isOfKind(value, schema)) return unexpected();
  if (typeof value !== 'object') return isWithin(value, schema) ? [] : unexpected();
  if (Array.isArray(value)) {
    const { items, minItems = 0, maxItems = Infinity, uniqueItems } = schema;
    if (value.length < minItems || value.length > maxItems) return unexpected();
    const twice = uniqueItems ? value.findLastIndex((item, i) => value.indexOf(item) < i) : -1;
    return [
      ...value.flatMap((item, i) => (items ? below(String(i), item, items) : [])),
      ...(twice < 0 ? [] : faulty(`${shown(value[twice])} is there twice.`, String(twice))),
    ];
  }
  const { properties = {}, required = [], additionalProperties } = schema;
  const atKey = (key: string, sentence: string): Fault => ({ path: [...path, key], at: 'key', sentence });
  const there = value as Readonly<Record<string, unknown>>;
  const missing = required.filter((key) => there[key] === undefined);
  return [
    ...missing.map((key) => {
      const { [key]: wanted = {} } = properties;
      return atKey(key, `missing; write ${expected(wanted)}. ${wanted.description ?? ''}`.trim());
    }),
    ...Object.entries(properties).flatMap(([key, wanted]) =>
      there[key] === undefined ? [] : below(key, there[key], wanted),
    ),
    ...Object.keys(additionalProperties === false ? there : {}).flatMap((key) =>
      Object.hasOwn(properties, key) ? [] : atKey(key, unknownKey(key, path, schema, keys)),
    ),
  ];
}

/** Whether a value is of the kind that a schema, which is no choice of several, is about. */
function isOfKind(value: unknown, schema: JsonSchema): boolean {
  if (schema.const !== undefined) return value === schema.const;
  if (schema.enum) return typeof value === typeof schema.enum[0];
  switch (schema.type) {
    case 'integer':
      return Number.isInteger(value);
    case 'number':
      return Number.isFinite(value);
    case 'array':
      return Array.isArray(value);
    case 'object':
      return typeof value === 'object' && value !== null && !Array.isArray(value);
    default:
      return typeof value === schema.type;
  }
}

function isWithin(value: unknown, schema: JsonSchema): boolean {
  if (typeof value === 'string')
    return value.length >= (schema.minLength ?? 0) && new RegExp(schema.pattern ?? '', 'u').test(value);
  if (typeof value !== 'number') return true;
  const { minimum = -Infinity, exclusiveMinimum = -Infinity } = schema;
  const { maximum = Infinity, exclusiveMaximum = Infinity } = schema;
  const isAbove = value >= minimum && value > exclusiveMinimum;
  return isAbove && value <= maximum && value < exclusiveMaximum;
}

function unknownKey(key: string, parent: readonly string[], schema: JsonSchema, keys: Keys): string {
  const here = [...Object.keys(schema.properties ?? {}), ...(parent.length === 0 ? ['grid'] : [])];
  const one = `One of ${here.join(', ')}.`;
  if (/^[\d-]+$/.test(key))
    return `unknown key; within { } a comma ends a value: put text with commas in quotes. ${one}`;
  if (parent.length === 0 && keys.has(key)) {
    const steps = key.split('.');
    return `unknown key; outside the grid paths are nested: ${steps.join(': { ')}: …${' }'.repeat(steps.length - 1)}.`;
  }
  const known = knownAs(key, keys);
  if (known !== undefined) return `unknown key; it is ${known} here.`;
  const elsewhere = [...keys.keys()].filter((path) => path.endsWith(`.${key}`));
  const meant =
    nearest(key, here) === undefined && elsewhere.length > 0 ? elsewhere.join('" or "') : nearest(key, here);
  return `unknown key${meant === undefined ? '.' : `; did you mean "${meant}"?`} ${one}`;
}

/** The noun that an unknown name is refused as, by its path. */
const nouns: Readonly<Record<string, string>> = {
  dataset: 'dataset',
  'schedule.type': 'schedule',
  'schedule.metric': 'metric',
  'student.solver': 'student',
  'teacher.solver': 'teacher',
  'reference.solver': 'reference solver',
  'reference.schedule.type': 'schedule',
  'sample.rng': 'generator',
  evaluate: 'metric',
};

function unknownName(value: unknown, path: readonly string[], schema: JsonSchema): string {
  const names = schema.enum!.map(String);
  const one = `One of ${[...names].sort().join(', ')}${path.join('.') === 'dataset' ? ', or a map with checkpoint' : ''}.`;
  if (typeof value !== 'string') return `found ${shown(value)}, expected a name. ${one}`;
  const noun = nouns[path.filter((step) => !/^\d+$/.test(step)).join('.')] ?? 'name that is known here';
  const known = Object.entries(schema.valuesElsewhere ?? {}).find(([name]) => name === asKey(value))?.[1];
  if (known !== undefined) return `${shown(value)} is no ${noun}; it is ${known} here. ${one}`;
  return `${shown(value)} is no ${noun}${didYouMean(value, names) || '.'} ${one}`;
}

/** What a schema asks for, as the end of "expected …". */
function expected(schema: JsonSchema): string {
  if (schema.title) return schema.title;
  if (schema.anyOf) return schema.anyOf.map(expected).join(' or ');
  if (schema.enum) return `one of ${[...schema.enum].sort().join(', ')}`;
  if (schema.const !== undefined) return String(schema.const);
  switch (schema.type) {
    case 'boolean':
      return 'true or false';
    case 'integer':
      return `an integer${bounds(schema)}`;
    case 'number':
      return `a number${bounds(schema)}`;
    case 'array':
      return `a list${count(schema)}, each ${expected(schema.items!)}`;
    case 'object': {
      const { required = [] } = schema;
      const others = Object.keys(schema.properties!).filter((key) => !required.includes(key));
      const list = (keys: readonly string[]) => keys.map(shownKey).join(', ');
      if (required.length === 0) return `a map with ${list(others)}`;
      return `a map with ${list(required)}${others.length > 0 ? `, and maybe ${list(others)}` : ''}`;
    }
    default:
      return schema.examples ? `text such as ${schema.examples[0]}` : 'text';
  }
}

/** How text that may have been meant as a list is written as one. */
const asList = (value: unknown, { type }: JsonSchema): string =>
  type === 'array' && typeof value === 'string' && /^[\w ,.-]{1,60}$/.test(value)
    ? `; a list is written [${value
        .split(',')
        .map((item) => item.trim())
        .join(', ')}]`
    : '';

function bounds({ minimum, exclusiveMinimum, maximum, exclusiveMaximum }: JsonSchema): string {
  if (minimum !== undefined && maximum !== undefined) return ` from ${minimum} to ${maximum}`;
  const parts = Object.entries({
    'of at least': minimum,
    above: exclusiveMinimum,
    'at most': maximum,
    below: exclusiveMaximum,
  });
  const given = parts.filter(([, bound]) => bound !== undefined).map((part) => part.join(' '));
  return given.length === 0 ? '' : ` ${given.join(', ')}`;
}

function count({ minItems, maxItems }: JsonSchema): string {
  if (minItems === undefined) return '';
  return maxItems === undefined ? ` of at least ${minItems}` : ` of ${minItems} to ${maxItems}`;
}
