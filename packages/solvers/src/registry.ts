import { type DeisOptions, deis, deisMethod } from './methods/deis.js';
import { type DpmOptions, dpm, dpmMethod } from './methods/dpm.js';
import { dpmpp, dpmppMethod } from './methods/dpmpp.js';
import { euler, eulerMethod } from './methods/euler.js';
import { heun, heunMethod } from './methods/heun.js';
import { type IpndmOptions, ipndm, ipndmMethod } from './methods/ipndm.js';
import { ipndmV, ipndmVMethod } from './methods/ipndm-v.js';
import { type UnipcOptions, unipc, unipcMethod } from './methods/unipc.js';
import type { Solver, Student } from './solver.js';
import { amed, amedMethod } from './students/amed.js';
import { dpmStudent, steeredDpm } from './students/dpm.js';
import { dpmppStudent, steeredDpmpp } from './students/dpmpp.js';
import { eulerStudent, steeredEuler } from './students/euler.js';
import { ipndmStudent, steeredIpndm } from './students/ipndm.js';

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

const byName = <const T extends readonly { readonly name: string }[]>(...declared: T) =>
  Object.fromEntries(declared.map((one) => [one.name, one])) as unknown as {
    readonly [M in T[number] as M['name']]: M;
  };

/** Every plain solver, by its name in a spec. */
export const methods = byName(
  eulerMethod,
  heunMethod,
  dpmMethod,
  dpmppMethod,
  unipcMethod,
  ipndmMethod,
  ipndmVMethod,
  deisMethod,
);

/** Every student that a predictor steers, by its name in a spec. */
export const steered = byName(amedMethod, steeredEuler, steeredDpm, steeredDpmpp, steeredIpndm);
