import type { JsonSchema } from './json-schema.js';
import type { Language } from './language.js';

/*
 * The schema that editors complete from. Each key stands once, under `$defs`, without what must be there: a point of the
 * grid gives parts of a map. What must be there stands beside the reference, where the map is written whole.
 */

/** What a schema asks to be there, at any depth; nothing where it asks for nothing. */
function demands({ required, properties = {}, anyOf = [] }: JsonSchema): JsonSchema | undefined {
  const below = Object.entries(properties).flatMap(([key, value]) => {
    const inside = demands(value);
    return inside ? [[key, inside] as const] : [];
  });
  const branch = anyOf.map(demands).find((one) => one !== undefined);
  if (!required && below.length === 0) return branch;
  return {
    ...(required && { required }),
    ...(below.length > 0 && { properties: Object.fromEntries(below) }),
  };
}

/** The JSON Schema of a spec, for editors. */
export function editorSchemaOf({ schema, keys }: Pick<Language, 'schema' | 'keys'>): JsonSchema {
  const definitions: Record<string, JsonSchema> = {};
  /** Where a definition stands, by its text: keys that are alike are one. */
  const places = new Map<string, string>();

  /** A schema whose keys are references, and which asks for none of them. */
  function open({ required: _, ...schema }: JsonSchema, path: string): JsonSchema {
    return {
      ...schema,
      ...(schema.anyOf && { anyOf: schema.anyOf.map((branch) => open(branch, path)) }),
      ...(schema.properties && {
        properties: Object.fromEntries(
          Object.entries(schema.properties).map(([key, value]) => [
            key,
            referenceTo(value, `${path}.${key}`),
          ]),
        ),
      }),
    };
  }

  function referenceTo(schema: JsonSchema, path: string): JsonSchema {
    const opened = open(schema, path);
    const text = JSON.stringify(opened);
    const place = places.get(text) ?? path;
    places.set(text, place);
    definitions[place] = opened;
    return { $ref: `#/$defs/${place}` };
  }

  const top = Object.entries(schema.properties!).map(([key, value]) => {
    const reference = referenceTo(value, key);
    const demanded = demands(value);
    return [key, demanded ? { allOf: [reference, demanded] } : reference] as const;
  });

  /** What a grid may vary. */
  const perPath = (of: (schema: JsonSchema) => JsonSchema): Record<string, JsonSchema> =>
    Object.fromEntries(
      [...keys]
        .filter(([path]) => path !== 'name')
        .map(([path, value]) => [path, of(referenceTo(value, path))]),
    );

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
              description: 'Name of the row in the table.',
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
    required: ['name', 'dataset'],
    anyOf: [{ required: ['schedule', 'student'] }, { required: ['predictor'] }, { required: ['grid'] }],
    properties: { ...Object.fromEntries(top), grid },
    $defs: definitions,
  };
}
