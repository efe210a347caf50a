import { type Declarations, ours } from './declared.js';
import { type JsonSchema, type Keys, keysIn } from './json-schema.js';
import { type Rule, rulesOf } from './rules.js';
import { schemaOf } from './schema.js';
import { type Option, unreadOptionsOf } from './unread.js';

/** All that a spec can say, of what is declared. */
export interface Language {
  readonly declarations: Declarations;
  /** Of one combination. */
  readonly schema: JsonSchema;
  readonly keys: Keys;
  readonly rules: readonly Rule[];
  /** Keys that only some combinations read. */
  readonly options: readonly Option[];
}

export function languageOf(declarations: Declarations): Language {
  const schema: JsonSchema = schemaOf(declarations);
  return {
    declarations,
    schema,
    keys: keysIn(schema),
    rules: rulesOf(declarations),
    options: unreadOptionsOf(declarations),
  };
}

/** Of what comes with Fewstep. */
export const ourLanguage: Language = languageOf(ours);

/** What a grid may vary. */
export const gridPathsOf = ({ keys }: Pick<Language, 'keys'>): string[] =>
  [...keys.keys()].filter((path) => path !== 'name');
