import {
  type NoiseTable,
  noiseTableOf,
  type Schedule,
  ScheduleError,
  type Span,
  schedules,
  sigmas,
} from '@fewstep/schedules';
import { scoreNamed } from '../scores/scores.js';
import { beyondTraining } from '../tasks/model-info.js';
import { dataOf } from './datasets.js';
import { type GivenSchedule, isSearched, type OnnxConfig, type SamplerConfig } from './experiment.js';
import { type Complain, complainAt } from './grid.js';
import { type Judged, lastLaidDown } from './judge.js';
import type { Resolved } from './resolve.js';

/** What is known of a network's noise before it is opened. */
interface Known {
  readonly sigmaMin?: number;
  readonly sigmaMax?: number;
  /** false: it was trained on none. */
  readonly table?: NoiseTable | false;
}

/** A schedule as some task of a point takes it. */
interface Taken {
  /** Where a spec says it. */
  readonly path: string;
  readonly schedule: GivenSchedule;
  readonly numSteps: number;
  /** Of a teacher's: the timestamps whose intervals it divides. */
  readonly coarse?: number;
  /** Keys that decide how many. */
  readonly counts: readonly string[];
}

type Told = Pick<Resolved, 'dataset' | 'sampler' | 'table' | 'train' | 'fit' | 'reference' | 'evaluate'>;

/**
 * Builds the noise levels of each point as its tasks will, where their range is known before the network is opened, and
 * complains of what can't be.
 */
export function levelsJudge(complain: Complain): (point: Told, judged: Judged) => Promise<void> {
  const built = new Map<string, string | undefined>();
  const knownOf = knower();
  return async (point, { tree, spec }) => {
    const say = complainAt(tree, complain);
    const known = await knownOf(point, spec.dataset);
    if (typeof known === 'string') return say('dataset.onnx.betas', known);
    const { sigmaMin, sigmaMax, table } = known;
    for (const [key, sigma] of [
      ['dataset.sigma_min', sigmaMin],
      ['dataset.sigma_max', sigmaMax],
    ] as const)
      if (sigma !== undefined && !isTold(sigma)) return say(key, unspeakable(sigma));
    if (sigmaMin !== undefined && sigmaMax !== undefined && sigmaMin >= sigmaMax)
      return say(
        lastLaidDown(ends, tree).join('.'),
        `the noise levels of the dataset go from sigma_max ${sigmaMax} down to sigma_min ${sigmaMin}, which must be below it.`,
      );
    if (table && sigmaMin !== undefined && sigmaMax !== undefined) {
      const beyond = beyondTraining({ sigmaMin, sigmaMax }, table);
      if (beyond) return say(`dataset.${beyond.key}`, beyond.sentence);
    }
    const wrong = new Set<string>();
    for (const { path, schedule, counts, ...many } of takenBy(point)) {
      if (wrong.has(path)) continue;
      const inTimes = schedules[schedule.type as Schedule['type']].inTimes === true;
      if (inTimes && table === false) {
        wrong.add(path);
        say(
          `${path}.type`,
          `${schedule.type} is in the times of a noise table, and the dataset’s network was trained on none: take polynomial, logsnr or time_uniform.`,
        );
      }
      if (sigmaMin === undefined || sigmaMax === undefined || (inTimes && !table)) continue;
      const what = { ...schedule, ...(inTimes && { table }) } as Schedule;
      const id = JSON.stringify([schedule, many, sigmaMin, sigmaMax, inTimes && point.dataset.onnx]);
      if (!built.has(id)) built.set(id, faultOf(what, { ...many, sigmaMin, sigmaMax }));
      const sentence = built.get(id);
      if (sentence === undefined) continue;
      wrong.add(path);
      const options = Object.keys(schedule).flatMap((key) => (key === 'type' ? [] : `${path}.${key}`));
      // where fewer steps don't help it is the range
      const isRange = faultOf(what, { numSteps: 3, sigmaMin, sigmaMax }) !== undefined;
      const keys = [...options, ...(isRange ? ends : [...counts, ...ends]), `${path}.type`];
      say(lastLaidDown(keys, tree).join('.'), sentence);
    }
  };
}

const ends = ['dataset.sigma_min', 'dataset.sigma_max'];

/** Networks are told noise levels as float32. */
const isTold = (sigma: number) => Math.fround(sigma) > 0 && Math.fround(sigma) < Infinity;
const unspeakable = (sigma: number) =>
  `no network can be told a noise level of ${sigma}, which as float32 is ${Math.fround(sigma)}: take one from 1e-37 to 1e38.`;

/** What is wrong with a schedule. */
function faultOf(schedule: Schedule, span: Span): string | undefined {
  const levels = orFault(() => sigmas(schedule, span));
  if (typeof levels === 'string') return levels;
  const wrong = levels.find((sigma) => !isTold(sigma));
  return wrong === undefined ? undefined : unspeakable(wrong);
}

/** Tells what is known of a point's network, or why its noise can't be. */
function knower(): (point: Told, dataset: Judged['spec']['dataset']) => Promise<Known | string> {
  const tables = new Map<string, NoiseTable | string | false>();
  return async ({ dataset: { onnx, sigmaMin, sigmaMax } }, dataset) => {
    const id = JSON.stringify(onnx);
    if (onnx && !tables.has(id)) tables.set(id, await tableOf(onnx));
    const table = onnx ? tables.get(id) : dataOf(dataset) === 'pixels' ? false : undefined;
    if (typeof table === 'string') return table;
    return {
      ...(table && { sigmaMin: table.sigmaMin, sigmaMax: table.sigmaMax }),
      ...(sigmaMin !== undefined && { sigmaMin }),
      ...(sigmaMax !== undefined && { sigmaMax }),
      ...(table !== undefined && { table }),
    };
  };
}

async function tableOf(onnx: OnnxConfig): Promise<NoiseTable | string | false> {
  if (!('betas' in onnx) || !onnx.betas) return false;
  const { alphasCumprod } = await import('@fewstep/models');
  return orFault(() => noiseTableOf(alphasCumprod(onnx.betas!)));
}

/** What a schedule or a table comes to, or why there is none. */
function orFault<T>(make: () => T): T | string {
  try {
    return make();
  } catch (error) {
    if (error instanceof ScheduleError) return error.message;
    throw error;
  }
}

/** Those of ours: one in a file of the user's own says itself what it can't do. */
function takenBy({ sampler, table, train, fit, reference, evaluate }: Told): Taken[] {
  const intervals = sampler.numSteps - 1;
  const steps = 'student.num_steps';
  const isCompared = evaluate.some(
    (one) => typeof one === 'string' && scoreNamed(one)?.needs === 'the reference',
  );
  return [
    ...(table ? [] : taken('schedule', sampler, sampler.numSteps, [steps])),
    ...(train && !isSearched(sampler.schedule)
      ? taken('schedule', sampler, (train.M + 1) * intervals + 1, [steps, 'teacher.M']).map((fine) => ({
          ...fine,
          coarse: sampler.numSteps,
        }))
      : []),
    ...(fit ? taken('teacher.schedule', fit.teacher, fit.teacher.numSteps, ['teacher.num_steps']) : []),
    ...(isCompared
      ? taken('reference.schedule', reference, reference.numSteps, ['reference.num_steps'])
      : []),
  ];
}

function taken(
  path: string,
  { schedule, scheduleModule }: Pick<SamplerConfig, 'schedule' | 'scheduleModule'>,
  numSteps: number,
  counts: readonly string[],
): Taken[] {
  if (scheduleModule !== undefined) return [];
  if (!isSearched(schedule)) return [{ path, schedule, numSteps, counts }];
  const { rho, num_steps_tea } = schedule;
  return [
    {
      path,
      schedule: { type: 'polynomial', rho },
      numSteps: num_steps_tea,
      counts: [`${path}.num_steps_tea`],
    },
  ];
}
