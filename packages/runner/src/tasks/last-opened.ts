/** A session is dear to build, so the last one opened stays for the next task that asks for the same. */
export function lastOpened<T extends { close(): Promise<void> }>(): (
  key: string,
  open: () => Promise<T>,
) => Promise<T> {
  let last: { readonly key: string; readonly opened: T } | undefined;
  return async (key, open) => {
    if (last?.key === key) return last.opened;
    await last?.opened.close();
    last = undefined;
    const opened = await open();
    last = { key, opened };
    return opened;
  };
}
