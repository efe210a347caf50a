import { type DpmOptions, dpm } from './dpm.js';
import { type DpmppOptions, dpmpp } from './dpmpp.js';
import { euler } from './euler.js';
import { heun } from './heun.js';
import { type IpndmOptions, ipndm } from './ipndm.js';
import type { Solver, Student } from './solver.js';
import { amed } from './students/amed.js';
import { dpmStudent } from './students/dpm.js';
import { dpmppStudent } from './students/dpmpp.js';
import { eulerStudent } from './students/euler.js';
import { ipndmStudent } from './students/ipndm.js';

export type SolverName = 'euler' | 'heun' | 'dpm' | 'dpmpp' | 'ipndm';
export type StudentName = 'amed' | 'euler' | 'dpm' | 'dpmpp' | 'ipndm';

/** The options of every method together; a factory reads its own. */
export type MethodOptions = DpmOptions & DpmppOptions & IpndmOptions;

/** Every solver by name, from its options. */
export const solvers = {
  euler: () => euler,
  heun: () => heun,
  dpm,
  dpmpp,
  ipndm,
} satisfies { [Name in SolverName]: (options?: MethodOptions) => Solver };

/** Every student by name, from its options. */
export const students = {
  amed: () => amed,
  euler: () => eulerStudent,
  dpm: () => dpmStudent,
  dpmpp: dpmppStudent,
  ipndm: ipndmStudent,
} satisfies { [Name in StudentName]: (options?: MethodOptions) => Student };
