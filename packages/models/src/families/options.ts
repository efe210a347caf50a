interface Bounds {
  readonly minimum?: number;
  readonly exclusiveMinimum?: number;
  readonly maximum?: number;
}

/** Declares a number of things, from 1 or more. */
export const count = (description: string, minimum = 1) =>
  ({ type: 'integer', minimum, maximum: 65_536, description }) as const;
/** Declares a number within its bounds. */
export const number = (bounds: Bounds, description: string) =>
  ({ type: 'number', ...bounds, description }) as const;
/** Declares true or false. */
export const flag = (description: string) => ({ type: 'boolean', description }) as const;
/** Declares one of a few words. */
export const choice = <const W extends readonly string[]>(words: W, description: string) =>
  ({ enum: words, description }) as const;
/** Declares a file beside the checkpoint. */
export const file = (example: string, description: string) =>
  ({ type: 'string', minLength: 1, examples: [example], description }) as const;

/** What a checkpoint may be told that its file doesn't show: plain JSON Schema. Left out, it is as the description says. */
type FamilyOption =
  | ReturnType<typeof count | typeof number | typeof flag | typeof file>
  | { readonly enum: readonly string[]; readonly description: string };
/** Options by their names in a spec. */
export type FamilyOptions = Readonly<Record<string, FamilyOption>>;

interface Types {
  readonly integer: number;
  readonly number: number;
  readonly boolean: boolean;
  readonly string: string;
}
type ValueOf<O> = O extends { readonly enum: readonly (infer W)[] }
  ? W
  : O extends { readonly type: infer T extends keyof Types }
    ? Types[T]
    : never;

/** A value for each of the options that are told. */
export type Told<O extends FamilyOptions> = { readonly [N in keyof O]?: ValueOf<O[N]> };
