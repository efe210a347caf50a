import { images } from './images.js';
import { metrics } from './metrics.js';
import { models } from './models.js';
import { officialPredictors } from './official-predictors.js';
import { predictor } from './predictor.js';
import { rng } from './rng.js';
import { schedules } from './schedules.js';
import { solvers } from './solvers.js';
import { solversExtra } from './solvers-extra.js';
import { students } from './students.js';
import type { Topic } from './topic.js';
import { training } from './training.js';

/** A folder of golden figures by name, and what runs it. */
export const topics: Readonly<Record<string, Topic>> = {
  schedules,
  solvers,
  'solvers-extra': solversExtra,
  predictor,
  students,
  training,
  rng,
  metrics,
  images,
  models,
  'official-predictors': officialPredictors,
};
