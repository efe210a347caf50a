import { canonicalJson } from '../json.js';
import { type Digest, digestOfText } from './digest.js';
import type { KeyComponents } from './store.js';

/** SHA-256 of the canonical JSON of everything that a task's result depends on, and nothing else. */
export function keyOf(components: KeyComponents): Digest {
  return digestOfText(canonicalJson({ ...components }));
}
