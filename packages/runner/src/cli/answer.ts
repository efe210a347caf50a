import type { StandardOutput } from './standard-output.js';

/** What a command says on standard output. */
export interface Answer {
  /** For people: nothing with --json. */
  line(text: string): void;
  /** For programs: what is known so far, in the shape that it has in the end. The last one is printed, with --json. */
  object(value: object): void;
}

/** The answer of one command, which `end` prints: exactly one object with --json, with the error where there was one. */
export function answer(
  output: StandardOutput,
  { json, empty }: { readonly json: boolean; readonly empty: object },
): Answer & { end(error?: object): void } {
  let known = empty;
  return {
    line(text) {
      if (!json) output.write(`${text}\n`);
    },
    object(value) {
      known = value;
    },
    end(error) {
      if (json) output.write(`${JSON.stringify({ ...known, ...(error && { error }) }, null, 2)}\n`);
    },
  };
}
