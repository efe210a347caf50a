import { checkpointFault } from '../errors.js';
import { describe, type PickleValue } from '../files/pickle.js';
import { toFloat32 } from '../files/tensor.js';
import { TensorView } from '../files/torch-storage.js';
import type { Preconditioning } from '../networks/preconditioning.js';
import { halfPrecisionOf, isRounded } from './noise-table.js';

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
  iDDPMPrecond: (attributes) => ({ type: 'iddpm', levels: noiseLevels(attributes) }),
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

/** The part by which the recursion for u in float32, as files have it, differs from the exact one, measured: 4.8e-4. */
const FLOAT32 = 1e-3;

/** u_0…u_M; of half precision they are computed anew. Karras et al. 2022, table 1 and appendix C.3.2, arXiv:2206.00364. */
function noiseLevels(attributes: Attributes): number[] {
  const buffers = attributes.get('_buffers');
  const buffer = buffers instanceof Map ? buffers.get('u') : undefined;
  if (!(buffer instanceof TensorView))
    throw checkpointFault(`its noise levels u are ${describe(buffer ?? null)}`);
  const levels = Array.from(toFloat32(buffer.tensor()));
  const descends = levels.every((level, j) => j === 0 || level < levels[j - 1]!);
  if (!(levels.length > 2 && descends && levels.at(-1) === 0 && Number.isFinite(levels[0])))
    throw checkpointFault('its noise levels u do not descend to 0');
  const half = halfPrecisionOf(levels.slice(0, -1));
  if (!half) return levels;
  const [steps, c1, c2] = ['M', 'C_1', 'C_2'].map((name) => positive(attributes, name)) as [
    number,
    number,
    number,
  ];
  const computed = steps === levels.length - 1 ? iddpmLevels(steps, c1, c2) : [];
  const index = levels.findIndex(
    (level, j) => level > 0 && !isRounded(level, computed[j] ?? 0, half, FLOAT32),
  );
  if (index >= 0)
    throw checkpointFault(
      `its noise levels u are of ${half.name}, too rough to sample by, and not those of its M, C_1 and C_2: number ${index} is ${levels[index]}, and they come to ${computed[index] ?? 'none'}`,
      { index, found: levels[index], expected: computed[index] },
    );
  return computed;
}

/** From u_M = 0 on: u_{j−1}² + 1 = (u_j² + 1) / max(ᾱ_{j−1}/ᾱ_j, C_1), ᾱ_j = sin²(π/2 · j / (M (C_2 + 1))). */
function iddpmLevels(steps: number, c1: number, c2: number): number[] {
  const alpha = (j: number) => Math.sin(((Math.PI / 2) * j) / (steps * (c2 + 1))) ** 2;
  const levels = new Array<number>(steps + 1).fill(0);
  for (let j = steps; j > 0; j--)
    levels[j - 1] = Math.sqrt((levels[j]! ** 2 + 1) / Math.max(alpha(j - 1) / alpha(j), c1) - 1);
  return levels.map(Math.fround);
}
