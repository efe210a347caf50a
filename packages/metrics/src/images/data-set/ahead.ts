/**
 * What `work` makes of each item, in their order; so many are worked on at once, while one before them is used.
 */
export async function* ahead<T, R>(
  items: AsyncIterable<T> | Iterable<T>,
  work: (item: T) => Promise<R>,
  atOnce = 2,
): AsyncGenerator<R, void> {
  const begun: Promise<R>[] = [];
  for await (const item of items) {
    const one = work(item);
    one.catch(() => {}); // said where its turn comes, if it does
    begun.push(one);
    if (begun.length === atOnce) yield await begun.shift()!;
  }
  for (const one of begun) yield await one;
}
