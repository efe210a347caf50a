import { type Options, withDefaults } from '@fewstep/schedules';
import type { Method, SteeredMethod } from './method.js';
import { methods, steered } from './registry.js';
import type { Solver, Student } from './solver.js';

const range = { sigmaMin: 0.002, sigmaMax: 80 };
type Told = Readonly<Record<string, unknown>>;
const all = <M extends { readonly options: Options }, T>(
  declared: Readonly<Record<string, M>>,
  make: (one: M, told: Told) => T,
) =>
  Object.fromEntries(
    Object.entries(declared).map(([name, one]) => [name, (told: Told = {}) => make(one, told)]),
  );

/** Every plain solver by name, made with what it is told. */
export const solvers = all<Method, Solver>(methods, ({ options, make }, told) =>
  make(withDefaults(options, told), range),
) as { [N in keyof typeof methods]: (told?: Told) => Solver };
/** Every student by name, made with what it is told. */
export const students = all<SteeredMethod, Student>(steered, ({ options, make }, told) =>
  make(withDefaults(options, told)),
) as { [N in keyof typeof steered]: (told?: Told) => Student };
