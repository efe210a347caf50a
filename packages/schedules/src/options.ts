/**
 * What a method, a schedule or a score may be told: plain JSON Schema, said once beside the code that reads it. Types,
 * defaults, checks, completion in editors and reference pages are made of it.
 */
export type Option =
  | ReturnType<typeof integer | typeof number | typeof flag | typeof levels>
  | ChoiceOption
  | DataChoiceOption;
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
/**
 * Declares one of some names, by default another for each kind of data; read only where the flag `under`, declared before
 * it, is set.
 */
export const dataChoice = <const N extends string>(
  names: readonly N[],
  defaults: DataChoiceOption<N>['defaults'],
  under: string,
  description: string,
): DataChoiceOption<N> => ({ enum: names, defaults, under, description });
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

/** What a model denoises: pixels from −1 to 1, or latents that a decoder makes pictures of. */
export type DataKind = 'pixels' | 'latents';

/** One of some names, where the default depends on the data. */
export interface DataChoiceOption<N extends string = string> {
  readonly enum: readonly N[];
  readonly defaults: { readonly [K in DataKind]: N };
  /** The flag without which nothing reads it. */
  readonly under: string;
  readonly description: string;
}

type ValueOf<O extends Option> = O extends { readonly type: 'integer' | 'number' }
  ? number
  : O extends { readonly type: 'boolean' }
    ? boolean
    : O extends ChoiceOption<infer N>
      ? N
      : O extends DataChoiceOption<infer N>
        ? N | undefined
        : ArrayLike<number>;

/** A value for each option, defaults filled in. */
export type OptionValues<O extends Options> = { readonly [N in keyof O]: ValueOf<O[N]> };

/**
 * Values with every default filled in; what is not declared, or is read under a flag that is not set, is left out. So is
 * what the data decide, where `data` doesn't say what they are.
 */
export function withDefaults<O extends Options>(
  options: O,
  given: Readonly<Record<string, unknown>>,
  data?: DataKind,
): OptionValues<O> {
  const values: Record<string, unknown> = {};
  for (const [name, option] of Object.entries<Option>(options)) {
    if ('under' in option && !values[option.under]) continue;
    const value = given[name] ?? defaultOf(option, data);
    if (value !== undefined) values[name] = value;
  }
  return values as OptionValues<O>;
}

function defaultOf(option: Option, data: DataKind | undefined): unknown {
  if ('defaults' in option) return data && option.defaults[data];
  return 'default' in option ? option.default : undefined;
}
