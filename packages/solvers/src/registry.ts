import { type DeisOptions, deis } from './methods/deis.js';
import { type DpmOptions, dpm } from './methods/dpm.js';
import { dpmpp } from './methods/dpmpp.js';
import { euler } from './methods/euler.js';
import { heun } from './methods/heun.js';
import { type IpndmOptions, ipndm } from './methods/ipndm.js';
import { ipndmV } from './methods/ipndm-v.js';
import { type UnipcOptions, unipc } from './methods/unipc.js';
import type { Solver, Student } from './solver.js';
import { amed } from './students/amed.js';
import { dpmStudent } from './students/dpm.js';
import { dpmppStudent } from './students/dpmpp.js';
import { eulerStudent } from './students/euler.js';
import { ipndmStudent } from './students/ipndm.js';

/** A solver's name in a spec, as the official `--solver`. */
export type SolverName = 'euler' | 'heun' | 'dpm' | 'dpmpp' | 'unipc' | 'ipndm' | 'ipndm_v' | 'deis';

/** A student's name in a spec, as the official `--sampler_stu`. */
export type StudentName = 'amed' | 'euler' | 'dpm' | 'dpmpp' | 'ipndm';

/** The options of every method together; a factory reads its own. */
export type MethodOptions = DpmOptions & UnipcOptions & IpndmOptions & DeisOptions;

/** Every solver by name, from its options. */
export const solvers = {
  euler: () => euler,
  heun: () => heun,
  dpm,
  dpmpp,
  unipc,
  ipndm,
  ipndm_v: ipndmV,
  deis,
} satisfies { [Name in SolverName]: (options?: MethodOptions) => Solver };

/** Every student by name, from its options. */
export const students = {
  amed: () => amed,
  euler: () => eulerStudent,
  dpm: () => dpmStudent,
  dpmpp: dpmppStudent,
  ipndm: ipndmStudent,
} satisfies { [Name in StudentName]: (options?: MethodOptions) => Student };
