import { PythonInstance } from '../files/constructors.js';
import { modulesOf, moduleWeights } from '../files/module-tensors.js';
import type { PickleValue } from '../files/pickle.js';
import { memorySource, type Source } from '../files/source.js';
import { edmUNet } from '../networks/edm-unet.js';
import { checkParameters, parameterShapes } from '../networks/parameters.js';
import type { CheckpointNetwork, EdmCheckpoint } from './checkpoint.js';
import { type EdmNetworkOptions, parseEdmOptions } from './edm-options.js';
import { parsePreconditioning, preconditioningClasses } from './edm-preconditioning.js';
import { faultOf, moduleIn, moduleOf, type PickledModule, readModule } from './pickled-module.js';

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
  return readModule(path, parse);
}

/** The same from bytes in memory, which the weights may share. @throws as `readEdmCheckpoint`. */
export const parseEdmCheckpoint = (bytes: Uint8Array): EdmCheckpoint => parse(memorySource(bytes));

const parse = (source: Source): EdmCheckpoint => checkpointOf(moduleIn(source, edm));

/** The same of what its pickle holds. @throws as `readEdmCheckpoint`. */
export const edmCheckpoint = (pickled: PickleValue): EdmCheckpoint => checkpointOf(moduleOf(pickled, edm));

function checkpointOf(precond: PythonInstance): EdmCheckpoint {
  const fault = faultOf(edm);
  const model = modulesOf(precond).get('model');
  if (!(model instanceof PythonInstance))
    throw fault(`its ${precond.className} holds no network named "model"`);
  const kwargs = model.state.get('_init_kwargs');
  if (!(kwargs instanceof Map)) throw fault(`its ${model.className} carries no options (_init_kwargs)`);
  const network = edmNetwork(parseEdmOptions(model.className, kwargs));
  const weights = moduleWeights(model);
  checkParameters(weights, parameterShapes(network.forward));
  return { family: 'edm', ...network, ...parsePreconditioning(precond.className, precond.state), weights };
}

/** The network that the options describe. */
export const edmNetwork = (network: EdmNetworkOptions): CheckpointNetwork<EdmNetworkOptions> => ({
  network,
  forward: edmUNet(network),
  channels: network.in_channels,
  resolution: network.img_resolution,
  classes: network.label_dim,
});

/**
 * Name and shape of every weight that an EDM network has, by its class and the options that it was made with.
 *
 * @throws ModelError `E_CHECKPOINT` that lists every unknown, wrong and missing option.
 */
export const edmWeightShapes = (
  type: string,
  options: ReadonlyMap<PickleValue, PickleValue>,
): ReadonlyMap<string, readonly number[]> =>
  parameterShapes(edmNetwork(parseEdmOptions(type, options)).forward);

const edm: PickledModule = {
  what: 'checkpoint',
  key: 'ema',
  classes: preconditioningClasses,
  holds: 'it holds',
  expected: `EDM's .pkl is expected: a pickle of a dict whose "ema" is one of ${preconditioningClasses.join(', ')}`,
};
