import { specSchema } from '../spec/schema.js';
import { print } from './output.js';

/** `fewstep schema`: the JSON Schema that editors complete specs from. */
export function schema(): void {
  print(specSchema);
}
