interface Bounds {
  readonly minimum?: number;
  readonly exclusiveMinimum?: number;
  readonly maximum?: number;
}

/** Declares a number of things, from 1. */
export const count = (description: string) =>
  ({ type: 'integer', minimum: 1, maximum: 65_536, description }) as const;
/** Declares a number within its bounds. */
export const number = (bounds: Bounds, description: string) =>
  ({ type: 'number', ...bounds, description }) as const;
/** Declares true or false. */
export const flag = (description: string) => ({ type: 'boolean', description }) as const;
/** Declares a file beside the checkpoint. */
export const file = (example: string, description: string) =>
  ({ type: 'string', minLength: 1, examples: [example], description }) as const;

/** What a checkpoint may be told that its file doesn't show: plain JSON Schema. Left out, it is as the description says. */
type FamilyOption = ReturnType<typeof count | typeof number | typeof flag | typeof file>;
/** Options by their names in a spec. */
export type FamilyOptions = Readonly<Record<string, FamilyOption>>;

type ValueOf<T extends FamilyOption['type']> = T extends 'integer' | 'number'
  ? number
  : T extends 'boolean'
    ? boolean
    : string;

/** A value for each of the options that are told. */
export type Told<O extends FamilyOptions> = { readonly [N in keyof O]?: ValueOf<O[N]['type']> };
