import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type Iteration,
  initPredictor,
  iterationOf,
  predict,
  trainEndToEnd,
  trainer,
  trainStep,
  withMiddles,
} from '@fewstep/solvers';
import { lengthOf, type Run } from '@fewstep/taskgraph';
import type { SolverConfig, TrainConfig } from '../experiment/experiment.js';
import { formatPredictor } from '../predictor/predictor-file.js';
import { type GuidanceSettings, trainingSettings } from '../predictor/predictor-settings.js';
import { batchesOf, scaled } from './batches.js';
import type { predictor as kind } from './kinds.js';
import { boundsSeen } from './model-info.js';
import { openSolve } from './open-solve.js';
import { methodOn, middlesOf, type SolveParams, studentOf, timesOf } from './solving.js';
import { trajectoryReader } from './trajectories.js';
import { validation } from './validation.js';

export interface PredictorParams extends SolveParams {
  readonly afs: boolean;
  /** Whose trajectories these are; told by the predictor's file. */
  readonly teacher: SolverConfig;
  readonly M: number;
  /** The registry's name of what it is trained on; told by the predictor's file. */
  readonly dataset?: string;
  /** cfg: of every evaluation; any other is in the graph, and told by the predictor's file. */
  readonly guidance?: GuidanceSettings;
  readonly batch: number;
  readonly lr: number;
  /** Absent: the official loss. */
  readonly lossWeight?: TrainConfig['lossWeight'];
  readonly seed: number;
  /** Seeds of the training images, first and last; those of the trajectories, in their order. */
  readonly seeds: readonly [number, number];
  /** Of images that nothing is trained on; absent: there are none. */
  readonly validation?: readonly [number, number];
}

/** A predictor, trained on the teacher's trajectories in the order of their seeds. */
export const run: Run<typeof kind> = async (context) => {
  const { params, inputs, dir, progress } = context;
  const { afs, batch, lr, lossWeight, seed, seeds } = params;
  const model = await openSolve(context);
  const { info, solving, batch: batchOf } = model;
  const sigmas = timesOf(solving);
  const { student, outputs } = studentOf(solving);
  const untrained = initPredictor({ seed, outputs });
  const endToEnd = lossWeight === 'end_to_end';
  const training = trainer({
    predictor: endToEnd ? withMiddles(untrained, sigmas, middlesOf(solving)) : untrained,
    lr,
  });
  const range = boundsSeen(info);
  const trajectories = trajectoryReader(inputs.trajectories);
  const unseen = trajectoryReader(inputs.validation);
  const ends = async (n: number) => (await unseen.next(n)).points.at(-1)!;
  const validate = await validation({ seeds: params.validation, batch, afs, ends }, model);
  const stats: Iteration[] = [];
  let nfe = 0;
  let calls = 0;
  let seen = 0;
  for (const seedsOfBatch of batchesOf(seeds, batch)) {
    const n = seedsOfBatch.length;
    const { latents, denoise } = batchOf(seedsOfBatch);
    const { points, openings } = await trajectories.next(n);
    const step = {
      trainer: training,
      student,
      n,
      sigmas,
      teacher: [scaled(latents, sigmas[0]!), ...points],
      openings,
      denoise,
      afs,
    };
    const intervals = await (endToEnd
      ? trainEndToEnd({ ...step, ...(range && { range }), done: seen / lengthOf(seeds) })
      : trainStep(step));
    const asked = sum(intervals.map((interval) => interval.nfe));
    nfe += asked;
    calls += asked * n;
    const loss = endToEnd ? intervals.at(-1)!.loss : sum(intervals.map((interval) => interval.loss));
    const validated = validate && (await validate(student.steered(predict(training.predictor)), sigmas));
    seen += n;
    stats.push(
      iterationOf({
        iteration: stats.length + 1,
        images: seen,
        calls,
        loss,
        ...(validated && { validation_loss: validated.loss }),
        intervals,
        n,
      }),
    );
    progress(seen * sigmas.length);
  }
  await writeFile(join(dir, 'stats.jsonl'), stats.map((one) => `${JSON.stringify(one)}\n`).join(''));
  const teacher = methodOn(params.teacher, info);
  const file = formatPredictor(training.predictor, trainingSettings({ ...params, ...solving, teacher }));
  await writeFile(join(dir, 'predictor.safetensors'), file);
  return {
    files: { predictor: 'predictor.safetensors', stats: 'stats.jsonl' },
    meta: { nfe, images: seen },
  };
};

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
