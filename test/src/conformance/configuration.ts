import { type Schedule, type Span, sigmas } from '@fewstep/schedules';
import {
  type MethodOptions,
  type Solver,
  type SolverName,
  type Student,
  type StudentName,
  solvers,
  students,
} from '@fewstep/solvers';
import { noiseTableNamed } from './analytic.js';

/** A golden case's settings, in the official flags' words. */
export interface Configuration {
  readonly solver?: string;
  readonly schedule_type: string;
  readonly schedule_rho: number;
  readonly num_steps: number;
  readonly sigma_min: number;
  readonly sigma_max: number;
  readonly noise_table?: string | null;
  readonly r?: number;
  readonly max_order?: number;
  readonly predict_x0?: boolean;
  readonly lower_order_final?: boolean;
  readonly deis_mode?: 'tab' | 'rhoab';
  readonly variant?: 'bh1' | 'bh2';
}

export function scheduleOf({ schedule_type: type, schedule_rho: rho, noise_table }: Configuration): Schedule {
  switch (type) {
    case 'polynomial':
    case 'time_uniform':
      return { type, rho };
    case 'logsnr':
      return { type };
    case 'discrete':
      return { type, rho, table: noiseTableNamed(noise_table ?? '') };
    default:
      throw new Error(`no schedule is named "${type}"`);
  }
}

/**
 * The official noise levels.
 *
 * The official discrete schedule forgets to take the root of its first time: it is ours begun at σ(t(σ_max)^ρ), which is
 * σ_max itself for ρ = 1. That may lie below σ_min: a single interval, as training makes them, then ascends.
 */
export function officialSigmas(config: Configuration, span?: Partial<Span>): Float64Array {
  const schedule = scheduleOf(config);
  const { num_steps: numSteps, sigma_min: sigmaMin, sigma_max: sigmaMax } = config;
  const asked = { numSteps, sigmaMin, sigmaMax, ...span };
  if (schedule.type !== 'discrete' || schedule.rho === 1) return sigmas(schedule, asked);
  const { sigmaOfT, tOfSigma } = schedule.table;
  const first = sigmaOfT(tOfSigma(asked.sigmaMax) ** schedule.rho);
  return asked.numSteps === 2
    ? Float64Array.of(first, asked.sigmaMin)
    : sigmas(schedule, { ...asked, sigmaMax: first });
}

export function solverOf(name: string, config: Configuration): Solver {
  if (!(name in solvers)) throw new Error(`no solver is named "${name}"`);
  const factory: (options: MethodOptions) => Solver = solvers[name as SolverName];
  return factory(optionsOf(config));
}

export function studentOf(name: string, config: Configuration): Student {
  if (!(name in students)) throw new Error(`no student is named "${name}"`);
  const factory: (options: MethodOptions) => Student = students[name as StudentName];
  return factory(optionsOf(config));
}

function optionsOf(config: Configuration): MethodOptions {
  const { r, max_order, predict_x0, lower_order_final, deis_mode, variant } = config;
  return {
    sigmaMin: config.sigma_min,
    sigmaMax: config.sigma_max,
    ...(r !== undefined && { r }),
    ...(max_order !== undefined && { maxOrder: max_order }),
    ...(predict_x0 !== undefined && { predictX0: predict_x0 }),
    ...(lower_order_final !== undefined && { lowerOrderFinal: lower_order_final }),
    ...(deis_mode !== undefined && { deisMode: deis_mode }),
    ...(variant !== undefined && { variant }),
  };
}
