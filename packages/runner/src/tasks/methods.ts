import { type Schedule, sigmas } from '@fewstep/schedules';
import { type Solver, type Student, solvers, students } from '@fewstep/solvers';
import type { DpmppConfig, GivenSchedule, SolverConfig } from '../spec/experiment.js';
import { readSchedule } from './schedule-file.js';
import type { TaskContext } from './task-module.js';

/** Which times, by which method: every task that solves has these parameters. */
export interface SolveParams {
  readonly method: SolverConfig;
  /** Left out where the schedule is an input, found by a search. */
  readonly schedule?: GivenSchedule;
  readonly numSteps: number;
  readonly sigmaMin: number;
  readonly sigmaMax: number;
}

/** The schedule that a task is told, or that a search found for it. */
export async function scheduleOf(
  { schedule }: Pick<SolveParams, 'schedule'>,
  inputs: TaskContext['inputs'],
): Promise<GivenSchedule> {
  return schedule ?? readSchedule(inputs.schedule![0]!);
}

/** Noise levels of the timestamps; `numSteps` may be finer than the run's own. */
export function timesOf(
  {
    schedule,
    sigmaMin,
    sigmaMax,
    numSteps,
  }: Omit<SolveParams, 'method'> & { readonly schedule: GivenSchedule },
  steps = numSteps,
): Float64Array {
  return sigmas(schedule satisfies Schedule, { numSteps: steps, sigmaMin, sigmaMax });
}

/** The plain solver of a method, on a model of that range of noise levels. */
export function solverOf({ method, sigmaMin, sigmaMax }: Omit<SolveParams, 'schedule' | 'numSteps'>): Solver {
  switch (method.solver) {
    case 'amed':
      throw new Error('amed has no plain solver');
    case 'dpm':
      return solvers.dpm(method.r === undefined ? {} : { r: method.r }) as Solver;
    case 'dpmpp':
      return solvers.dpmpp(dpmppOptions(method)) as Solver;
    case 'unipc':
      return solvers.unipc({ ...dpmppOptions(method), variant: method.variant }) as Solver;
    case 'ipndm':
    case 'ipndm_v':
      return solvers[method.solver]({ maxOrder: method.max_order }) as Solver;
    case 'deis':
      return solvers.deis({
        maxOrder: method.max_order,
        deisMode: method.deis_mode,
        sigmaMin,
        sigmaMax,
      }) as Solver;
    default:
      return solvers[method.solver]() as Solver;
  }
}

/** The student of a method, to be steered by a predictor. */
export function studentOf(method: SolverConfig): Student {
  switch (method.solver) {
    case 'heun':
    case 'unipc':
    case 'ipndm_v':
    case 'deis':
      throw new Error(`${method.solver} has no student`);
    case 'dpmpp':
      return students.dpmpp(dpmppOptions(method)) as Student;
    case 'ipndm':
      return students.ipndm({ maxOrder: method.max_order }) as Student;
    default:
      return students[method.solver]() as Student;
  }
}

function dpmppOptions(method: DpmppConfig) {
  return {
    maxOrder: method.max_order,
    predictX0: method.predict_x0,
    lowerOrderFinal: method.lower_order_final,
  };
}
