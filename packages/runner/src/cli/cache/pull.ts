import type { Output } from '@fewstep/taskgraph';
import { RunnerError } from '../../errors.js';
import { type CacheOption, type StoreOptions, sayWorld } from '../run/world.js';
import type { Answer } from '../terminal/answer.js';
import { megabytes } from '../terminal/quantities.js';
import { screen } from '../terminal/say.js';
import { statusLine } from '../terminal/status-line.js';
import { openCopying, resultsOf } from './results-of-specs.js';

export interface CachePullOptions extends StoreOptions, CacheOption {
  readonly set?: readonly string[];
}

/**
 * `fewstep cache pull SPEC…`: gets into the store what the cache has of specs, with all files, also those that a run of them
 * would not read. What is here is not fetched, so the same command goes on where it was broken off.
 *
 * @throws RunnerError E_CACHE where a file did not come, or the cache failed
 */
export async function cachePull(
  specs: readonly string[],
  options: CachePullOptions,
  answer: Answer,
): Promise<void> {
  const world = await openCopying(options, specs[0]);
  sayWorld(world);
  const { store } = world;
  const { records, toCompute } = await resultsOf(specs, options.set, world);
  const files = new Map(
    records.flatMap(({ outputs }) => Object.values(outputs).map((output) => [output.digest, output])),
  );
  const counts = { found: records.length, files: 0, there: 0, missing: 0, toCompute, bytes: 0 };
  const line = statusLine(screen(), Date.now);
  const get = async (output: Output): Promise<void> => {
    if ((await store.local.blob(output)) !== undefined) counts.there++;
    else if ((await store.blob(output)) === undefined) counts.missing++;
    else {
      counts.files++;
      counts.bytes += output.size;
    }
    line.show(
      () => `${counts.there + counts.files} of ${files.size} files, ${megabytes(counts.bytes)} fetched`,
    );
    answer.object(counts);
  };
  answer.object(counts);
  await Promise.all([...files.values()].map(get));
  line.end();
  await store.settled();
  answer.line(
    `${counts.found} results: ${counts.files} files fetched (${megabytes(counts.bytes)}), ${counts.there} were here; ${toCompute} tasks are in neither`,
  );
  const failure = store.failure();
  if (counts.missing > 0 || failure)
    throw new RunnerError(
      'E_CACHE',
      `${failure ? `the cache failed (${failure.message}), and ` : ''}${counts.missing} of ${files.size} files did not come; the same command goes on from there.`,
      { exitCode: 1, cause: failure, evidence: counts },
    );
}
