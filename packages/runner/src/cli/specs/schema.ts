import { textOfSchema } from '../../experiment/editor-schema.js';
import { ourLanguage } from '../../experiment/language.js';
import { languageOfFile } from '../../experiment/read-experiment.js';
import type { Answer } from '../terminal/answer.js';

/** `fewstep schema [SPEC]`: the JSON Schema that editors complete specs from, a key in each line; with what files that the spec names declare. */
export async function schema(spec: string | undefined, _options: unknown, answer: Answer): Promise<void> {
  const language = spec === undefined ? ourLanguage : await languageOfFile(spec);
  answer.data(textOfSchema(language));
}
