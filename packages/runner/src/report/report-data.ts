import type {
  Figure,
  GroupData,
  MetricData,
  PointData,
  ReportData,
  TaskData,
  TeacherData,
} from '@fewstep/report';
import {
  type ActionRecord,
  canonicalJson,
  type Execution,
  isShards,
  type Json,
  lengthOf,
  type Node,
  needed,
  type Shards,
  type Store,
  type Task,
} from '@fewstep/taskgraph';
import { withoutSecrets } from '@fewstep/taskgraph/secrets';
import { stringify } from 'yaml';
import type { Experiment, Point } from '../experiment/experiment.js';
import type { Graph, PlannedPoint } from '../graph/compile.js';
import { digitsOf, scoreOf } from '../scores/scores.js';
import { evaluatesFeatures } from '../tasks/kinds.js';
import { halfWidthOf, likenessOf, metricsIn, ranksOf, repeatsOf } from './figures.js';
import { type Columns, overRepeats } from './intervals.js';
import { notesOn } from './notes.js';
import { protocolPairs } from './protocol-pairs.js';
import { type PointReport, type Report, referencesOf } from './report.js';
import type { ImageFile } from './sheet.js';
import { inCommon } from './trainings.js';

/** An experiment that was run, or looked up, as its report shows it. */
export interface Shown {
  readonly experiment: Experiment;
  readonly graph: Graph;
  readonly execution: Execution;
  readonly store: Store;
  readonly report: Report;
}

/** A report without its pictures, and where these come from. */
export interface Drawn {
  readonly data: ReportData;
  /** The images of each point, and of each teacher. */
  readonly images: {
    readonly points: readonly (readonly ImageFile[])[];
    readonly teachers: readonly (readonly ImageFile[])[];
  };
}

/** What a report of experiments shows. `run`: what ran them, a name and a text each. */
export function reportData(
  title: string,
  those: readonly Shown[],
  run: readonly (readonly [name: string, text: string])[],
): Drawn {
  const all = those.flatMap((shown) =>
    shown.graph.points.map((planned, i) => ({ shown, planned, i, report: shown.report.points[i]! })),
  );
  const reports = all.map(({ report }) => report);
  const names = metricsIn(reports);
  const teachers = new Map<
    Shards,
    { readonly shown: Shown; readonly point: Point; readonly index: number }
  >();
  for (const { planned, shown } of all) {
    const [solved] = referencesOf(planned);
    if (solved && !teachers.has(solved))
      teachers.set(solved, { shown, point: planned.point, index: teachers.size });
  }
  const figures = figuresOf(reports);
  const points = all.map(({ shown, planned, i, report }, at): PointData => {
    const [solved] = referencesOf(planned);
    const seconds = secondsOf(planned, shown.execution);
    return {
      ...pointData(shown.experiment.name, report, figures[at]!),
      ...(Object.keys(seconds).length > 0 && { seconds }),
      spec: withoutSecrets(stringify(shown.experiment.specs[i])),
      ...(solved && { teacher: teachers.get(solved)!.index }),
    };
  });
  const alike = sameBarSeeds(those);
  const overSeeds = rankedOf(
    alike.map((members) => {
      const those = members.map((i) => reports[i]!);
      const [point] = those as [PointReport, ...PointReport[]];
      const isOne = members.length === 1;
      return {
        metrics: isOne ? point.metrics : overRepeats(those.map(({ metrics }) => metrics)),
        repeats: isOne ? repeatsOf(point) : members.length,
        likeness: (metric: string) => likenessOf(point, metric),
      };
    }),
    names,
  );
  const groups = alike.map((members, at): GroupData => {
    const of = members.map((i) => points[i]!);
    const [first] = of as [PointData, ...PointData[]];
    const label = of.length === 1 ? first.label : inCommon(of.map((one) => one.label));
    const settings =
      of.length === 1
        ? first.settings
        : Object.fromEntries(Object.entries(first.settings).filter(([key]) => !seedKeys.includes(key)));
    const { nfe, trainCalls } = first;
    return {
      label,
      series: seriesOf(label),
      settings,
      figures: overSeeds[at]!,
      ...defined({ nfe, trainCalls }),
      points: members,
    };
  });
  const metrics = metricsOf(reports, Object.assign({}, ...those.map(({ report }) => report.digits)));
  const data: ReportData = {
    title,
    notes: notesOn(reports, { alike: [], isMarked: false }),
    metrics,
    points,
    groups,
    teachers: [...teachers].map(([solved, { shown, point }]): Omit<TeacherData, 'pictures'> => {
      const { method, numSteps } = point.reference;
      const nfe = Number(recordsOf(shown.execution, solved)[0]?.meta.nfe);
      return {
        label: `the teacher: ${method.solver}, ${Number.isInteger(nfe) ? `${nfe} NFE` : `${numSteps} steps`}`,
        ...(Number.isInteger(nfe) && { nfe }),
      };
    }) as TeacherData[],
    tasks: tasksBy(those),
    run,
    failures: those.flatMap(({ report }) =>
      report.failures.map(({ task, message }) => `${task}: ${message}`),
    ),
  };
  return {
    data,
    images: {
      points: all.map(({ planned, shown }) =>
        planned.repeats.flatMap(({ samples }) => imagesOf(shown, samples)),
      ),
      teachers: [...teachers].map(([solved, { shown }]) => imagesOf(shown, solved)),
    },
  };
}

/** Figures of points by metric, each with its interval, and which of them are best. */
export const figuresOf = (reports: readonly PointReport[]): Record<string, Figure>[] =>
  rankedOf(
    reports.map((point) => ({
      metrics: point.metrics,
      repeats: repeatsOf(point),
      likeness: (metric: string) => likenessOf(point, metric),
    })),
    metricsIn(reports),
  );

/** The columns of points; `digits`: of those of the user's own. */
export const metricsOf = (
  reports: readonly PointReport[],
  digits: Readonly<Record<string, number>>,
): MetricData[] =>
  metricsIn(reports).map((name) => {
    const best = scoreOf(name)?.best;
    return { name, digits: digits[name] ?? digitsOf(name), ...(best && { best }) };
  });

/** A point as its report has it. */
export function pointData(
  experiment: string,
  report: PointReport,
  figures: Readonly<Record<string, Figure>>,
): PointData {
  const { label, settings, nfe, depth, forwards, train_calls: trainCalls, images, realImages } = report;
  const { published, protocol } = report;
  return {
    experiment,
    label,
    series: seriesOf(label),
    settings,
    figures,
    ...defined({ nfe, depth, forwards, trainCalls, images, realImages }),
    ...(repeatsOf(report) > 1 && { repeats: repeatsOf(report) }),
    ...(published && {
      published: { fid: published.fid, name: published.name, source: published.source },
    }),
    ...(protocol && { protocol: protocolPairs(protocol) }),
  };
}

/** Of values those that are there. */
const defined = <T extends object>(values: T) =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>;
  };

const recordsOf = ({ shards, records }: Execution, of: Shards) =>
  (shards.get(of) ?? []).flatMap((task) => records.get(task) ?? []);

/** The files of its shards that are there, in order, with their seeds; none where the first is not. */
function imagesOf({ execution, store }: Shown, of: Shards): ImageFile[] {
  const files: ImageFile[] = [];
  for (const task of execution.shards.get(of) ?? []) {
    const output = execution.records.get(task)?.outputs.images;
    const path = output && store.pathOf(output);
    if (!path || !task.range) break;
    const [first] = task.range;
    files.push({ path, seeds: Array.from({ length: lengthOf(task.range) }, (_, i) => first + i) });
  }
  return files;
}

/** A label without what says how many evaluations it takes, or which seed it has. */
const seriesOf = (label: string): string =>
  label
    .split(', ')
    .filter((part) => !/\bNFE\b|^num_steps |^(?:train\.)?seed /.test(part))
    .join(', ') || label;

/** What points of a group may differ in. */
const seedKeys: readonly string[] = ['train.seed', 'sample.seeds'];

/** Points whose specs differ in a seed alone, by their numbers. */
function sameBarSeeds(those: readonly Shown[]): number[][] {
  const groups = new Map<string, number[]>();
  let at = 0;
  for (const { experiment, report } of those)
    for (const [i, spec] of experiment.specs.entries()) {
      const isSeeded = seedKeys.some((key) => report.points[i]!.settings[key] !== undefined);
      const key = isSeeded ? canonicalJson([experiment.name, withoutSeeds(spec)]) : String(at);
      const same = groups.get(key);
      if (same) same.push(at++);
      else groups.set(key, [at++]);
    }
  return [...groups.values()];
}

function withoutSeeds(spec: object): Json {
  const { label: _, ...others } = spec as Readonly<Record<string, Json>>;
  return Object.fromEntries(
    Object.entries(others).map(([section, values]) => [
      section,
      typeof values === 'object' && values !== null && !Array.isArray(values)
        ? Object.fromEntries(
            Object.entries(values).filter(([key]) => !seedKeys.includes(`${section}.${key}`)),
          )
        : values,
    ]),
  );
}

interface Figured {
  readonly metrics: Columns;
  readonly repeats: number;
  likeness(metric: string): string;
}

/** Figures with their intervals, and which are best of those that are alike. */
function rankedOf(those: readonly Figured[], names: readonly string[]): Record<string, Figure>[] {
  const figures = those.map((one) =>
    Object.fromEntries(
      names.flatMap((name): [string, Figure][] => {
        const value = one.metrics[name];
        if (value === undefined) return [];
        const half = halfWidthOf(one, name, one.repeats);
        return [
          [name, { value: Number.isFinite(value) ? value : null, ...(half !== undefined && { half }) }],
        ];
      }),
    ),
  );
  for (const name of names) {
    const direction = scoreOf(name)?.best;
    if (!direction) continue;
    const compared = those.flatMap((one, i) => {
      const figure = figures[i]![name];
      if (!figure || figure.value === null) return [];
      return [{ of: i, value: figure.value, half: figure.half ?? 0, likeness: one.likeness(name) }];
    });
    const rank = (i: number, as: 'best' | 'alike') => {
      figures[i]![name] = { ...figures[i]![name]!, rank: as };
    };
    for (const { best, alike } of ranksOf(compared, direction)) {
      rank(best, 'best');
      for (const i of alike) rank(i, 'alike');
    }
  }
  return figures;
}

/** Seconds of the tasks that train a point, with all that they need, and of those that sample it. */
function secondsOf({ schedule, predictor, fit, repeats }: PlannedPoint, execution: Execution) {
  const training = [schedule, predictor, fit?.sampler].filter((task) => task !== undefined);
  const took = (nodes: readonly Node[]) => {
    const tasks = new Set(
      nodes.flatMap((node) => (isShards(node) ? (execution.shards.get(node) ?? []) : [node])),
    );
    let seconds: number | undefined;
    for (const task of tasks) {
      const record = execution.records.get(task);
      if (record) seconds = (seconds ?? 0) + record.provenance.seconds;
    }
    return seconds;
  };
  return defined({
    train: training.length > 0 ? took(needed(training)) : undefined,
    sample: took(repeats.map(({ samples }) => samples)),
  });
}

/** Tasks by kind, in the order in which they are needed, each once. */
function tasksBy(those: readonly Shown[]): TaskData[] {
  const kinds = new Map<string, { -readonly [K in keyof TaskData]: TaskData[K] }>();
  const counted = new Set<string>();
  for (const { execution } of those)
    for (const [task, { key, meta, provenance }] of execution.records as ReadonlyMap<Task, ActionRecord>) {
      if (counted.has(key)) continue;
      counted.add(key);
      const { name } = task.kind;
      const sum = kinds.get(name) ?? { kind: name, computed: 0, found: 0, remote: 0, seconds: 0 };
      kinds.set(name, sum);
      const source = execution.sources.get(task) ?? 'local';
      if (source === 'computed') sum.computed++;
      else if (source === 'remote') sum.remote++;
      else sum.found++;
      sum.seconds += provenance.seconds;
      const asked = Number(meta.nfe) * Number(meta.images);
      if (asked > 0 && !evaluatesFeatures(task.kind)) sum.evaluations = (sum.evaluations ?? 0) + asked;
    }
  return [...kinds.values()];
}
