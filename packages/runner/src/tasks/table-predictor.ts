import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  centred,
  initPredictor,
  iterationOf,
  predict,
  type Solver,
  solve,
  tableLevels,
  tableOutputs,
  tableStudent,
  trainer,
  trainTowards,
  type Vector,
  within,
} from '@fewstep/solvers';
import type { Range, Run } from '@fewstep/taskgraph';
import { formatTablePredictor } from '../predictor/predictor-file.js';
import { parseSampler, type TeacherOfTable } from '../sampler/sampler-file.js';
import { batchesOf, scaled } from './batches.js';
import { teacherOf } from './fitted-sampler.js';
import type { tablePredictor as kind } from './kinds.js';
import { type ComparedParams, readGoals } from './open-targets.js';
import { openSampler } from './sampler.js';
import type { TargetsParams } from './targets.js';

export interface TablePredictorParams extends ComparedParams {
  /** How far the noise levels that the network is told may be scaled. */
  readonly scaleTime: number;
  /** Told by the file: whose ends these are, and the registry's name of what it is trained on. */
  readonly teacher: Omit<TargetsParams, 'seeds' | 'guidance'>;
  readonly dataset?: string;
  readonly batch: number;
  readonly lr: number;
  readonly seed: number;
  /** Of the training images, and of those that choose the iteration; absent: there are none, and the last is kept. */
  readonly seeds: Range;
  readonly validation?: Range;
}

/**
 * A predictor on top of a table, trained towards where a teacher ends, and a line of its log for each iteration.
 *
 * What is kept is the iteration that was best on what validates, the untrained one among them, which is the table.
 */
export const run: Run<typeof kind> = async (context) => {
  const { params, inputs, dir, progress } = context;
  const { scaleTime, batch, lr, seed, seeds, validation } = params;
  const sampler = await readFile(inputs.sampler, 'utf8');
  const { table } = parseSampler(sampler);
  const model = await openSampler({
    ...context,
    inputs: { ...inputs, predictor: undefined, schedule: undefined, method: undefined, spacing: undefined },
  });
  const { sigmaMin, sigmaMax } = model.range;
  const student = tableStudent(table);
  const sigmas = tableLevels(table, sigmaMax, sigmaMin);
  const training = trainer({
    predictor: centred(initPredictor({ seed, outputs: tableOutputs(scaleTime) })),
    lr,
  });
  // what is decoded from latents isn't cut off where they are
  const range = model.info.decoder ? {} : { range: [-1, 1] as const };
  const size = model.shape.reduce((a, b) => a * b);
  let [calls, validationCalls] = [0, 0];
  const goal = await readGoals(inputs.targets);
  const validationGoal = await readGoals(inputs.validation);
  const view = within(range.range);

  /** Σ e² of a sample where it ends, of images that nothing is trained on. */
  const validate = async (solver: Solver): Promise<number> => {
    let [total, from] = [0, 0];
    for (const some of batchesOf(validation!, batch)) {
      const n = some.length;
      const { latents, denoise } = model.batch(some);
      const { x, nfe } = await solve({ solver, x: scaled(latents, sigmaMax), n, sigmas, denoise });
      validationCalls += nfe * n;
      const [seen, wanted] = [x, validationGoal.subarray(from, (from += n * size))].map((one) =>
        view(one, n),
      );
      (seen as Vector).forEach((value, i) => {
        total += (value - (wanted as Vector)[i]!) ** 2;
      });
    }
    return total / countOf(validation!);
  };
  const steered = () => student.steered(predict(training.predictor));
  let best = {
    predictor: training.predictor,
    loss: validation ? await validate(steered()) : Infinity,
    iteration: 0,
  };
  const untrained = best.loss;
  const stats: object[] = [];
  const images = countOf(seeds);
  let seen = 0;
  for (const some of batchesOf(seeds, batch)) {
    const n = some.length;
    const { latents, denoise } = model.batch(some);
    const intervals = await trainTowards({
      trainer: training,
      ...{ student, n, sigmas, denoise, done: seen / images },
      start: scaled(latents, sigmaMax),
      goal: goal.subarray(seen * size, (seen + n) * size),
      ...range,
    });
    seen += n;
    calls += n * intervals.reduce((sum, { nfe }) => sum + nfe, 0);
    const loss = validation ? await validate(steered()) : undefined;
    const iteration = stats.length + 1;
    if (loss === undefined || loss < best.loss)
      best = { predictor: training.predictor, loss: loss ?? Infinity, iteration };
    stats.push(
      iterationOf({
        ...{ iteration, images: seen, calls, loss: intervals.at(-1)!.loss!, intervals, n },
        ...(loss !== undefined && { validation_loss: loss }),
      }),
    );
    progress(seen * sigmas.length);
  }
  await writeFile(join(dir, 'stats.jsonl'), stats.map((one) => `${JSON.stringify(one)}\n`).join(''));
  const teacher: TeacherOfTable = teacherOf(params.teacher, model.info);
  await writeFile(
    join(dir, 'predictor.safetensors'),
    formatTablePredictor(best.predictor, {
      sampler,
      student: { steering: 'predictor', scale_time: scaleTime },
      teacher,
      dataset: {
        ...(params.dataset !== undefined && { name: params.dataset }),
        sigma_min: sigmaMin,
        sigma_max: sigmaMax,
      },
      train: { total_kimg: images / 1000, batch, lr, seed, iteration: best.iteration },
    }),
  );
  return {
    files: { predictor: 'predictor.safetensors', stats: 'stats.jsonl' },
    meta: {
      calls: calls + validationCalls,
      images,
      ...(validation && { validation: [untrained, best.loss] }),
    },
  };
};

const countOf = ([first, last]: Range) => last - first + 1;
