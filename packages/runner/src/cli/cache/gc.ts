import type { Digest, Removed } from '@fewstep/taskgraph';
import { shownPath } from '../reports/output.js';
import { openOwnStore, type StoreOptions } from '../run/world.js';
import type { Answer } from '../terminal/answer.js';
import { countOf, sizeIn, sizeText, timeIn, timeText } from '../terminal/quantities.js';
import { kindTable, reachedByAny } from './shown.js';

export interface CacheGcOptions extends StoreOptions {
  readonly set?: readonly string[];
  readonly maxSize?: string;
  readonly olderThan?: string;
  readonly unreachableFrom?: readonly string[];
  readonly yes?: boolean;
}

/**
 * `fewstep cache gc`: says what of the store may go, and removes it with `--yes`. Without a size, a time or specs that is only
 * what no result points to.
 *
 * @throws RunnerError E_USAGE, SpecError, TaskgraphError E_STORE_BUSY
 */
export async function cacheGc(options: CacheGcOptions, answer: Answer): Promise<void> {
  const { maxSize, olderThan, unreachableFrom, yes = false } = options;
  const maxBytes = maxSize === undefined ? undefined : sizeIn('--max-size', maxSize);
  const olderThanMs = olderThan === undefined ? undefined : timeIn('--older-than', olderThan);
  const store = await openOwnStore(options);
  const reached = await reachedByAny(unreachableFrom, options.set, store);
  const keep = new Set<Digest>(reached.flatMap(({ keys }) => [...keys]));
  const { entries, ...went } = await store.collectGarbage({
    ...(unreachableFrom && { keep }),
    ...(olderThanMs !== undefined && { olderThanMs }),
    ...(maxBytes !== undefined && { maxBytes }),
    dryRun: !yes,
  });
  const kinds = byKind(entries);
  const seconds = entries.reduce((sum, one) => sum + one.seconds, 0);
  answer.object({ store: store.dir, removed: yes, results: entries.length, seconds, ...went, kinds });
  if (kinds.length > 0) {
    const cells = ({ results, bytes, seconds }: Omit<OfKind, 'kind'>) => [
      String(results),
      sizeText(bytes),
      timeText(seconds),
    ];
    const total = {
      results: entries.length,
      bytes: entries.reduce((sum, one) => sum + one.bytes, 0),
      seconds,
    };
    const rows = kinds.map((one) => ({ kind: one.kind, cells: cells(one) }));
    for (const line of kindTable(['results', 'size', 'took'], rows, cells(total))) answer.line(line);
  }
  const { files, bytes, left, stayed } = went;
  answer.line(
    `${yes ? 'removed' : 'would go'}: ${countOf(entries.length, 'result')}, ${sizeText(bytes)} in ${files} files of ${shownPath(store.dir)}; ${sizeText(left)} ${yes ? 'are' : 'would be'} left`,
  );
  if (stayed.pinned > 0) answer.line(`${countOf(stayed.pinned, 'result')} more, which are pinned, stay`);
  if (stayed.held > 0) answer.line(`${countOf(stayed.held, 'result')} more, which running runs use, stay`);
  if (maxBytes !== undefined && left > maxBytes)
    answer.line(`that is more than ${sizeText(maxBytes)}: nothing else may go`);
  if (!yes && files > 0) answer.line('nothing was removed: --yes removes it');
}

interface OfKind {
  readonly kind: string;
  readonly results: number;
  readonly bytes: number;
  readonly seconds: number;
}

function byKind(entries: readonly Removed[]): OfKind[] {
  const kinds = new Map<string, OfKind>();
  for (const { kind, bytes, seconds } of entries) {
    const before = kinds.get(kind) ?? { kind, results: 0, bytes: 0, seconds: 0 };
    kinds.set(kind, {
      kind,
      results: before.results + 1,
      bytes: before.bytes + bytes,
      seconds: before.seconds + seconds,
    });
  }
  return [...kinds.values()].sort((a, b) => b.bytes - a.bytes);
}
