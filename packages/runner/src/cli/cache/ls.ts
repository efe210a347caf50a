import type { Digest, Pin, StoreEntry } from '@fewstep/taskgraph';
import { shownPath } from '../reports/output.js';
import { openOwnStore, type StoreOptions } from '../run/world.js';
import type { Answer } from '../terminal/answer.js';
import { ageText, countOf, sizeText, timeText } from '../terminal/quantities.js';
import { costOf, kindTable, reachedByAny, type Sum, summing } from './shown.js';

export interface CacheLsOptions extends StoreOptions {
  readonly set?: readonly string[];
  readonly by: 'size' | 'age' | 'cost';
}

/** Results of one kind. */
interface OfKind extends Sum {
  readonly kind: string;
}

const orders: Readonly<Record<CacheLsOptions['by'], (a: Sum, b: Sum) => number>> = {
  size: (a, b) => b.bytes - a.bytes,
  age: (a, b) => Date.parse(a.oldest ?? '') - Date.parse(b.oldest ?? ''),
  cost: (a, b) => costOf(b) - costOf(a),
};

/** `fewstep cache ls [SPEC…]`: what the store holds by kind, what of it specs reach, and what is pinned. */
export async function cacheLs(
  specs: readonly string[],
  { by, set, ...options }: CacheLsOptions,
  answer: Answer,
): Promise<void> {
  const store = await openOwnStore(options);
  const reachedBySpecs = await reachedByAny(specs, set, store);
  const groups = [group('in the store', undefined)];
  for (const { name, keys } of reachedBySpecs) groups.push(group(name, keys));
  const pins = (await store.pins()).map((pin) => ({ pin, ...group(pin.name, new Set(pin.keys)) }));
  for await (const entry of store.entries()) for (const one of [...groups, ...pins]) one.add(entry);

  const [all, ...reached] = groups.map(({ name, sums }) => ({ name, ...sums(by) }));
  answer.object({
    store: store.dir,
    ...withCost(all!.total),
    kinds: all!.kinds.map(withCost),
    ...(specs.length > 0 && {
      reached: reached.map(({ name, total, kinds }) => ({
        name,
        ...withCost(total),
        kinds: kinds.map(withCost),
      })),
    }),
    pins: pins.map(({ pin: { name, of, at, keys }, sums }) => ({
      name,
      of,
      at,
      keys: keys.length,
      ...withCost(sums(by).total),
    })),
  });
  answer.line(`${shownPath(store.dir)}: ${oneLine(all!.total)}`);
  for (const line of tableOf(all!)) answer.line(line);
  for (const one of reached) {
    answer.line('');
    answer.line(`reached by ${one.name}: ${oneLine(one.total)}`);
    for (const line of tableOf(one)) answer.line(line);
  }
  if (pins.length > 0) answer.line('');
  for (const { pin, sums } of pins) answer.line(pinLine(pin, sums(by).total));
}

/** Entries whose keys are among these, or all, added up by kind. */
function group(name: string, keys: ReadonlySet<Digest> | undefined) {
  const total = summing();
  const kinds = new Map<string, ReturnType<typeof summing>>();
  return {
    name,
    add(entry: StoreEntry): void {
      const { key, components } = entry.record;
      if (keys && !keys.has(key)) return;
      total.add(entry);
      const one = kinds.get(components.kind) ?? summing();
      kinds.set(components.kind, one);
      one.add(entry);
    },
    sums: (by: CacheLsOptions['by']) => ({
      total: total.sum,
      kinds: [...kinds].map(([kind, { sum }]): OfKind => ({ kind, ...sum })).sort(orders[by]),
    }),
  };
}

const withCost = <S extends Sum>(sum: S) => ({ ...sum, secondsPerMegabyte: costOf(sum) });

function oneLine({ results, bytes, seconds, incomplete }: Sum): string {
  const lacking = incomplete > 0 ? `; of ${incomplete} files are not here` : '';
  return `${countOf(results, 'result')}, ${sizeText(bytes)}, ${timeText(seconds)} of computing${lacking}`;
}

function tableOf({ total, kinds }: { readonly total: Sum; readonly kinds: readonly OfKind[] }): string[] {
  if (kinds.length === 0) return [];
  const cells = (sum: Sum) => [
    String(sum.results),
    sizeText(sum.bytes),
    timeText(sum.seconds),
    costOf(sum).toPrecision(3),
    sum.oldest === undefined ? '' : ageText(sum.oldest),
  ];
  return kindTable(
    ['results', 'size', 'took', 's/MB', 'oldest'],
    kinds.map((one) => ({ kind: one.kind, cells: cells(one) })),
    cells(total),
  );
}

const pinLine = ({ name, of, at, keys }: Pin, total: Sum): string => {
  const gone = keys.length - total.results;
  return `pinned as ${name} (${of.join(', ')}; ${at.slice(0, 10)}): ${countOf(total.results, 'result')}, ${sizeText(total.bytes)}${gone > 0 ? `; ${gone} are lost` : ''}`;
};
