import type { Digest } from '@fewstep/taskgraph';
import { RunnerError } from '../../errors.js';
import { shownPath } from '../reports/output.js';
import { openOwnStore, type StoreOptions } from '../run/world.js';
import type { Answer } from '../terminal/answer.js';
import { countOf, sizeText } from '../terminal/quantities.js';
import { reachedByAny, summing } from './shown.js';

export interface CachePinOptions extends StoreOptions {
  readonly set?: readonly string[];
  readonly name?: string;
}

/**
 * `fewstep cache pin SPEC…`: keeps what specs reach in the store from being collected, until it is unpinned. What is computed
 * later is not pinned; a pin of the same name takes the place of the one before.
 *
 * @throws TaskgraphError E_PIN
 */
export async function cachePin(
  specs: readonly string[],
  { set, name, ...options }: CachePinOptions,
  answer: Answer,
): Promise<void> {
  const store = await openOwnStore(options);
  const wanted = new Map<string, { readonly of: string[]; readonly keys: Set<Digest> }>();
  for (const { name: own, spec, keys } of await reachedByAny(specs, set, store)) {
    const pin = wanted.get(name ?? own) ?? { of: [], keys: new Set() };
    wanted.set(name ?? own, pin);
    pin.of.push(spec);
    for (const key of keys) pin.keys.add(key);
  }
  const at = new Date().toISOString();
  for (const [pinned, { of, keys }] of wanted) await store.pin({ name: pinned, of, at, keys: [...keys] });
  // what is there now stays there
  const sums = [...wanted].map(([pinned, { of, keys }]) => ({ name: pinned, of, keys, total: summing() }));
  for await (const entry of store.entries())
    for (const { keys, total } of sums) if (keys.has(entry.record.key)) total.add(entry);
  const pins = sums.map(({ name, of, total }) => ({ name, of, at, ...total.sum }));
  answer.object({ store: store.dir, pins });
  for (const { name, results, bytes } of pins)
    answer.line(
      `pinned as ${name}: ${countOf(results, 'result')}, ${sizeText(bytes)}${results === 0 ? '; nothing of it is in the store yet, so pin it again after a run' : ''}`,
    );
}

/** `fewstep cache unpin NAME…`. @throws RunnerError E_PIN where one of them is no pin; nothing is unpinned then */
export async function cacheUnpin(
  names: readonly string[],
  options: StoreOptions,
  answer: Answer,
): Promise<void> {
  const store = await openOwnStore(options);
  const known = (await store.pins()).map(({ name }) => name);
  const unknown = names.filter((name) => !known.includes(name));
  if (unknown.length > 0)
    throw new RunnerError(
      'E_PIN',
      `${unknown.map((name) => `"${name}"`).join(', ')}: no pin of ${shownPath(store.dir)}; ${known.length > 0 ? `these are: ${known.join(', ')}` : 'there are none'}.`,
      { evidence: { unknown, known } },
    );
  for (const name of names) await store.unpin(name);
  answer.object({ store: store.dir, unpinned: names });
  for (const name of names) answer.line(`unpinned: ${name}`);
}
