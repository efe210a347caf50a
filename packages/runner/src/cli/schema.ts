import { editorSchemaOf } from '../experiment/editor-schema.js';
import { ourLanguage } from '../experiment/language.js';
import type { Answer } from './answer.js';

/** `fewstep schema`: the JSON Schema that editors complete specs from, a key in each line. */
export function schema(answer: Answer): void {
  const keys = (of: object): string =>
    `{\n${Object.entries(of)
      .map(([key, value]) => `${JSON.stringify(key)}: ${JSON.stringify(value)}`)
      .join(',\n')}\n}`;
  const { properties = {}, $defs = {}, ...rest } = editorSchemaOf(ourLanguage);
  answer.line(`${keys(rest).slice(0, -2)},\n"properties": ${keys(properties)},\n"$defs": ${keys($defs)}\n}`);
}
