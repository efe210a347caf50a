import type { ErrorObject } from 'ajv';
import type { JsonSchema } from './json-schema.js';
import { shown, shownKey } from './problem.js';
import type { Keys } from './schema.js';
import { didYouMean, nearest } from './suggest.js';

/** What is wrong at one path of a combination, before it has a place. */
export interface Fault {
  readonly path: readonly string[];
  /** Whether to point at the key or at its value. */
  readonly at: 'key' | 'value';
  readonly sentence: string;
}

/** Ajv's errors (allErrors, verbose) in our sentences, one per path. */
export function faultsOf(errors: readonly ErrorObject[], keys: Keys): Fault[] {
  const faults = new Map<string, Fault>();
  for (const error of withoutOtherBranches(errors)) {
    const fault = faultOf(error, keys);
    const id = JSON.stringify(fault.path);
    if (!faults.has(id)) faults.set(id, fault);
  }
  return [...faults.values()];
}

/**
 * Where a value may be one of two kinds (train: false or a map), the errors of the kind that it is; where it is
 * neither, that alone.
 */
function withoutOtherBranches(errors: readonly ErrorObject[]): ErrorObject[] {
  let kept = [...errors];
  for (const union of errors.filter(({ keyword }) => keyword === 'anyOf')) {
    const inside = kept.filter(({ schemaPath }) => schemaPath.startsWith(`${union.schemaPath}/`));
    const ofItsKind = inside.filter(
      (error) => error.instancePath !== union.instancePath || !wrongKind(error),
    );
    kept = kept.filter((error) => !inside.includes(error) || ofItsKind.includes(error));
    if (ofItsKind.length > 0) kept = kept.filter((error) => error !== union);
  }
  return kept;
}

function wrongKind({ keyword, data, schema }: ErrorObject): boolean {
  if (keyword === 'enum') return typeof data !== typeof (schema as readonly unknown[])[0];
  return keyword === 'type' || keyword === 'const';
}

function faultOf(error: ErrorObject, keys: Keys): Fault {
  const path = segments(error.instancePath);
  const schema = error.parentSchema as JsonSchema;
  switch (error.keyword) {
    case 'additionalProperties': {
      const { additionalProperty: key } = error.params as { additionalProperty: string };
      return { path: [...path, key], at: 'key', sentence: unknownKey(key, path, schema, keys) };
    }
    case 'required': {
      const { missingProperty: key } = error.params as { missingProperty: string };
      const wanted = schema.properties![key]!;
      return {
        path: [...path, key],
        at: 'key',
        sentence: `missing; write ${expected(wanted)}. ${wanted.description ?? ''}`.trim(),
      };
    }
    case 'uniqueItems': {
      const { i, j } = error.params as { i: number; j: number };
      const item = (error.data as readonly unknown[])[i];
      return {
        path: [...path, String(Math.max(i, j))],
        at: 'value',
        sentence: `${shown(item)} is there twice.`,
      };
    }
    case 'enum':
      return { path, at: 'value', sentence: unknownName(error.data, path, schema.enum!.map(String)) };
    default:
      return { path, at: 'value', sentence: `found ${shown(error.data)}, expected ${expected(schema)}.` };
  }
}

const segments = (pointer: string): string[] =>
  pointer
    .split('/')
    .slice(1)
    .map((segment) => segment.replaceAll('~1', '/').replaceAll('~0', '~'));

function unknownKey(key: string, parent: readonly string[], schema: JsonSchema, keys: Keys): string {
  const here = [...Object.keys(schema.properties ?? {}), ...(parent.length === 0 ? ['grid'] : [])];
  const one = `One of ${here.join(', ')}.`;
  if (/^[\d-]+$/.test(key))
    return `unknown key; within { } a comma ends a value: put text with commas in quotes. ${one}`;
  if (parent.length === 0 && keys.has(key)) {
    const steps = key.split('.');
    return `unknown key; outside the grid paths are nested: ${steps.join(': { ')}: …${' }'.repeat(steps.length - 1)}.`;
  }
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

function unknownName(value: unknown, path: readonly string[], names: readonly string[]): string {
  const one = `One of ${[...names].sort().join(', ')}${path.join('.') === 'dataset' ? ', or a map with checkpoint' : ''}.`;
  if (typeof value !== 'string') return `found ${shown(value)}, expected a name. ${one}`;
  const noun = nouns[path.filter((step) => !/^\d+$/.test(step)).join('.')] ?? 'name that is known here';
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

function bounds({ minimum, exclusiveMinimum, maximum }: JsonSchema): string {
  if (minimum !== undefined && maximum !== undefined) return ` from ${minimum} to ${maximum}`;
  const least = minimum !== undefined ? [`of at least ${minimum}`] : [];
  const above = exclusiveMinimum !== undefined ? [`above ${exclusiveMinimum}`] : [];
  const most = maximum !== undefined ? [`at most ${maximum}`] : [];
  const parts = [...least, ...above, ...most];
  return parts.length === 0 ? '' : ` ${parts.join(', ')}`;
}

function count({ minItems, maxItems }: JsonSchema): string {
  if (minItems === undefined) return '';
  return maxItems === undefined ? ` of at least ${minItems}` : ` of ${minItems} to ${maxItems}`;
}
