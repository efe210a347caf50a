import type { Execution, Shards, Store, Task } from '@fewstep/taskgraph';
import { withoutSecrets } from '@fewstep/taskgraph/secrets';
import type { PublishedFigures } from '../experiment/experiment.js';
import type { Graph, PlannedPoint } from '../graph/compile.js';
import { printable } from '../judging/shown.js';
import type { Plugin } from '../plugins.js';
import { digitsOf, rmseKind } from '../scores/scores.js';
import { readSchedule } from '../tasks/schedule-file.js';
import { columnText, metricsIn, repeatsOf } from './figures.js';
import { foldersOf } from './folders.js';
import type { Columns } from './intervals.js';
import type { RowLabel } from './labelled-picture.js';
import type { Leak } from './leaks.js';
import type { Protocol } from './protocol.js';
import { scoredOf } from './scored.js';
import { trainCallsOf } from './train-calls.js';
import { type OverTrainings, overTrainings } from './trainings.js';

/** What a run found out, as `run --json` prints it. */
export interface Report {
  readonly name: string;
  readonly points: readonly PointReport[];
  /** Where it is kept: what the grid varies, as paths of `settings`; none of a single point. */
  readonly varies?: readonly string[];
  /** Where it is kept: what the command line changed of the spec: `student.num_steps=5`, `only=LABEL`; left out where nothing. */
  readonly changes?: readonly string[];
  /** Points that differ in the seed of their predictor's training alone, together; none where there are none. */
  readonly trainings?: readonly OverTrainings[];
  /** Tasks computed by this run, found in the local store, and found remotely. */
  readonly tasks: { readonly computed: number; readonly local: number; readonly remote: number };
  /** Digits that the table shows of columns of the user's own. */
  readonly digits?: Readonly<Record<string, number>>;
  /** Plugins that it ran with; none where there were none. */
  readonly plugins?: readonly Plugin[];
  /** The first images of every point, a row each, in the order of the points. */
  readonly comparison?: string;
  /** Of results that are kept: the spec with every key, what ran it, and what it said. */
  readonly spec?: string;
  readonly run?: string;
  readonly log?: string;
  readonly failures: readonly { readonly task: string; readonly code?: string; readonly message: string }[];
}

/** What a run found out about a point of the grid; what failed or was not asked for is not there. */
export interface PointReport {
  readonly label: string;
  /** What the grid gives it, by paths; where it is kept every key of the spec, as the `spec` beside the results has them. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** Network evaluations of one sample, as the driver counted them. */
  readonly nfe?: number;
  /** How many of them wait for another, of a table whose evaluations don't all do. */
  readonly depth?: number;
  /** Passes of one sample through the network, where guidance takes more than one in an evaluation. */
  readonly forwards?: number;
  /** Of methods that have it, as the spec or else the data decided. */
  readonly thresholding?: 'dynamic' | 'none';
  /** Samples that the network was asked for where it trains or searches something, those of the teacher included. */
  readonly train_calls?: number;
  /** Noise levels, where a search found them. */
  readonly sigmas?: readonly number[];
  /**
   * Scores by column; `X_se` is the standard error of `X`. Where they are repeated, means over the repeats, their standard
   * errors from the spread of these, and the least fid as `fid_min`. A ratio to no difference is infinite, which JSON has as
   * null.
   */
  readonly metrics: Columns;
  /** Samples that they are of; where they are repeated, each time. */
  readonly images?: number;
  /** What each repeat gave by itself. */
  readonly repeats?: readonly { readonly seeds: string; readonly metrics: Columns }[];
  /** Real images that they compare with; of published statistics nobody says. */
  readonly realImages?: number;
  /** What its scores depend on beside the sampler. */
  readonly protocol?: Protocol;
  /** Scored images that something was fitted to or chosen on, or the network that scores them; none where there are none. */
  readonly leaks?: readonly Leak[];
  /** What was published of this sampler at this cost, where the experiment names such figures. */
  readonly published?: Pick<PublishedFigures, 'name' | 'images' | 'source'> & { readonly fid: number };
  readonly artifacts: {
    readonly grid?: string;
    readonly schedule?: string;
    /** The one that was trained, or that the spec names. */
    readonly predictor?: string;
    /** The table that was fitted, or that the spec names. */
    readonly sampler?: string;
    /** Of its training: a line for each iteration, an `Iteration` of @fewstep/solvers as JSON. */
    readonly stats?: string;
    /** Of a fit: a line for each iteration, a `FitIteration` of @fewstep/solvers as JSON. */
    readonly log?: string;
    /** Of the first samples beside the reference's: `Paths` as JSON. */
    readonly paths?: string;
    /** The shards of uint8 images, safetensors in the store. */
    readonly samples: readonly string[];
    /** Where fid is scored once: what each image adds to it, float64 in a safetensors of the store. */
    readonly fid_influences?: string;
    /** As samples, of the near-exact solution of the same seeds, where a score compares with it. */
    readonly reference?: readonly string[];
  };
}

/** What a shard of samples counted. */
type Counted = Pick<PointReport, 'nfe' | 'depth' | 'forwards' | 'thresholding'>;

/** What a run is told of by. */
interface Ran {
  readonly name: string;
  readonly execution: Execution;
  readonly store: Store;
  readonly plugins?: readonly Plugin[];
  /** Puts an artifact among the results; returns where, or nothing where that failed. */
  place(source: string, ...name: string[]): Promise<string | undefined>;
  /**
   * The same of a picture, whose rows are labelled where there are labels, in a format of its choice; `name` is without the
   * ending. Left out: the PNG as it is.
   */
  draw?(source: string, labels: readonly RowLabel[], ...name: string[]): Promise<string | undefined>;
}

/** Gathers a run's results and places its pictures and predictors. */
export async function report(
  graph: Graph,
  { name, execution, store, plugins = [], place, draw = asItIs(place) }: Ran,
): Promise<Report> {
  const blob = async (task: Task | undefined, output: string) => {
    const record = task && execution.records.get(task);
    return record && store.blob(record.outputs[output]!);
  };
  const placed = async (task: Task | undefined, output: string, ...target: string[]) => {
    const path = await blob(task, output);
    return path && place(path, ...target);
  };
  const points: PointReport[] = [];
  const folders = foldersOf(graph.points.map(({ point }) => point.label));
  for (const [i, planned] of graph.points.entries()) {
    const { point, schedule, repeats, predictor, fit, picture } = planned;
    const shards = repeats.flatMap(({ samples }) => execution.shards.get(samples) ?? []);
    const records = shards.flatMap((task) => execution.records.get(task) ?? []);
    const counted = records.find(({ meta }) => meta.nfe !== undefined)?.meta;
    const { nfe, depth, forwards, thresholding } = (counted ?? {}) as Counted;
    const scored = await scoredOf(planned, { execution, store });
    const published =
      scored.metrics.fid === undefined ? undefined : publishedAt(point.published, forwards ?? nfe);
    const pictured = await blob(picture, 'png');
    const grid = pictured && (await draw(pictured, [], folders[i]!, 'grid'));
    const levels = await placed(schedule, 'schedule', folders[i]!, 'schedule.json');
    const found = await blob(schedule, 'schedule');
    const weights =
      point.predictor ?? (await placed(predictor, 'predictor', folders[i]!, 'predictor.safetensors'));
    const stats = await placed(predictor, 'stats', folders[i]!, 'stats.jsonl');
    const sampler = point.table?.file ?? (await placed(fit?.sampler, 'sampler', folders[i]!, 'sampler.json'));
    const log = await placed(fit?.sampler, 'log', folders[i]!, 'log.jsonl');
    const paths = await placed(planned.paths, 'paths', folders[i]!, 'paths.json');
    const solved = referencesOf(planned)
      .flatMap((shards) => execution.shards.get(shards) ?? [])
      .flatMap((task) => execution.records.get(task)?.outputs.images ?? []);
    const [fid, ...moreFids] = planned.scores.fid ?? [];
    const influences =
      moreFids.length === 0 ? fid && execution.records.get(fid)?.outputs.influences : undefined;
    const trainCalls = await trainCallsOf(planned, { execution, store });
    points.push({
      label: point.label,
      settings: point.settings,
      ...(nfe !== undefined && { nfe }),
      ...(depth !== undefined && { depth }),
      ...(forwards !== undefined && { forwards }),
      ...(thresholding !== undefined && { thresholding }),
      ...(trainCalls !== undefined && { train_calls: trainCalls }),
      ...(found && { sigmas: (await readSchedule(found)).sigmas }),
      ...scored,
      ...(published && { published }),
      artifacts: {
        ...(grid && { grid }),
        ...(levels && { schedule: levels }),
        ...(weights && { predictor: weights }),
        ...(sampler && { sampler }),
        ...(stats && { stats }),
        ...(log && { log }),
        ...(paths && { paths }),
        samples: records.flatMap(({ outputs: { images } }) => (images ? store.pathOf(images) : [])),
        ...(influences && { fid_influences: store.pathOf(influences) }),
        ...(solved.length > 0 && { reference: solved.map((images) => store.pathOf(images)) }),
      },
    });
  }
  const own = graph.points.flatMap(({ point }) => point.evaluate.filter((one) => typeof one !== 'string'));
  const digits = Object.assign({}, ...own.map((one) => one.digits)) as Readonly<Record<string, number>>;
  const rows = await blob(graph.comparison, 'png');
  const comparison = rows && (await draw(rows, labelsOf(points, digits), 'comparison'));
  const trainings = overTrainings(graph.points.map(({ point }, i) => ({ point, ...points[i]! })));
  return {
    name,
    points,
    ...(trainings.length > 0 && { trainings }),
    tasks: { computed: execution.computed, local: execution.local, remote: execution.remote },
    ...(Object.keys(digits).length > 0 && { digits }),
    ...(plugins.length > 0 && { plugins }),
    ...(comparison && { comparison }),
    failures: [...execution.failures].map(([task, error]) => ({
      task: withoutSecrets(task.title),
      ...('code' in error && { code: String(error.code) }),
      message: withoutSecrets(error.message),
    })),
  };
}

const asItIs =
  (place: Ran['place']): NonNullable<Ran['draw']> =>
  (source, _, ...name) =>
    place(source, ...name.slice(0, -1), `${name.at(-1)}.png`);

/** Of each point what its row of pictures says: what a sample costs, and its figures as the table has them. */
export function labelsOf(
  points: readonly PointReport[],
  digits: NonNullable<Report['digits']> = {},
): RowLabel[] {
  const columns = metricsIn(points).map((metric) => ({
    metric,
    texts: columnText(points, metric, { digits: digits[metric] ?? digitsOf(metric), repeatsOf }),
  }));
  return points.map(({ label, nfe, metrics }, i) => ({
    title: printable(label),
    figures: [
      ...(nfe === undefined ? [] : [`NFE ${nfe}`]),
      ...columns.flatMap(({ metric, texts }) =>
        metrics[metric] === undefined ? [] : [`${metric} ${texts[i]!.trim().replace(/ +/g, ' ')}`],
      ),
    ],
  }));
}

/** What the same seeds give when they are solved near-exactly, of each repeat, where a score compares with that. */
export function referencesOf({ scores }: PlannedPoint): Shards[] {
  const tasks = Object.values(scores).find(([task]) => task?.kind === rmseKind) ?? [];
  return tasks.flatMap(({ inputs }) =>
    (inputs.reference ?? []).flatMap((ref) => ('shards' in ref ? [ref.shards] : [])),
  );
}

/** What was published of a sampler that takes so many passes. */
function publishedAt(
  figures: PublishedFigures | undefined,
  passes = 0,
): PointReport['published'] | undefined {
  const fid = figures?.fid[passes];
  if (!figures || fid === undefined) return undefined;
  const { name, images, source } = figures;
  return { name, fid, images, source };
}
