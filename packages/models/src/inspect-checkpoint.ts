import { statSync } from 'node:fs';
import { readEdmCheckpoint } from './edm-checkpoint.js';
import { ModelError } from './errors.js';
import { type Family, familyOf } from './family.js';
import { admCheckpoint, cmCheckpoint } from './guided-checkpoint.js';
import { planLatent } from './latent-checkpoint.js';
import { readOfficialPredictor } from './official-predictor.js';
import { openStateDict } from './state-dict.js';
import { type Dtype, sizeOf, type Tensors } from './tensor.js';
import type { TensorInfo } from './tensor-file.js';

/** What a file of weights is, in words and numbers; plain JSON. */
export interface Inspection {
  /** What kind of file it is, in words. */
  readonly format: string;
  readonly bytes: number;
  /** What its weights are of; left out where their names are of no network that is known. */
  readonly family?: string;
  /** The network's options, where they could be read and every weight has its place. */
  readonly options?: Readonly<Record<string, unknown>>;
  /** Why not. */
  readonly problem?: string;
  readonly tensors: number;
  /** Elements of all tensors. */
  readonly parameters: number;
  /** Number of tensors by element type. */
  readonly dtypes: Readonly<Partial<Record<Dtype, number>>>;
  /** By the first part of their names, those of most elements first. At most 16; the others are summed up as `…`. */
  readonly groups: readonly Group[];
}

interface Group {
  readonly name: string;
  readonly tensors: number;
  readonly parameters: number;
}

type Infos = ReadonlyMap<string, TensorInfo>;

/**
 * Tells what a file of weights is, from names and shapes. Of EDM's pickles and official predictors the elements are
 * read, too; of other files they stay on disk.
 *
 * @throws ModelError as `openStateDict`, with `path` in `evidence`; weights that don't fit are a `problem`, no error.
 */
export async function inspectCheckpoint(path: string): Promise<Inspection> {
  const { format, tensors, close } = await openStateDict(path);
  close();
  const bytes = statSync(path).size;
  if (tensors.size > 0) return { format, bytes, ...told(tensors), ...countsOf(tensors) };
  const object = await toldObject(path);
  return { format, bytes, ...object.told, ...countsOf(new Map(Object.entries(object.weights))) };
}

type Told = Pick<Inspection, 'family' | 'options' | 'problem'>;

/** How a network's options are read off its weights. */
const optionsOf: Partial<Record<Family, (weights: Tensors) => object>> = {
  adm: (weights) => admCheckpoint(weights).network,
  cm: (weights) => cmCheckpoint(weights).network,
  ldm: (weights) => planLatent(weights, {}).network,
  'stable-diffusion': (weights) => planLatent(weights, {}).network,
};

function told(infos: Infos): Told {
  const family = familyOf(Object.fromEntries(infos));
  if (!family) return {};
  const options = optionsOf[family];
  if (!options) return { family };
  // only names and shapes are looked at
  const hollow = Object.fromEntries([...infos].map(([name, info]) => [name, { ...info, data: [] }]));
  try {
    return { family, options: { ...options(hollow as unknown as Tensors) } };
  } catch (cause) {
    return { family, problem: (cause as Error).message };
  }
}

/** A pickle that holds an object, not a dict of tensors. */
async function toldObject(path: string): Promise<{ told: Told; weights: Tensors }> {
  try {
    const { family, network, weights } = await readEdmCheckpoint(path);
    return { told: { family, options: { ...network } }, weights };
  } catch (noDenoiser) {
    if (!(noDenoiser instanceof ModelError)) throw noDenoiser;
    try {
      const { settings, weights } = await readOfficialPredictor(path);
      return { told: { family: 'amed-predictor', options: { ...settings } }, weights };
    } catch {
      return { told: { problem: noDenoiser.message }, weights: {} };
    }
  }
}

const MAX_GROUPS = 16;

function countsOf(infos: Infos): Pick<Inspection, 'tensors' | 'parameters' | 'dtypes' | 'groups'> {
  const dtypes: Partial<Record<Dtype, number>> = {};
  const groups = new Map<string, Group>();
  const add = (name: string, tensors: number, parameters: number) => {
    const group = groups.get(name);
    groups.set(name, {
      name,
      tensors: tensors + (group?.tensors ?? 0),
      parameters: parameters + (group?.parameters ?? 0),
    });
  };
  for (const [name, { dtype, shape }] of infos) {
    dtypes[dtype] = (dtypes[dtype] ?? 0) + 1;
    add(name.split('.', 1)[0]!, 1, sizeOf(shape));
  }
  const sorted = [...groups.values()].sort((a, b) => b.parameters - a.parameters);
  const parameters = sorted.reduce((sum, group) => sum + group.parameters, 0);
  groups.clear();
  for (const [i, group] of sorted.entries())
    add(i < MAX_GROUPS ? group.name : '…', group.tensors, group.parameters);
  return { tensors: infos.size, parameters, dtypes, groups: [...groups.values()] };
}
