export { RunnerError } from './errors.js';
export { type Event, type Execution, execute } from './execute/execute.js';
export type { Executor, Job } from './execute/executor.js';
export { localExecutor } from './execute/local-executor.js';
export { type Planned, plan } from './execute/plan.js';
export type { World } from './graph/builder.js';
export { compile, type Graph, type PlannedPoint } from './graph/compile.js';
export { needed, type Task, type Versions } from './graph/task.js';
export { type PointReport, type Report, report } from './report/report.js';
export { table } from './report/table.js';
export type { Experiment, Point } from './spec/experiment.js';
export { parseExperiment } from './spec/parse-experiment.js';
export { type Problem, SpecError } from './spec/problem.js';
export { checkFiles, readExperiment } from './spec/read-experiment.js';
export type { SeedRange } from './spec/seeds.js';
export { keyOf } from './store/key.js';
export type { Lease } from './store/lease.js';
export {
  type ActionRecord,
  type KeyComponents,
  type Output,
  openStore,
  type Published,
  type Store,
} from './store/store.js';
export { installedVersions } from './versions.js';
