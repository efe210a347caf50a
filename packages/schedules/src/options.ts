/**
 * What a method, a schedule or a score may be told: plain JSON Schema, said once beside the code that reads it. Types,
 * defaults, checks, completion in editors and reference pages are made of it.
 */
export type Option = ReturnType<typeof integer | typeof number | typeof flag | typeof levels> | ChoiceOption;
/** Options by their names in a spec. */
export type Options = Readonly<Record<string, Option>>;

interface Bounds {
  readonly minimum?: number;
  readonly exclusiveMinimum?: number;
  readonly maximum?: number;
  readonly exclusiveMaximum?: number;
}

/** Declares an integer from `minimum` to `maximum`, both included. */
export const integer = (minimum: number, maximum: number, byDefault: number, description: string) =>
  ({ type: 'integer', minimum, maximum, default: byDefault, description }) as const;
/** Declares a number within bounds, each of which may be left out. */
export const number = (bounds: Bounds, byDefault: number, description: string) =>
  ({ type: 'number', ...bounds, default: byDefault, description }) as const;
/** Declares true or false. */
export const flag = (byDefault: boolean, description: string) =>
  ({ type: 'boolean', default: byDefault, description }) as const;
/** Declares one of some names. */
export const choice = <const N extends string>(
  names: readonly N[],
  byDefault: N,
  description: string,
): ChoiceOption<N> => ({ enum: names, default: byDefault, description });
/** Declares a list of 2 to 1001 noise levels, data units; without a default. */
export const levels = (description: string) =>
  ({
    type: 'array',
    items: { type: 'number', exclusiveMinimum: 0 },
    minItems: 2,
    maxItems: 1001,
    description,
  }) as const;

/** One of some names. */
export interface ChoiceOption<N extends string = string> {
  readonly enum: readonly N[];
  readonly default: N;
  readonly description: string;
}
type ValueOf<O extends Option> = O extends { readonly type: 'integer' | 'number' }
  ? number
  : O extends { readonly type: 'boolean' }
    ? boolean
    : O extends ChoiceOption<infer N>
      ? N
      : ArrayLike<number>;

/** A value for each option, defaults filled in. */
export type OptionValues<O extends Options> = { readonly [N in keyof O]: ValueOf<O[N]> };

/** Values with every default filled in; what is not declared is left out. */
export function withDefaults<O extends Options>(
  options: O,
  given: Readonly<Record<string, unknown>>,
): OptionValues<O> {
  const values: Record<string, unknown> = {};
  for (const [name, option] of Object.entries<Option>(options))
    values[name] = given[name] ?? ('default' in option ? option.default : undefined);
  return values as OptionValues<O>;
}
