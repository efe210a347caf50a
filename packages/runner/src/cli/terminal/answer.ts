import { jsonText, printable } from '../../judging/shown.js';

/** What a command says on standard output. */
export interface Answer {
  /** A line for people, whatever it speaks of: nothing with --json. */
  line(text: string): void;
  /** What is for programs though nobody said --json: as it is. */
  data(text: string): void;
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
      if (!json) output.write(`${printable(text)}\n`);
    },
    data(text) {
      output.write(text);
    },
    object(value) {
      known = value;
    },
    end(error) {
      if (json) output.write(`${jsonText({ ...known, ...(error && { error }) }, 2)}\n`);
    },
  };
}

/** An answer that nobody prints, and what was answered so far: the object, and what is for programs beside it. */
export function answered(): { readonly answer: Answer; found(): object } {
  let known: object = {};
  let text = '';
  return {
    answer: {
      line: () => {},
      data: (more) => {
        text += more;
      },
      object: (value) => {
        known = value;
      },
    },
    found: () => ({ ...known, ...(text !== '' && { text }) }),
  };
}

/** Where a command's answer goes. */
interface StandardOutput {
  write(text: string): void;
  /**
   * Waits until everything is out.
   *
   * @throws RunnerError E_OUTPUT (exit code 1) where it can't be written
   */
  end(): Promise<void>;
}

/** What a write says when the reader has read enough, as `| head` does. */
const readerIsGone = ['EPIPE', 'ECONNRESET'];

/**
 * Standard output, whose failure ends no work: what comes after it is dropped. A reader that is gone is no failure at
 * all, for what was asked of the command is not what somebody looks at.
 */
export function standardOutput(stream: NodeJS.WriteStream): StandardOutput {
  let failure: unknown;
  const failed = (error: unknown) => {
    failure ??= error;
  };
  stream.on('error', failed);
  const write = (text: string, written?: () => void) => {
    try {
      stream.write(text, written);
    } catch (error) {
      failed(error);
      written?.();
    }
  };
  return {
    write(text) {
      if (!failure) write(text);
    },
    async end() {
      if (!failure) await new Promise<void>((resolve) => write('', resolve));
      if (!failure) return;
      const { codeOf, RunnerError } = await import('../../errors.js');
      if (!readerIsGone.includes(codeOf(failure) ?? ''))
        throw new RunnerError(
          'E_OUTPUT',
          `standard output can't be written (${failure instanceof Error ? failure.message : failure})`,
          { exitCode: 1, cause: failure },
        );
    },
  };
}
