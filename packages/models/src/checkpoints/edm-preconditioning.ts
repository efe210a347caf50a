import { checkpointFault } from '../errors.js';
import { describe, type PickleValue } from '../files/pickle.js';
import { toFloat32 } from '../files/tensor.js';
import { TensorView } from '../files/torch-storage.js';
import type { Preconditioning } from '../networks/preconditioning.js';

/** A preconditioning class of EDM's repository, with the range of σ that its instances state. */
interface Parsed {
  readonly preconditioning: Preconditioning;
  readonly sigmaMin: number;
  readonly sigmaMax: number;
}

type Attributes = ReadonlyMap<PickleValue, PickleValue>;

/** Where a checkpoint sets no limit, as EDM's own do. */
const RANGE = { min: 0.002, max: 80 };

const classes: Readonly<Record<string, (attributes: Attributes) => Preconditioning>> = {
  EDMPrecond: (attributes) => ({ type: 'edm', sigmaData: positive(attributes, 'sigma_data') }),
  VPPrecond: (attributes) => ({
    type: 'vp',
    betaD: positive(attributes, 'beta_d'),
    betaMin: positive(attributes, 'beta_min'),
    steps: positive(attributes, 'M'),
  }),
  VEPrecond: () => ({ type: 've' }),
  iDDPMPrecond: (attributes) => ({ type: 'iddpm', levels: noiseLevels(attributes.get('_buffers')) }),
};

export const preconditioningClasses = Object.keys(classes);

/**
 * Reads how a checkpoint preconditions its network.
 *
 * @param attributes of the instance of `className`, one of `preconditioningClasses`
 * @throws ModelError `E_CHECKPOINT` naming the attribute that is no noise level.
 */
export function parsePreconditioning(className: string, attributes: Attributes): Parsed {
  const preconditioning = classes[className]!(attributes);
  const sigmaMin = number(attributes, 'sigma_min') || RANGE.min;
  const limit = number(attributes, 'sigma_max');
  const sigmaMax = Number.isFinite(limit) ? limit : RANGE.max;
  if (!(sigmaMin < sigmaMax)) throw checkpointFault(`its σ would range from ${sigmaMin} to ${sigmaMax}`);
  return { preconditioning, sigmaMin, sigmaMax };
}

function number(attributes: Attributes, name: string): number {
  const value = attributes.get(name);
  if (typeof value !== 'number' || !(value >= 0))
    throw checkpointFault(`${name} is ${describe(value ?? null)}, no noise level`);
  return value;
}

function positive(attributes: Attributes, name: string): number {
  const value = number(attributes, name);
  if (!(value > 0 && Number.isFinite(value)))
    throw checkpointFault(`${name} is ${value}, not a positive number`);
  return value;
}

function noiseLevels(buffers: PickleValue | undefined): number[] {
  const buffer = buffers instanceof Map ? buffers.get('u') : undefined;
  if (!(buffer instanceof TensorView))
    throw checkpointFault(`its noise levels u are ${describe(buffer ?? null)}`);
  const levels = Array.from(toFloat32(buffer.tensor()));
  const descends = levels.every((level, j) => j === 0 || level < levels[j - 1]!);
  if (!(levels.length > 2 && descends && levels.at(-1) === 0 && Number.isFinite(levels[0])))
    throw checkpointFault('its noise levels u do not descend to 0');
  return levels;
}
