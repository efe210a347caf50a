import { codeOf, RunnerError } from '../errors.js';

/** Where a command's answer goes. */
export interface StandardOutput {
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
      if (failure && !readerIsGone.includes(codeOf(failure) ?? ''))
        throw new RunnerError(
          'E_OUTPUT',
          `standard output can't be written (${failure instanceof Error ? failure.message : failure})`,
          { exitCode: 1, cause: failure },
        );
    },
  };
}
