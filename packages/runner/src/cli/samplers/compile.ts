import { basename, dirname, resolve } from 'node:path';
import { compile as tableOf } from '@fewstep/solvers';
import type { Task } from '@fewstep/taskgraph';
import { RunnerError } from '../../errors.js';
import type { Point } from '../../experiment/experiment.js';
import { checkFiles } from '../../experiment/read-experiment.js';
import { compile } from '../../graph/compile.js';
import { formatSampler, parseSampler } from '../../sampler/sampler-file.js';
import { readInfo } from '../../tasks/model-info.js';
import { type MethodParams, madeFor, steeredBy } from '../../tasks/sampler.js';
import { solveOn, solverOf, timesOf } from '../../tasks/solving.js';
import { workingFolder } from '../../workspace.js';
import { openResults } from '../reports/output.js';
import { demand, work } from '../run/work.js';
import { type CacheOption, openWorld, type StoreOptions } from '../run/world.js';
import { type Changes, readChanged } from '../specs/experiments.js';
import type { Answer } from '../terminal/answer.js';

export interface CompileOptions extends Changes, StoreOptions, CacheOption {
  readonly dest: string;
}

/**
 * `fewstep samplers compile SPEC --dest FILE`: the sampler of a spec as a table, where it is linear in what the network
 * answers: a plain method under its schedule, or a student whose predictor reads zeros.
 *
 * @throws RunnerError E_SAMPLER where it is none or not trained yet, SolverError E_SOLVER where it isn't linear, as with thresholding; E_USAGE
 */
export async function samplersCompile(spec: string, options: CompileOptions, answer: Answer): Promise<void> {
  const experiment = await readChanged(spec, { set: options.set, only: options.only, unscored: true });
  const point = onlyOne(experiment.points);
  refuseWhatReads(point);
  checkFiles(experiment);
  const dest = resolve(workingFolder(), options.dest);
  const world = await openWorld(options, spec);
  const results = await openResults(dirname(dest));
  const [planned] = compile(experiment).points;
  const { samples, schedule } = planned!;
  const [model] = samples.inputs.info!.flatMap((ref) => ('task' in ref ? [ref.task] : []));
  const execution = await work([model!, ...(schedule ? [schedule] : [])], world);
  demand(execution);
  const made = async (task: Task, name: string) =>
    (await world.store.blob(execution.records.get(task)!.outputs[name]!))!;
  const info = await readInfo({ info: await made(model!, 'info') });
  const params = samples.params as unknown as MethodParams;
  const solving = await solveOn(params, info, {
    schedule: schedule && (await made(schedule, 'schedule')),
    method: point.sampler.methodModule,
    spacing: point.sampler.scheduleModule,
  });
  const { predictor, guidance, dataset } = point;
  const { afs, denoiseToZero } = params;
  const solver =
    predictor === undefined ? solverOf(solving) : await steeredBy(predictor, solving, info, params);
  const table = tableOf({ solver, sigmas: timesOf(solving), afs, denoiseToZero });
  const text = formatSampler({
    table,
    model: madeFor(info, solving, dataset.name),
    schedule: solving.schedule,
    student: { ...solving.method, num_steps: solving.numSteps, afs, denoise_to_zero: denoiseToZero },
    ...(guidance && {
      guidance: { type: guidance.type, ...(guidance.rate !== undefined && { rate: guidance.rate }) },
    }),
  });
  parseSampler(text); // that it can be read: a table of a thousand evaluations can't
  const file = await results.write(text, basename(dest));
  answer.object({ file, nfe: table.sigmas.length });
  answer.line(`${file}: ${point.label} as a table of ${table.sigmas.length} evaluations`);
}

function onlyOne(points: readonly Point[]): Point {
  const [point] = points;
  if (point && points.length === 1) return point;
  throw new RunnerError(
    'E_USAGE',
    `the spec is ${points.length} samplers, and a table is of one: take the grid away with --set grid=null, and tell what is to be compiled with --set student.num_steps=5 and its like.`,
    { evidence: { points: points.length } },
  );
}

/** @throws RunnerError E_SAMPLER where something decides for each sample, or there is a table already */
function refuseWhatReads({ train, fit, predictor, table, sampler }: Point): void {
  const why = fit
    ? 'its numbers are not fitted yet: run the spec, and take sampler.json of its results; or compile what it begins from, as student with train: false'
    : train
      ? 'its predictor is not trained yet: name a trained one as predictor, or take the plain method with train: false'
      : table
        ? 'the spec names a table already, as sampler'
        : predictor !== undefined && sampler.bottleneck !== 'zero'
          ? 'its predictor decides for each sample, and a table is one for all: add student.bottleneck: zero, with which it decides alike'
          : undefined;
  if (why !== undefined) throw new RunnerError('E_SAMPLER', `no table can be made: ${why}.`);
}
