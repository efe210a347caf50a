import { entriesOf } from '../generators/table.js';
import type { Vector } from '../solver.js';
import { octaves } from '../table/bands.js';
import type { SamplerTable } from '../table/sampler-table.js';
import type { Block, BlockDenoise, View } from './block.js';
import { fit } from './fit.js';
import { type Bound, singly } from './oracle.js';
import { sideBySide } from './side-by-side.js';
import { squaresOf } from './squares.js';

/** Bands that a last row may have. */
const COUNTS = [1, 2, 4];
const ROUNDS = 8;

/**
 * How far samples are off under another last row, the same for all: of one entry for each answer, or of one for each band of
 * it, octaves of spatial frequency. It is fitted to the first half of a block's samples, and what it comes to is told of the
 * others, as they are under the table's own (`nothing`).
 *
 * Once the network has answered what the table asks it is asked for nothing more.
 *
 * `shape`: [channels, height, width] of a sample.
 *
 * @throws SolverError (E_SOLVER) if it is no table, or gives no finite samples
 */
export async function boundsByBand(
  table: SamplerTable,
  shape: readonly [number, number, number],
  block: Block,
  denoise: BlockDenoise,
  view: View,
): Promise<Bound[]> {
  const { samples, calls } = await answered(table, block, denoise);
  const half = Math.ceil(samples.length / 2);
  const [fitted, judged] = [samples.slice(0, half), samples.slice(half)];
  const { sigmas, rows, bands } = table;
  const last = sigmas.length;
  const own = rows[last]!;
  /** A table of that last row, whose noise levels are the places of the answers, whatever the network would be shown. */
  const ending = (row: readonly number[], by: SamplerTable['bands']): SamplerTable => ({
    sigmas: sigmas.map((_, k) => k + 1),
    rows: [...sigmas.map((_, k) => new Array<number>(k + 1).fill(0)), row],
    ...(by && { bands: by }),
  });
  const squares = async (of: SamplerTable) => {
    const each = [];
    for (const one of judged)
      each.push(await squaresOf([of], one, (request) => recalled(request, one), view));
    return each.map((found) => found.squares[0]!);
  };
  const shared = { steered: 'nothing', parameters: 0, squares: await squares(ending(own, bands)), calls };
  const byBand = COUNTS.map(async (count) => {
    const by = count > 1 ? { shape, edges: octaves(count) } : undefined;
    const family = entriesOf(
      ending(inBandsOf(own, last + 1, count), by),
      ({ of, row }) => of === 'row' && row === last,
    );
    const { table: found } = await fit({
      family,
      rounds: Array.from({ length: ROUNDS }, () => ({ blocks: fitted, keep: 0 })),
      validation: fitted,
      denoise: recalled,
      view,
    });
    return {
      steered: `last row in ${count} band${count === 1 ? '' : 's'}`,
      parameters: family.parameters.length,
      squares: await squares(found),
      calls: 0,
    };
  });
  return [shared, ...(await Promise.all(byBand))];
}

/** A sample, and what the network answered on the way to it: D_k, [size] each. */
interface Answered extends Block {
  readonly answers: readonly Vector[];
}

/** The network, as far as it is known by heart. */
const recalled = ({ sigma }: { readonly sigma: Vector }, { answers }: Answered) => ({
  denoised: answers[sigma[0]! - 1]!,
});

async function answered(
  table: SamplerTable,
  block: Block,
  denoise: BlockDenoise,
): Promise<{ readonly samples: readonly Answered[]; readonly calls: number }> {
  const all: Vector[] = [];
  const { calls } = await sideBySide([table], block, async (request) => {
    const answer = await denoise(request);
    all.push(answer.denoised);
    return answer;
  });
  const size = block.noise.length / block.n;
  const samples = singly(block).map((sample, i) => ({
    ...sample,
    // what wasn't asked had left the numbers
    answers: table.sigmas.map(
      (_, k) => all[k]?.subarray(i * size, (i + 1) * size) ?? sample.noise.map(() => Number.NaN),
    ),
  }));
  return { samples, calls };
}

/** A row of so many vectors with so many entries for each: its own where it has as many, else their mean. */
function inBandsOf(row: readonly number[], vectors: number, count: number): number[] {
  const each = row.length / vectors;
  if (each === count) return [...row];
  return Array.from({ length: vectors }, (_, j) => {
    const entries = row.slice(j * each, (j + 1) * each);
    const mean = entries.reduce((sum, one) => sum + one, 0) / each;
    return Array<number>(count).fill(mean);
  }).flat();
}
