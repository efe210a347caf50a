export { type CoordinatorGiven, executor } from './coordinator.js';
export { type Serving, type WorkerGiven, worker } from './worker.js';
