import { dpm } from './dpm.js';
import { dpmpp } from './dpmpp.js';
import { euler } from './euler.js';
import { heun } from './heun.js';
import { ipndm } from './ipndm.js';
import type { Solver, Student } from './solver.js';
import { amed } from './students/amed.js';
import { dpmStudent } from './students/dpm.js';
import { dpmppStudent } from './students/dpmpp.js';
import { eulerStudent } from './students/euler.js';
import { ipndmStudent } from './students/ipndm.js';

export type SolverName = 'euler' | 'heun' | 'dpm' | 'dpmpp' | 'ipndm';
export type StudentName = 'amed' | 'euler' | 'dpm' | 'dpmpp' | 'ipndm';

/** Every solver by name, from its options. */
export const solvers = {
  euler: () => euler,
  heun: () => heun,
  dpm,
  dpmpp,
  ipndm,
} satisfies { [Name in SolverName]: (options?: never) => Solver };

/** Every student by name, from its options. */
export const students = {
  amed: () => amed,
  euler: () => eulerStudent,
  dpm: () => dpmStudent,
  dpmpp: dpmppStudent,
  ipndm: ipndmStudent,
} satisfies { [Name in StudentName]: (options?: never) => Student };
