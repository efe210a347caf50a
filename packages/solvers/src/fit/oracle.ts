import { type Entry, entriesOf } from '../generators/table.js';
import type { SamplerTable } from '../table/sampler-table.js';
import type { Block, BlockDenoise, View } from './block.js';
import { costOf } from './cost.js';
import { fit } from './fit.js';
import { gathering } from './gathering.js';
import { remembering } from './remembering.js';
import { squaresOf } from './squares.js';

/** How far samples are off that each have some of a table's numbers of their own. */
export interface Bound {
  /** `nothing`, `last row`, `sigmas`, `row 0` and so on to that of the last evaluation, `all`. */
  readonly steered: string;
  /** Numbers that each sample has of its own. */
  readonly parameters: number;
  /** Σ e² of each sample. */
  readonly squares: readonly number[];
  /** Samples that the network was asked for. */
  readonly calls: number;
}

/** Most rounds of a sample, of which the last gain little. */
const ROUNDS = 8;

/**
 * What is left of a block's errors where each sample has numbers of a table fitted to its own answer: none, how answers are
 * put together, what the network is told, each of the rows that it is shown, all. A predictor of these numbers, which doesn't
 * know the answer, comes to that at best.
 *
 * Each is by Levenberg–Marquardt down from the shared table, all numbers from the best that some came to; so it is a bound of
 * what is found from there, never above one of fewer numbers.
 *
 * @throws SolverError (E_SOLVER) if it is no table, or gives no finite samples
 */
export async function boundsOf(
  table: SamplerTable,
  block: Block,
  denoise: BlockDenoise,
  view: View,
): Promise<Bound[]> {
  const samples = singly(block);
  const each = await gathering(block.n, denoise, (i, own) => boundsOfOne(table, samples[i]!, own, view));
  return each[0]!.map(({ steered, parameters }, b) => ({
    steered,
    parameters,
    squares: each.map((found) => found[b]!.squares),
    calls: each.reduce((sum, found) => sum + found[b]!.calls, 0),
  }));
}

async function boundsOfOne(
  table: SamplerTable,
  sample: Block,
  denoise: BlockDenoise,
  view: View,
): Promise<Fitted[]> {
  const network = remembering(denoise);
  const shared = await squaresOf([table], sample, network.denoise, view);
  const found: Fitted[] = [
    { steered: 'nothing', parameters: 0, table, squares: shared.squares[0]!, calls: network.calls() },
  ];
  const best = () => found.reduce((a, b) => (b.squares < a.squares ? b : a)).table;
  for (const [steered, isFree] of [...Object.entries(partsOf(table)), ['all', undefined] as const]) {
    const family = entriesOf(isFree ? table : best(), isFree);
    const before = network.calls();
    const { table: own, state } = await fit({
      family,
      rounds: Array.from({ length: ROUNDS }, () => ({ blocks: [sample], keep: 0 })),
      validation: [sample],
      denoise: network.denoise,
      view,
    });
    found.push({
      steered,
      parameters: family.parameters.length,
      table: own,
      squares: state.best!.validation ** 2 * sample.noise.length,
      calls: network.calls() - before,
    });
  }
  return found;
}

/** What of a table a sample may have of its own, all of it aside. */
function partsOf({ sigmas }: SamplerTable): Record<string, (entry: Entry) => boolean> {
  const rows = sigmas.map((_, k) => [`row ${k}`, ({ of, row }: Entry) => of === 'row' && row === k] as const);
  return {
    'last row': ({ row }) => row === sigmas.length,
    sigmas: ({ of }) => of === 'sigma',
    ...Object.fromEntries(rows),
  };
}

/** Evaluations that the bounds of one sample ask for at most, for plans and progress alone. */
export function boundsCost(table: SamplerTable): number {
  const nfe = table.sigmas.length;
  // where a fit stands is known from the round before
  const ofRound = [...Object.values(partsOf(table)), undefined].reduce((sum, isFree) => {
    const { equations, trials } = costOf(entriesOf(table, isFree));
    return sum + equations - nfe + trials - nfe;
  }, 0);
  return nfe + ROUNDS * ofRound;
}

/** One bound of one sample. */
interface Fitted extends Omit<Bound, 'squares'> {
  readonly table: SamplerTable;
  readonly squares: number;
}

/** The samples of a block, each a block. */
export function singly({ noise, goal, n }: Block): Block[] {
  const of = (values: Block['noise'], i: number) =>
    values.subarray((i * values.length) / n, ((i + 1) * values.length) / n);
  return Array.from({ length: n }, (_, i) => ({ noise: of(noise, i), goal: of(goal, i), n: 1 }));
}
