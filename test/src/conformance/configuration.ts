import { type Schedule, type Span, sigmas, withDefaults } from '@fewstep/schedules';
import {
  type Method,
  methods,
  type Solver,
  type SteeredMethod,
  type Student,
  steered,
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
  if (schedule.type !== 'discrete' || schedule.rho === 1 || !schedule.table) return sigmas(schedule, asked);
  const { sigmaOfT, tOfSigma } = schedule.table;
  const first = sigmaOfT(tOfSigma(asked.sigmaMax) ** schedule.rho);
  return asked.numSteps === 2
    ? Float64Array.of(first, asked.sigmaMin)
    : sigmas(schedule, { ...asked, sigmaMax: first });
}

/** The official code thresholds what it denoises under predict_x0 as pixels, of latents too. */
const thresholded = 'pixels';

export function solverOf(name: string, config: Configuration): Solver {
  const declared = (methods as Readonly<Record<string, Method>>)[name];
  if (!declared) throw new Error(`no solver is named "${name}"`);
  const { sigma_min: sigmaMin = 0.002, sigma_max: sigmaMax = 80 } = config;
  return declared.make(withDefaults(declared.options, { ...config }, thresholded), { sigmaMin, sigmaMax });
}

export function studentOf(name: string, config: Configuration): Student {
  const declared = (steered as Readonly<Record<string, SteeredMethod>>)[name];
  if (!declared) throw new Error(`no student is named "${name}"`);
  return declared.make(withDefaults(declared.options, { ...config }, thresholded));
}
