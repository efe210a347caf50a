import type { ActionRecord } from '@fewstep/taskgraph';
import { RunnerError } from '../../errors.js';
import { type CacheOption, type StoreOptions, sayWorld, type World } from '../run/world.js';
import type { Answer } from '../terminal/answer.js';
import { megabytes } from '../terminal/quantities.js';
import { screen } from '../terminal/say.js';
import { statusLine } from '../terminal/status-line.js';
import { openCopying, type Results, resultsOf } from './results-of-specs.js';

export interface CachePushOptions extends StoreOptions, CacheOption {
  readonly set?: readonly string[];
  readonly all?: boolean;
}

/**
 * `fewstep cache push SPEC…`: gives the cache what the store has of specs, or all that it has. What is there is asked for
 * first, so the same command goes on where it was broken off.
 *
 * @throws RunnerError E_USAGE, E_CACHE where something could not be sent
 */
export async function cachePush(
  specs: readonly string[],
  options: CachePushOptions,
  answer: Answer,
): Promise<void> {
  if (specs.length > 0 === (options.all === true))
    throw new RunnerError('E_USAGE', 'cache push takes specs, or --all: give one of them.');
  const world = await openCopying(options, specs[0]);
  if (world.cache?.readOnly)
    throw new RunnerError(
      'E_CACHE',
      `the cache ${world.cache.plugin} is only read (${world.cache.by}: ,ro).`,
    );
  sayWorld(world);
  const { store } = world;
  const { records, families } = options.all
    ? await everything(world)
    : await resultsOf(specs, options.set, { ...world, store: store.local });
  await store.hold(records.map(({ key }) => key)); // so that no collection takes what is to be sent
  const counts = { sent: 0, there: 0, unsigned: 0, lost: 0, failed: 0, bytes: 0 };
  const line = statusLine(screen(), Date.now);
  let done = 0;
  await Promise.all(
    records.map(async (record) => {
      const sent = await store.send(record);
      counts[sent.state]++;
      if ('bytes' in sent) counts.bytes += sent.bytes;
      done++;
      line.show(() => `${done} of ${records.length} results, ${megabytes(counts.bytes)} sent`);
      answer.object(counts);
    }),
  );
  const notes = await Promise.all(families.map((family) => store.sendNotes(family)));
  line.end();
  await store.settled();
  const { sent, there, unsigned, lost, failed, bytes } = counts;
  answer.line(`${sent} results sent (${megabytes(bytes)}), ${there} were there`);
  if (unsigned > 0)
    answer.line(`${unsigned} not sent: they came from elsewhere without the signature of FEWSTEP_CACHE_KEY`);
  if (lost > 0) answer.line(`${lost} not sent: the store has lost files of them`);
  if (failed > 0 || notes.some(({ state }) => state === 'failed'))
    throw new RunnerError(
      'E_CACHE',
      `${failed} of ${records.length} results could not be sent; the same command goes on from there.`,
      { exitCode: 1, evidence: counts },
    );
}

async function everything({ store }: Pick<World, 'store'>): Promise<Pick<Results, 'records' | 'families'>> {
  const records: ActionRecord[] = [];
  for await (const record of store.records()) records.push(record);
  return { records, families: await store.families() };
}
