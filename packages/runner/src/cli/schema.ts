import { specSchema } from '../experiment/schema.js';
import type { Answer } from './answer.js';

/** `fewstep schema`: the JSON Schema that editors complete specs from. */
export function schema(answer: Answer): void {
  answer.line(JSON.stringify(specSchema, null, 2));
}
