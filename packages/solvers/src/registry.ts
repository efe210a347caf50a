import { byName } from './by-name.js';
import { deisMethod } from './methods/deis.js';
import { dpmMethod } from './methods/dpm.js';
import { dpmppMethod } from './methods/dpmpp.js';
import { eulerMethod } from './methods/euler.js';
import { heunMethod } from './methods/heun.js';
import { ipndmMethod } from './methods/ipndm.js';
import { ipndmVMethod } from './methods/ipndm-v.js';
import { unipcMethod } from './methods/unipc.js';
import { amedMethod } from './students/amed.js';
import { steeredDpm } from './students/dpm.js';
import { steeredDpmpp } from './students/dpmpp.js';
import { steeredEuler } from './students/euler.js';
import { steeredIpndm } from './students/ipndm.js';

export { generators } from './generators/registry.js';

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
