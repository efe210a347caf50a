import type { JsonSchema } from '../judging/json-schema.js';
import { gridPathsOf, type Language } from './language.js';

/*
 * The schema that editors complete from. Each key stands once, under `$defs`, without what must be there: a point of the
 * grid gives parts of a map. What must be there stands beside the reference, where the map is written whole.
 */

/** The JSON Schema of a spec, for editors. */
export function editorSchemaOf(language: Pick<Language, 'schema' | 'keys'>): JsonSchema {
  const { schema } = language;
  const definitions: Record<string, JsonSchema> = {};
  /** Where a definition stands, by its text: keys that are alike are one. */
  const places = new Map<string, string>();
  const references = new Map<string, JsonSchema>();

  /** A reference to a schema, and what that asks to be there, at any depth; nothing where it asks for nothing. */
  function define(schema: JsonSchema, path: string) {
    const { opened, demand } = open(schema, path);
    const text = JSON.stringify(opened);
    const place = places.get(text) ?? path;
    places.set(text, place);
    definitions[place] = opened;
    const reference: JsonSchema = { $ref: `#/$defs/${place}` };
    references.set(path, reference);
    return { reference, demand };
  }

  /** A schema whose keys are references, and which asks for none of them. */
  function open(
    { required, valuesElsewhere: _, keyElsewhere: __, ...schema }: JsonSchema,
    path: string,
  ): { opened: JsonSchema; demand: JsonSchema | undefined } {
    const branches = schema.anyOf?.map((branch) => open(branch, path));
    const below = Object.entries(schema.properties ?? {}).map(
      ([key, value]) => [key, define(value, `${path}.${key}`)] as const,
    );
    const demanded = below.flatMap(([key, { demand }]) => (demand ? [[key, demand] as const] : []));
    const asked = required && required.length > 0 && { required };
    const properties = demanded.length > 0 && { properties: Object.fromEntries(demanded) };
    return {
      opened: {
        ...schema,
        ...(branches && { anyOf: branches.map(({ opened }) => opened) }),
        ...(schema.properties && {
          properties: Object.fromEntries(below.map(([key, { reference }]) => [key, reference])),
        }),
      },
      demand:
        asked || properties ? { ...asked, ...properties } : branches?.find(({ demand }) => demand)?.demand,
    };
  }

  const top = Object.entries(schema.properties!).map(([key, value]) => {
    const { reference, demand } = define(value, key);
    return [key, demand ? { allOf: [reference, demand] } : reference] as const;
  });

  const perPath = (of: (schema: JsonSchema) => JsonSchema): Record<string, JsonSchema> =>
    Object.fromEntries(gridPathsOf(language).map((path) => [path, of(references.get(path)!)]));

  const grid: JsonSchema = {
    type: 'object',
    additionalProperties: false,
    description:
      'What varies: paths such as student.num_steps to lists of values, in all combinations, the last path fastest; or points. At most 10,000 points.',
    properties: {
      points: {
        type: 'array',
        minItems: 1,
        description:
          'Explicit combinations instead of a product: each gives values to paths (student.solver) or to maps, which merge key by key into the base, and may carry a label.',
        items: {
          type: 'object',
          additionalProperties: false,
          properties: {
            label: {
              type: 'string',
              minLength: 1,
              maxLength: 100,
              description: 'Name of its row in tables.',
            },
            ...perPath((schema) => schema),
          },
        },
      },
      ...perPath((items) => ({ type: 'array', items, minItems: 1 })),
    },
  };

  return {
    ...schema,
    $id: 'https://fewstep.dev/schema/experiment.json',
    title: 'Fewstep experiment',
    required: ['name'],
    anyOf: [
      { required: ['dataset', 'schedule', 'student'] },
      { required: ['predictor'] },
      { required: ['sampler'] },
      { required: ['grid'] },
    ],
    properties: { ...Object.fromEntries(top), grid },
    $defs: definitions,
  };
}

/** The same as text, a key in each line. */
export function textOfSchema(language: Pick<Language, 'schema' | 'keys'>): string {
  const keys = (of: object): string =>
    `{\n${Object.entries(of)
      .map(([key, value]) => `${JSON.stringify(key)}: ${JSON.stringify(value)}`)
      .join(',\n')}\n}`;
  const { properties = {}, $defs = {}, ...rest } = editorSchemaOf(language);
  return `${keys(rest).slice(0, -2)},\n"properties": ${keys(properties)},\n"$defs": ${keys($defs)}\n}\n`;
}
