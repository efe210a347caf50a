/** Where the value of an option is from; `asked`: from nowhere, so that it must be told. */
export type OptionSource = 'file' | 'registry' | 'config' | 'spec' | 'asked';

/** For each option by its name, `family` among them. */
export type Sources = Readonly<Record<string, OptionSource>>;

/** What could be told for each option that must be. */
export type Asked = Readonly<Record<string, readonly (string | number | boolean)[]>>;

/** Sources of options that are all from one place. */
export const allFrom = (source: OptionSource, options: object): Sources =>
  Object.fromEntries(Object.keys(options).map((name) => [name, source]));
