import { ModelError } from '../errors.js';
import { constructors, PythonInstance } from '../files/constructors.js';
import { describe, type PickleValue, runPickle } from '../files/pickle.js';
import { foreignFormat } from '../files/sniff.js';
import { fileSource, memorySource, type Source } from '../files/source.js';
import { checkParameters, parameterShapes } from '../networks/parameters.js';
import type { EdmCheckpoint } from './checkpoint.js';
import { edmNetwork } from './edm-network.js';
import { parseEdmOptions } from './edm-options.js';
import { parsePreconditioning, preconditioningClasses } from './edm-preconditioning.js';
import { modulesOf, moduleWeights } from './module-weights.js';

/**
 * Reads a checkpoint of EDM: a pickle of a dict whose `ema` is an `EDMPrecond`, or one of the
 * others of table 1 (`VPPrecond`, `VEPrecond`, `iDDPMPrecond`), with a SongUNet or a DhariwalUNet.
 * Nothing in it is executed; the source text that it carries is not looked at.
 *
 * Source: Karras et al. 2022, arXiv:2206.00364, and the files published with it.
 * @throws ModelError `E_CHECKPOINT` that says what the file is and what is expected; its cause is the reader's error,
 * where there is one. `evidence` has `path`, and the lists `missing`, `unexpected`, `wrongShape` of weights.
 */
export async function readEdmCheckpoint(path: string): Promise<EdmCheckpoint> {
  const source = fileSource(path);
  try {
    return parse(source);
  } catch (cause) {
    if (!(cause instanceof ModelError)) throw cause;
    throw new ModelError('E_CHECKPOINT', `${path}: ${cause.message}`, { ...cause.evidence, path }, { cause });
  } finally {
    source.close();
  }
}

/** The same from bytes in memory, which the weights may share. @throws as `readEdmCheckpoint`. */
export const parseEdmCheckpoint = (bytes: Uint8Array): EdmCheckpoint => parse(memorySource(bytes));

const parse = (source: Source): EdmCheckpoint => edmCheckpoint(pickledIn(source));

/** The same of what its pickle holds. @throws as `readEdmCheckpoint`. */
export function edmCheckpoint(pickled: PickleValue): EdmCheckpoint {
  const precond = precondOf(pickled);
  const model = modulesOf(precond).get('model');
  if (!(model instanceof PythonInstance))
    throw fault(`its ${precond.className} holds no network named "model"`);
  const kwargs = model.state.get('_init_kwargs');
  if (!(kwargs instanceof Map)) throw fault(`its ${model.className} carries no options (_init_kwargs)`);
  const network = parseEdmOptions(model.className, kwargs);
  const weights = moduleWeights(model);
  checkParameters(weights, parameterShapes(edmNetwork(network)));
  return { family: 'edm', network, ...parsePreconditioning(precond.className, precond.state), weights };
}

/**
 * Name and shape of every weight that an EDM network has, by its class and the options that it was made with.
 *
 * @throws ModelError `E_CHECKPOINT` that lists every unknown, wrong and missing option.
 */
export const edmWeightShapes = (
  type: string,
  options: ReadonlyMap<PickleValue, PickleValue>,
): ReadonlyMap<string, readonly number[]> => parameterShapes(edmNetwork(parseEdmOptions(type, options)));

const EXPECTED = `EDM's .pkl is expected: a pickle of a dict whose "ema" is one of ${preconditioningClasses.join(', ')}`;

const fault = (message: string, evidence: Record<string, unknown> = {}, cause?: unknown) =>
  new ModelError('E_CHECKPOINT', `${message}. ${EXPECTED}`, evidence, { cause });

function pickledIn(source: Source): PickleValue {
  const format = foreignFormat(source.read(0, Math.min(source.length, 256)));
  if (format) throw fault(`it is ${format}`, { format });
  try {
    return runPickle(source, { constructors }).value;
  } catch (cause) {
    if (!(cause instanceof ModelError)) throw cause;
    throw fault(`it is no readable checkpoint: ${cause.message}`, cause.evidence, cause);
  }
}

function precondOf(value: PickleValue): PythonInstance {
  const ema = value instanceof Map ? value.get('ema') : value;
  if (ema === undefined)
    throw fault(
      `it is a dict without "ema"; its keys are ${[...(value as Map<PickleValue, PickleValue>).keys()].slice(0, 8).map(describe).join(', ')}`,
    );
  if (!(ema instanceof PythonInstance)) throw fault(`it holds ${describe(ema)}`);
  if (!preconditioningClasses.includes(ema.className))
    throw fault(`it holds a ${ema.className}`, { class: ema.className });
  return ema;
}
