import { describe, type PickleValue } from '../files/pickle.js';

/** A setting in a pickle: how its value is read, what values there are in words, and its default where it has one. */
export interface Rule<V> {
  /** Undefined where it is none of them. */
  readonly parse: (value: PickleValue) => V | undefined;
  readonly words: string;
  readonly default?: V;
}

export const number = (low: number, high: number): Rule<number> => ({
  parse: (value) => (typeof value === 'number' && value >= low && value <= high ? value : undefined),
  words: `a number from ${low} to ${high}`,
});

export const integer = (low: number, high: number, standard?: number): Rule<number> => ({
  parse: (value) => (Number.isSafeInteger(value) ? number(low, high).parse(value) : undefined),
  words: `an integer from ${low} to ${high}`,
  ...(standard !== undefined && { default: standard }),
});

/** Reads settings by their rules, and says what is missing or wrong. */
export function settle(
  rules: Readonly<Record<string, Rule<unknown>>>,
  given: ReadonlyMap<PickleValue, PickleValue>,
): { readonly settled: Readonly<Record<string, unknown>>; readonly problems: string[] } {
  const problems: string[] = [];
  const settled = Object.entries(rules).map(([name, rule]) => {
    const found = given.get(name);
    const value = found === undefined ? rule.default : rule.parse(found);
    if (value === undefined)
      problems.push(
        found === undefined ? `${name} is missing` : `${name} is ${describe(found)}, not ${rule.words}`,
      );
    return [name, value] as const;
  });
  return { settled: Object.fromEntries(settled), problems };
}
