import { withoutSecrets } from '@fewstep/taskgraph/secrets';
import type { NeededFile } from '../../experiment/experiment.js';
import { missingFiles } from '../../experiment/missing-files.js';
import { sourceOf } from '../../experiment/published-models.js';
import { evaluationsOf, type KindOutlook, outlook, type Prospect } from '../../graph/outlook.js';
import { shownPath } from '../reports/output.js';
import { writeTasks } from '../run/task-list.js';
import { type CacheOption, openWorld, type StoreOptions, settle } from '../run/world.js';
import type { Answer } from '../terminal/answer.js';
import { countOf, grouped, megabytes, roughSize, roughTime } from '../terminal/quantities.js';
import { type Changes, pointsOf, readExperiments, sum } from './experiments.js';
import { costText, countsText } from './outlook-text.js';

export interface PlanOptions extends Changes, StoreOptions, CacheOption {
  readonly why?: boolean;
  /** A file to write what is ready to. */
  readonly tasks?: string;
}

/** Of a kind that has more to compute, what there is is summed up; with --why each is told. */
const mostTold = 8;

/** What a plan counts of its tasks: `remote` are those of `found` that are in the cache. */
const taskCounts = ['found', 'remote', 'toCompute'] as const;

/** `fewstep plan [SPEC…]`: what a run would find, what it would compute and at what cost, and which files it lacks. */
export async function plan(specs: readonly string[], options: PlanOptions, answer: Answer): Promise<void> {
  const experiments = await readExperiments(specs, options);
  const world = await openWorld(options, specs[0]);
  const plans: PlannedExperiment[] = [];
  for (const experiment of experiments) {
    const { prospects, kinds } = await outlook(experiment, { ...world, explain: options.why === true });
    plans.push({
      name: experiment.name,
      points: pointsOf(experiment),
      tasks: sum(kinds, taskCounts),
      evaluations: evaluationsOf({ prospects }),
      kinds,
      missing: missingFiles(experiment).map(asMissing),
      planned: prospects.map(told),
    });
    const all = plans.map(({ tasks }) => tasks);
    answer.object({ experiments: plans, tasks: sum(all, taskCounts) });
  }
  const ready = options.tasks === undefined ? undefined : await writeTasks(options.tasks, experiments, world);
  await settle(world);
  for (const one of plans) for (const line of linesOf(one, options)) answer.line(line);
  if (ready !== undefined) answer.line(`ready: ${ready}, a line of ${options.tasks} each`);
}

function linesOf(
  { name, points, tasks, evaluations, kinds, missing, planned }: PlannedExperiment,
  { why: isWhy = false }: Pick<PlanOptions, 'why'>,
): string[] {
  const line = (what: string, text: string) => `  ${what.padEnd(18)} ${text}`;
  const inCache = tasks.remote > 0 ? `${grouped(tasks.remote)} in the cache, ` : '';
  const counts = `${grouped(tasks.found - tasks.remote)} in the store, ${inCache}${grouped(tasks.toCompute)} to compute`;
  const missingKinds = kinds.filter(({ toCompute }) => toCompute > 0);
  const unknown = missingKinds.filter(({ seconds }) => seconds === undefined);
  const seconds = missingKinds.reduce((all, one) => all + (one.seconds ?? 0), 0);
  const bytes = missingKinds.reduce((all, one) => all + (one.bytes ?? 0), 0);
  const isTimed = missingKinds.length > 0 && unknown.length === 0;
  const shared = kinds.filter(({ tasks: own, unshared }) => unshared > own);
  return [
    `${name}: ${countOf(points.length, 'point')}, ${countOf(tasks.found + tasks.toCompute, 'task')}: ${counts}${isTimed ? `; about ${roughTime(seconds)} on this machine` : ''}`,
    ...(shared.length > 0 ? [line('shared', shared.map(sharedText).join(', '))] : []),
    ...kinds.flatMap((kind) => {
      const entries = planned.filter((one) => one.kind === kind.kind);
      const toCompute = entries.filter(({ found }) => !found);
      if (toCompute.length > mostTold && !isWhy) return [line(kind.kind, summaryOf(kind))];
      return entries.flatMap(({ title, count, why, sigmas }) => {
        const many = count > 1 ? ` (${countOf(count, 'task')})` : '';
        if (why !== undefined) return [line(kind.kind, `${title}${many}${isWhy ? ` — ${why}` : ''}`)];
        return sigmas ? [line('found', `${title}: ${sigmas.map(short).join(' ')}`)] : [];
      });
    }),
    ...(evaluations > 0 ? [line('cost', `about ${grouped(evaluations)} evaluations of single images`)] : []),
    ...(missingKinds.length > 0
      ? [line('', totalText({ seconds, bytes, unknown, of: missingKinds.length }))]
      : []),
    ...missing.map(({ role, file, bytes: size, how }) =>
      line('missing', `${role} ${file}${size === undefined ? '' : ` (${megabytes(size)})`}: ${how}`),
    ),
    ...(missing.some(({ address }) => address !== undefined)
      ? [line('fetched', 'by fewstep run --fetch, what has an address')]
      : []),
  ];
}

const sharedText = ({ kind, tasks, unshared }: KindOutlook): string =>
  `${countOf(tasks, kind, kind)} instead of ${grouped(unshared)}`;

/** `of`: how many kinds there are to compute, those of which nothing is known among them. */
function totalText({
  seconds,
  bytes,
  unknown,
  of,
}: {
  readonly seconds: number;
  readonly bytes: number;
  readonly unknown: readonly KindOutlook[];
  readonly of: number;
}): string {
  if (unknown.length === of) return 'time and size are not known: nothing like it was computed here yet';
  const known = `about ${roughTime(seconds)} on this machine, and ${roughSize(bytes)} of results`;
  const others = unknown.map(({ kind }) => kind).join(', ');
  return others === '' ? known : `${known}, without ${others}: none like these was computed here yet`;
}

/** Of a kind whose tasks are too many to be told one by one. */
function summaryOf(kind: KindOutlook): string {
  const cost = costText(kind);
  return `${countsText(kind)}${cost === '' ? '' : `; ${cost}`}`;
}

/** What --json says of one experiment. */
export interface PlannedExperiment {
  readonly name: string;
  readonly points: ReturnType<typeof pointsOf>;
  readonly tasks: Readonly<Record<(typeof taskCounts)[number], number>>;
  /** Of single images by the network that is sampled, to come; about. */
  readonly evaluations: number;
  readonly kinds: readonly KindOutlook[];
  readonly missing: readonly ReturnType<typeof asMissing>[];
  readonly planned: readonly ReturnType<typeof told>[];
}

/** What --json says of a part of a plan. */
const told = ({ kind, title, count, found, source, points, record, why, cost, sigmas }: Prospect) => ({
  kind: kind.name,
  title: withoutSecrets(title),
  count,
  found,
  ...(source && { source }),
  /** That need it. */
  points,
  ...(record && { key: record.key }),
  ...(why !== undefined && { why: withoutSecrets(why) }),
  ...(cost && { seconds: cost.seconds, bytes: Math.round(cost.bytes) }),
  ...(sigmas && { sigmas }),
});

/** A file that isn't there: where it belongs, and how it is had. */
export function asMissing({ role, path, published, ifMissing }: NeededFile) {
  const file = withoutSecrets(shownPath(path));
  if (!published) return { role, file, how: ifMissing.sentence };
  const { address, bytes } = published.file;
  const fetch = address === undefined ? '' : `fewstep models fetch ${published.dataset}, or `;
  return {
    role,
    file,
    ...(address !== undefined && { address }),
    ...(bytes !== undefined && { bytes }),
    how: `${fetch}${sourceOf(published.file)}`,
  };
}

const short = (sigma: number) => String(Number(sigma.toPrecision(4)));
