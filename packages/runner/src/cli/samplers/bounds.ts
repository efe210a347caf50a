import { join } from 'node:path';
import { rmseOfMeans } from '@fewstep/metrics';
import { RunnerError } from '../../errors.js';
import type { ExecutorOptions } from '../../execute/experiment-executor.js';
import type { Point } from '../../experiment/experiment.js';
import { samplerIn } from '../../experiment/given-sampler.js';
import { experimentOf } from '../../experiment/parse-experiment.js';
import { checkFiles } from '../../experiment/read-experiment.js';
import { countOfSeeds, seedsText } from '../../experiment/seeds.js';
import { treeOf } from '../../experiment/tree.js';
import { compileBounds } from '../../graph/bounds.js';
import { findSampler } from '../../predictor/find-predictor.js';
import { aligned } from '../../report/columns.js';
import { type BoundsFile, readBounds } from '../../tasks/bounds-file.js';
import { workingFolder } from '../../workspace.js';
import { toldBy } from '../images/sampled.js';
import { shownPath } from '../reports/output.js';
import { demand, work } from '../run/work.js';
import { type CacheOption, openWorld, type StoreOptions, sayWorld } from '../run/world.js';
import type { Answer } from '../terminal/answer.js';

export interface BoundsOptions extends StoreOptions, CacheOption, ExecutorOptions {
  readonly set?: readonly string[];
  readonly dataset?: string;
  readonly seeds?: string;
  readonly batch?: string;
}

/** How far samples are off with so many numbers of their own, or of their bands. */
interface Row {
  readonly steered: string;
  readonly parameters: number;
  readonly rmse: number;
  readonly rmse_se?: number;
  /** Part of the table's own error that is gone. */
  readonly taken_off: number;
  readonly calls: number;
}

/**
 * `fewstep samplers bounds FILE`: how much nearer to its teacher's samples a table's come where each has numbers of its own,
 * and under a last row of bands: where there is something to be learned.
 *
 * @throws RunnerError E_SAMPLER, E_SEEDS, E_USAGE, E_TASK; SpecError (E_SPEC), whose places are options or that file
 */
export async function samplersBounds(named: string, options: BoundsOptions, answer: Answer): Promise<void> {
  const { point, table } = await boundedBy(named, options);
  const world = await openWorld(options);
  sayWorld(world);
  const { own, byBand } = compileBounds(point, table);
  const execution = await work([own, byBand], world);
  demand(execution);
  const { shards, records, computed, local, remote } = execution;
  const files = (tasks: readonly Parameters<typeof records.get>[0][]) =>
    Promise.all(tasks.map(async (task) => (await world.store.blob(records.get(task)!.outputs.bounds!))!));
  const isLatents = table.sampler.model.latents;
  const rowsOf = async (tasks: Parameters<typeof files>[0]) =>
    rows(await readBounds(await files(tasks)), isLatents ? 1 : 127.5);
  const ofSamples = await rowsOf(shards.get(own)!);
  const ofBands = await rowsOf([byBand]);
  const nfe = table.sampler.table.sigmas.length;
  const { seeds } = point;
  const images = countOfSeeds(seeds);
  const { reference } = point;
  const teacher = { ...reference.method, num_steps: reference.numSteps, schedule: reference.schedule };
  const file = shownPath(table.file);
  answer.object({
    sampler: file,
    nfe,
    seeds: seedsText(seeds),
    images,
    teacher,
    unit: isLatents ? 'latents' : '8-bit',
    per_sample: ofSamples,
    last_row_by_band: { learned_of: Math.ceil(images / 2), told_of: Math.floor(images / 2), rows: ofBands },
    tasks: { computed, local, remote },
  });
  const unit = isLatents ? 'as latents' : 'in 8-bit units, before they are rounded to bytes';
  answer.line(
    `${file}: ${nfe} evaluations, ${images} images (seeds ${seedsText(seeds)}) against ${reference.method.solver} of ${reference.numSteps} timesteps`,
  );
  answer.line(`RMSE to its samples, ${unit}, where each image has numbers of its own, fitted to its answer:`);
  for (const line of lines(ofSamples)) answer.line(line);
  answer.line(meaning(ofSamples));
  answer.line('');
  answer.line(
    `With another last row, the same for all, learned of the first ${Math.ceil(images / 2)} images and told of the other ${Math.floor(images / 2)}:`,
  );
  for (const line of lines(ofBands)) answer.line(line);
}

/** The table of a file on its model, whose reference is its teacher. */
async function boundedBy(
  named: string,
  options: BoundsOptions,
): Promise<{ readonly point: Point; readonly table: NonNullable<Point['table']> }> {
  const path = await findSampler(named);
  const file = shownPath(path);
  const sampler = await samplerIn(path, file);
  if (typeof sampler === 'string') throw new RunnerError('E_SAMPLER', sampler, { evidence: { path } });
  const { teacher } = sampler;
  const experiment = await experimentOf(
    treeOf(
      { name: 'bounds', sampler: path, ...(teacher && { reference: teacher }) },
      { file, line: 0, column: 0, layer: 0 },
    ),
    join(workingFolder(), 'bounds'),
    { told: toldBy(options), set: options.set, unscored: true },
  );
  const [point, ...more] = experiment.points;
  const table = point!.table;
  if (more.length > 0 || !table)
    throw new RunnerError(
      'E_USAGE',
      `--set makes ${more.length + 1} points, and bounds are of one sampler, that of the file: leave out grid and sampler.`,
    );
  if (countOfSeeds(point!.seeds) < 2)
    throw new RunnerError(
      'E_SEEDS',
      'one image is too few, for the rows of bands are learned of one half and told of the other: ask for more --seeds.',
      { evidence: { seeds: seedsText(point!.seeds) } },
    );
  checkFiles(experiment);
  return { point: point!, table };
}

function rows({ numbers, bounds }: BoundsFile, unit: number): Row[] {
  const found = bounds.map(({ squares }) => rmseOfMeans(squares.map((square) => square / numbers)));
  const own = found[0]!.rmse;
  return bounds.map(({ steered, parameters, calls }, b) => {
    const { rmse, standardError } = found[b]!;
    return {
      ...{ steered, parameters, rmse: unit * rmse },
      ...(standardError !== undefined && { rmse_se: unit * standardError }),
      taken_off: own === 0 ? 0 : 1 - rmse / own,
      calls,
    };
  });
}

function lines(all: readonly Row[]): string[] {
  const cells = all.map(({ steered, parameters, rmse, rmse_se, taken_off }) => [
    inWords(steered),
    String(parameters),
    rmse.toPrecision(4),
    rmse_se === undefined ? '' : `± ${rmse_se.toPrecision(2)}`,
    parameters === 0 ? '' : percent(taken_off),
  ]);
  const heads = ['', 'numbers', 'RMSE', '', 'taken off'];
  return aligned([heads, ...cells], (column) => column > 0).map((row) => `  ${row.join('  ')}`.trimEnd());
}

const words: Readonly<Record<string, string>> = {
  nothing: 'nothing, the table',
  sigmas: 'the noise levels that the network is told',
  'last row': 'the last row, of the sample',
  all: 'all of it',
};
const inWords = (steered: string) => words[steered] ?? steered.replace(/^row (\d+)$/, 'row $1, of x$1');
const percent = (share: number) => `${(100 * share).toFixed(1)} %`;

/** What bounds say, in a sentence. */
function meaning(all: readonly Row[]): string {
  const parts = all.slice(1, -1);
  const most = parts.reduce((a, b) => (b.taken_off > a.taken_off ? b : a));
  const whole = all.at(-1)!;
  return `There is most to be learned in ${inWords(most.steered)}: a predictor of ${most.parameters === 1 ? 'that number' : `those ${most.parameters} numbers`} takes at most ${percent(most.taken_off)} off, one of all ${whole.parameters} at most ${percent(whole.taken_off)}.`;
}
