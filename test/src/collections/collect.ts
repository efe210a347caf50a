/**
 * `node collect.js STORE`: collects all garbage that it may, again and again, until it gets a message, and tells its
 * parent how often and how many results went.
 */
import { codeOf, openStore } from '@fewstep/taskgraph';

let isOver = false;
for (const end of ['message', 'disconnect'] as const)
  process.once(end, () => {
    isOver = true;
  });
const counts = { collections: 0, results: 0, held: 0 };
while (!isOver) {
  const store = await openStore(process.argv[2]!);
  try {
    const { entries, stayed } = await store.collectGarbage({ maxBytes: 0 });
    counts.collections++;
    counts.results += entries.length;
    counts.held += stayed.held;
    process.send?.(counts, () => {}); // its parent may be gone
  } catch (error) {
    if (codeOf(error) !== 'E_STORE_BUSY') throw error;
  }
  await new Promise((resolve) => setImmediate(resolve));
}
process.send?.({ ...counts, isOver }, () => process.disconnect());
