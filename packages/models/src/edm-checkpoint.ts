import { readFile } from 'node:fs/promises';
import { PythonInstance } from './constructors.js';
import { edmNetwork } from './edm-denoiser.js';
import { type EdmNetworkOptions, parseEdmOptions } from './edm-options.js';
import { ModelError } from './errors.js';
import { modulesOf, moduleWeights } from './module-weights.js';
import { checkParameters, parameterShapes } from './parameters.js';
import { describe, type PickleValue } from './pickle.js';
import { readPickle } from './read-pickle.js';
import { foreignFormat } from './sniff.js';
import type { Tensors } from './tensor.js';

/** A denoiser as a checkpoint holds it: what kind of network, how it is preconditioned, its weights. */
export interface Checkpoint {
  readonly family: 'edm';
  readonly network: EdmNetworkOptions;
  /** Standard deviation of the data that the preconditioning assumes. */
  readonly sigmaData: number;
  /** Range of σ to sample over; EDM's 0.002 and 80 where the checkpoint sets no limit. */
  readonly sigmaMin: number;
  readonly sigmaMax: number;
  /** By the network's names in PyTorch; exactly those that the network reads, with their shapes. */
  readonly weights: Tensors;
}

/**
 * Reads a checkpoint of EDM: a pickle of a dict whose `ema` is an `EDMPrecond` with a SongUNet or a DhariwalUNet.
 * Nothing in it is executed; the source text that it carries is not looked at.
 *
 * Source: Karras et al. 2022, arXiv:2206.00364, and the files published with it.
 * @throws ModelError `E_CHECKPOINT` that says what the file is and what is expected; its cause is the reader's error,
 * where there is one. `evidence` has `path`, and the lists `missing`, `unexpected`, `wrongShape` of weights.
 */
export async function readEdmCheckpoint(path: string): Promise<Checkpoint> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path);
  } catch (cause) {
    throw new ModelError(
      'E_CHECKPOINT',
      `${path} can't be read: ${(cause as Error).message}`,
      { path },
      { cause },
    );
  }
  try {
    return parseEdmCheckpoint(bytes);
  } catch (cause) {
    if (!(cause instanceof ModelError)) throw cause;
    throw new ModelError('E_CHECKPOINT', `${path}: ${cause.message}`, { ...cause.evidence, path }, { cause });
  }
}

/** The same from bytes in memory, which the weights may share. @throws as `readEdmCheckpoint`. */
export function parseEdmCheckpoint(bytes: Uint8Array): Checkpoint {
  const precond = findPrecond(bytes);
  const { state } = precond;
  const model = modulesOf(precond).get('model');
  if (!(model instanceof PythonInstance)) throw fault('its EDMPrecond holds no network named "model"');
  const kwargs = model.state.get('_init_kwargs');
  if (!(kwargs instanceof Map)) throw fault(`its ${model.className} carries no options (_init_kwargs)`);
  const network = parseEdmOptions(model.className, kwargs);
  const weights = moduleWeights(model);
  checkParameters(weights, parameterShapes(edmNetwork(network)));
  const number = (name: string) => {
    const value = state.get(name);
    if (typeof value !== 'number' || !(value >= 0))
      throw fault(`${name} is ${describe(value ?? null)}, no noise level`);
    return value;
  };
  const sigmaData = number('sigma_data');
  const sigmaMin = number('sigma_min') || 0.002;
  const sigmaMax = Number.isFinite(number('sigma_max')) ? number('sigma_max') : 80;
  if (!(sigmaData > 0 && Number.isFinite(sigmaData) && sigmaMin < sigmaMax))
    throw fault(`sigma_data ${sigmaData} and the range ${sigmaMin} to ${sigmaMax} are no noise levels`);
  return { family: 'edm', network, sigmaData, sigmaMin, sigmaMax, weights };
}

const EXPECTED = 'EDM\'s .pkl is expected: a pickle of a dict whose "ema" is an EDMPrecond';

const fault = (message: string, evidence: Record<string, unknown> = {}, cause?: unknown) =>
  new ModelError('E_CHECKPOINT', `${message}. ${EXPECTED}`, evidence, { cause });

function findPrecond(bytes: Uint8Array): PythonInstance {
  const format = foreignFormat(bytes);
  if (format) throw fault(`it is ${format}`, { format });
  let value: PickleValue;
  try {
    value = readPickle(bytes);
  } catch (cause) {
    if (!(cause instanceof ModelError)) throw cause;
    throw fault(`it is no readable checkpoint: ${cause.message}`, cause.evidence, cause);
  }
  const ema = value instanceof Map ? value.get('ema') : value;
  if (ema === undefined)
    throw fault(
      `it is a dict without "ema"; its keys are ${[...(value as Map<PickleValue, PickleValue>).keys()].slice(0, 8).map(describe).join(', ')}`,
    );
  if (!(ema instanceof PythonInstance)) throw fault(`it holds ${describe(ema)}`);
  if (ema.className !== 'EDMPrecond') throw fault(`it holds a ${ema.className}`, { class: ema.className });
  return ema;
}
