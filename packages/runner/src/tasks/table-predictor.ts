import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  centred,
  initPredictor,
  iterationOf,
  predict,
  tableLevels,
  tableOutputs,
  tableStudent,
  trainer,
  trainTowards,
} from '@fewstep/solvers';
import { lengthOf, type Range, type Run } from '@fewstep/taskgraph';
import { formatTablePredictor } from '../predictor/predictor-file.js';
import { parseSampler, type TeacherOfTable } from '../sampler/sampler-file.js';
import { batchesOf, scaled } from './batches.js';
import { teacherOf } from './fitted-sampler.js';
import type { tablePredictor as kind } from './kinds.js';
import { boundsSeen } from './model-info.js';
import { type ComparedParams, readGoals } from './open-targets.js';
import { openSampler } from './sampler.js';
import type { TargetsParams } from './targets.js';
import { validation } from './validation.js';

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
  const { scaleTime, batch, lr, seed, seeds } = params;
  const sampler = await readFile(inputs.sampler, 'utf8');
  const { table } = parseSampler(sampler);
  const model = await openSampler({
    ...context,
    inputs: { ...inputs, predictor: undefined, schedule: undefined, method: undefined, spacing: undefined },
  });
  const { sigmaMin, sigmaMax } = model.range;
  const student = tableStudent(table);
  const sigmas = Float64Array.from(tableLevels(table, sigmaMax, sigmaMin));
  const training = trainer({
    predictor: centred(initPredictor({ seed, outputs: tableOutputs(scaleTime) })),
    lr,
  });
  const range = boundsSeen(model.info);
  const size = model.shape.reduce((a, b) => a * b);
  let [calls, validationCalls, validated] = [0, 0, 0];
  const goal = await readGoals(inputs.targets);
  const validationGoal = await readGoals(inputs.validation);
  const ends = (n: number) => validationGoal.subarray(validated, (validated += n * size));
  const validate = await validation({ seeds: params.validation, batch, ends }, model);
  /** Undefined where nothing validates. */
  const lossOf = async () => {
    const found = await validate?.(student.steered(predict(training.predictor)), sigmas);
    validationCalls += found?.calls ?? 0;
    return found?.loss;
  };
  let best = { predictor: training.predictor, loss: (await lossOf()) ?? Infinity, iteration: 0 };
  const untrained = best.loss;
  const stats: object[] = [];
  const images = lengthOf(seeds);
  let seen = 0;
  for (const some of batchesOf(seeds, batch)) {
    const n = some.length;
    const { latents, denoise } = model.batch(some);
    const intervals = await trainTowards({
      trainer: training,
      ...{ student, n, sigmas, denoise, done: seen / images },
      start: scaled(latents, sigmaMax),
      goal: goal.subarray(seen * size, (seen + n) * size),
      ...(range && { range }),
    });
    seen += n;
    calls += n * intervals.reduce((sum, { nfe }) => sum + nfe, 0);
    const loss = await lossOf();
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
      ...(validate && { validation: [untrained, best.loss] }),
    },
  };
};
