/** The part of JSON Schema that specs are checked by. */
export interface JsonSchema {
  readonly $id?: string;
  readonly $ref?: string;
  readonly $defs?: Readonly<Record<string, JsonSchema>>;
  readonly type?: string;
  readonly additionalProperties?: boolean;
  readonly enum?: readonly (string | number)[];
  readonly const?: unknown;
  readonly anyOf?: readonly JsonSchema[];
  readonly allOf?: readonly JsonSchema[];
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly items?: JsonSchema;
  readonly minimum?: number;
  readonly exclusiveMinimum?: number;
  readonly exclusiveMaximum?: number;
  readonly maximum?: number;
  readonly pattern?: string;
  readonly uniqueItems?: boolean;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly maxLength?: number;
  readonly minLength?: number;
  readonly examples?: readonly string[];
  readonly title?: string;
  readonly description?: string;
  /** Ours: what others call the values of `enum`, in lower case with _ between words, each with what it is here. */
  readonly valuesElsewhere?: Readonly<Record<string, string>>;
  /** Ours: what others call the key. */
  readonly keyElsewhere?: readonly string[];
}

/** The key that others call by a name. */
export const knownAs = (name: string, keys: Keys): string | undefined =>
  [...keys].find(([, { keyElsewhere = [] }]) => keyElsewhere.includes(asKey(name)))?.[0];

/** A name as keys are written: `Guidance-Scale` is guidance_scale. */
export const asKey = (name: string): string =>
  name
    .trim()
    .toLowerCase()
    .replace(/[\s-]+/g, '_');

/** Every key of a spec but grid by its dotted path, as student.num_steps, with its schema. */
export type Keys = ReadonlyMap<string, JsonSchema>;
export const keysIn = (schema: JsonSchema): Keys => new Map(entriesIn(schema, ''));

function entriesIn(schema: JsonSchema, prefix: string): [path: string, JsonSchema][] {
  if (schema.anyOf) return schema.anyOf.flatMap((branch) => entriesIn(branch, prefix));
  return Object.entries(schema.properties ?? {}).flatMap(([key, value]): [string, JsonSchema][] => [
    [prefix + key, value],
    ...entriesIn(value, `${prefix}${key}.`),
  ]);
}
