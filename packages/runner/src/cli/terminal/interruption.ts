/**
 * Ctrl-C and a request to end, as a signal that others look at, until `end`.
 *
 * @param onInterrupt what else is done at once
 */
export function interruption(onInterrupt: () => void = () => {}): {
  readonly signal: AbortSignal;
  end(): void;
} {
  const controller = new AbortController();
  const interrupt = () => {
    controller.abort();
    onInterrupt();
  };
  process.once('SIGINT', interrupt);
  process.once('SIGTERM', interrupt);
  return {
    signal: controller.signal,
    end() {
      process.off('SIGINT', interrupt);
      process.off('SIGTERM', interrupt);
    },
  };
}
