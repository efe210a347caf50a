import { RunnerError } from '../../errors.js';
import { shownPath } from '../reports/output.js';
import { openOwnStore, type StoreOptions } from '../run/world.js';
import type { Answer } from '../terminal/answer.js';
import { countOf, sizeText } from '../terminal/quantities.js';
import { say, screen } from '../terminal/say.js';
import { statusLine } from '../terminal/status-line.js';

export interface CacheVerifyOptions extends StoreOptions {
  readonly repair?: boolean;
}

/**
 * `fewstep cache verify`: compares all that is in the store with its digests; with `--repair` what is damaged is removed.
 *
 * @throws RunnerError E_STORE_DAMAGED (exit code 1) where something is damaged and stays
 */
export async function cacheVerify(
  { repair = false, ...options }: CacheVerifyOptions,
  answer: Answer,
): Promise<void> {
  const store = await openOwnStore(options);
  const line = statusLine(screen(), Date.now);
  const found = await store
    .verify({
      repair,
      onProgress: (bytes, all) => line.show(() => `read ${sizeText(bytes)} of ${sizeText(all)}`),
    })
    .finally(line.end);
  const { records, files, bytes, damaged, incomplete, removed } = found;
  answer.object({ store: store.dir, ...found });
  for (const { path, what, found: content, by } of damaged) {
    const is = content === undefined ? 'is no file' : `is sha256 ${content.slice(0, 12)}…`;
    const made = by.map(({ kind, key }) => `${kind} ${key.slice(0, 12)}…`).join(', ');
    const of = made === '' ? ', of no result' : `, of ${made}`;
    answer.line(`damaged: ${shownPath(path)} ${what === 'record' ? 'is no record' : `${is}${of}`}`);
  }
  for (const { kind, key, missing } of incomplete)
    answer.line(`not here: ${missing.join(', ')} of ${kind} ${key.slice(0, 12)}…`);
  answer.line(
    `${countOf(records, 'result')} and ${files} files (${sizeText(bytes)}) in ${shownPath(store.dir)}: ${damaged.length} damaged${repair ? `, ${removed} of them removed` : ''}, ${incomplete.length} without all their files`,
  );
  if (incomplete.length > 0)
    say(
      'files that are not here were never fetched, or are lost: they are fetched or computed again when they are needed',
    );
  if (damaged.length === removed) return;
  throw new RunnerError(
    'E_STORE_DAMAGED',
    `${damaged.length - removed} of the files and records in ${shownPath(store.dir)} are damaged. Runs pass them over and compute them again; ${repair ? 'those of running runs stay' : 'fewstep cache verify --repair removes them'}.`,
    { exitCode: 1, evidence: { damaged: damaged.map(({ path }) => path) } },
  );
}
