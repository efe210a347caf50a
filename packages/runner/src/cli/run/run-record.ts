import { join } from 'node:path';
import type { Execution } from '@fewstep/taskgraph';
import { withoutSecrets } from '@fewstep/taskgraph/secrets';
import { type ExecutorOptions, executorNamed } from '../../execute/experiment-executor.js';
import type { Experiment } from '../../experiment/experiment.js';
import { seedsText } from '../../experiment/seeds.js';
import { jsonText } from '../../judging/shown.js';
import { resolvedSpec, type Settings } from '../../report/resolved-spec.js';
import { packageVersions } from '../../versions.js';
import { type Results, shownPath } from '../reports/output.js';
import { explain } from '../terminal/explain.js';
import { hear } from '../terminal/say.js';
import { openRunLog, type RunLog } from './run-log.js';
import { failureOf } from './work.js';
import { type World, worldLines } from './world.js';

/** What a run leaves beside its table, by what it is. */
const names = { spec: 'spec.yaml', run: 'run.json', log: 'log.txt' } as const;

/** Of one run of one experiment: what was run, by what, on what, and how it ended. */
interface RunRecord {
  readonly name: string;
  /** The spec that was run. */
  readonly spec: string;
  /** What the command line changed of it; left out where nothing. */
  readonly changes?: readonly string[];
  /** The command line, a word each, without secrets. */
  readonly command: readonly string[];
  /** ISO 8601, UTC. */
  readonly started: string;
  readonly finished: string;
  readonly seconds: number;
  /** 0 done, 1 a task failed, 2 the input was wrong, 130 interrupted. */
  readonly exit: number;
  /** Why it ended so; left out where it is done. */
  readonly error?: { readonly code: string; readonly message: string };
  /** Of each point the seeds of its images, and that of its predictor's first weights where one was trained. */
  readonly seeds: readonly { readonly point: string; readonly sample: string; readonly train?: number }[];
  readonly node: string;
  readonly platform: string;
  /** Of Fewstep's packages. */
  readonly versions: Readonly<Record<string, string>>;
  /** Packages that aren't ours and took part. */
  readonly plugins: World['plugins'];
  readonly device: string;
  readonly executor: string;
  readonly cache?: string;
  /** Left out where the run was broken off. */
  readonly tasks?: Pick<Execution, 'computed' | 'local' | 'remote'> & { readonly failed: number };
}

interface Recorded {
  readonly experiment: Experiment;
  readonly results: Results;
  /** Where the results are. */
  readonly folder: string;
  /** Of each point, for a spec there. */
  readonly settings: readonly Settings[];
  readonly world: World;
  readonly options: ExecutorOptions;
}

/** Where all that is, as a report tells it. */
export const recordsIn = (folder: string) =>
  Object.fromEntries(
    Object.entries(names).map(([what, name]) => [what, shownPath(join(folder, name))]),
  ) as Readonly<Record<keyof typeof names, string>>;

/**
 * Runs an experiment and leaves beside its results what it was (`spec.yaml`), what it said (`log.txt`) and how it ended
 * (`run.json`), however it ended.
 *
 * @throws RunnerError E_RESULTS where that can't be written; what `run` throws comes before it
 */
export async function recorded(
  { experiment, results, folder, settings, world, options }: Recorded,
  run: (log: RunLog) => Promise<Execution>,
): Promise<void> {
  const started = new Date();
  const command = ['fewstep', ...process.argv.slice(2)].map(withoutSecrets);
  // what can't be written is told in the end, and keeps nothing from being computed and shown
  const put = (content: string, name: string) =>
    results.write(content, name).then(
      () => undefined,
      (failure: unknown) => failure,
    );
  const unwritten = [await put(resolvedSpec(experiment, settings), names.spec)];
  const log = openRunLog(join(folder, names.log));
  log.line(`${started.toISOString()} ${command.join(' ')}`);
  for (const line of worldLines(world)) log.line(line);
  const stop = hear(log.line);

  let execution: Execution | undefined;
  let thrown: unknown;
  try {
    execution = await run(log);
  } catch (error) {
    thrown = error;
  }
  stop();
  const error = thrown ?? (execution && failureOf(execution));
  const told = error === undefined ? undefined : explain(error);
  if (told) log.write(told.text);
  const finished = new Date();
  const record: RunRecord = {
    name: experiment.name,
    spec: shownPath(experiment.file),
    ...(experiment.changes.length > 0 && { changes: experiment.changes.map(withoutSecrets) }),
    command,
    started: started.toISOString(),
    finished: finished.toISOString(),
    seconds: (finished.getTime() - started.getTime()) / 1000,
    exit: told?.exitCode ?? 0,
    ...(told?.object && { error: { code: told.object.code, message: told.object.message } }),
    seeds: experiment.points.map(({ label, seeds, train, fit }) => ({
      point: label,
      sample: seedsText(seeds),
      ...((train || fit) && { train: (train || fit!).seed }),
    })),
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
    versions: packageVersions(),
    plugins: world.plugins,
    device: options.device ?? 'cpu',
    executor: withoutSecrets(executorNamed(options) ?? 'processes of this machine'),
    ...(world.cache && { cache: withoutSecrets(world.cache.plugin) }),
    ...(execution && {
      tasks: {
        computed: execution.computed,
        local: execution.local,
        remote: execution.remote,
        failed: execution.failures.size,
      },
    }),
  };
  unwritten.push(log.failure, await put(`${jsonText(record, 2)}\n`, names.run));
  const first = [thrown, ...unwritten].find((one) => one !== undefined);
  if (first !== undefined) throw first;
}
