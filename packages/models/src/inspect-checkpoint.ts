import { statSync } from 'node:fs';
import { edmCheckpoint, readEdmCheckpoint } from './checkpoints/edm-checkpoint.js';
import { type Family, familyOf } from './checkpoints/family.js';
import { admCheckpoint, cmCheckpoint } from './checkpoints/guided-checkpoint.js';
import { inceptionCheckpoint } from './checkpoints/inception-checkpoint.js';
import { planLatent } from './checkpoints/latent-checkpoint.js';
import { readOfficialPredictor } from './checkpoints/official-predictor.js';
import { ModelError } from './errors.js';
import type { PickleValue } from './files/pickle.js';
import { isOnnx } from './files/sniff.js';
import { fileSource } from './files/source.js';
import { openTensorsAt } from './files/state-dict.js';
import { type Dtype, sizeOf, type Tensors } from './files/tensor.js';
import type { TensorInfo } from './files/tensor-file.js';
import { shownValue } from './foreign/onnx-values.js';
import type { OnnxType } from './onnx/onnx-model.js';
import { externalFilesOf, readOnnxFile } from './onnx/open-onnx.js';

/** What a file of weights is, in words and numbers; plain JSON. */
export interface Inspection {
  /** What kind of file it is, in words. */
  readonly format: string;
  readonly bytes: number;
  /** Of an ONNX file: what it is in the words of its own. */
  readonly onnx?: OnnxOutline;
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

interface OnnxOutline {
  /** Version of ONNX's operators, and of other domains'. */
  readonly opsets: Readonly<Record<string, number>>;
  readonly producer: string;
  /** As `sample: float32 [n, 3, 32, 32]`. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly nodes: number;
  /** Files beside it that hold weights. */
  readonly external: readonly string[];
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
  if (startsAsOnnx(path)) return inspectOnnx(path);
  const { file, close } = await openTensorsAt(path);
  close();
  const { format, tensors, pickled } = file;
  const bytes = statSync(path).size;
  if (tensors.size > 0) return { format, bytes, ...told(tensors), ...countsOf(tensors) };
  const object = await toldObject(path, pickled);
  return { format, bytes, ...object.told, ...countsOf(new Map(Object.entries(object.weights))) };
}

function startsAsOnnx(path: string): boolean {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) return false;
  const source = fileSource(path);
  try {
    return isOnnx(source.read(0, Math.min(source.length, 16)));
  } finally {
    source.close();
  }
}

function inspectOnnx(path: string): Inspection {
  const { opsets, producer, inputs, outputs, nodes, initializers } = readOnnxFile(path);
  const infos = initializers.flatMap(({ name, type, shape }): [string, TensorInfo][] =>
    type === undefined ? [] : [[name, { dtype: dtypes[type], shape }]],
  );
  return {
    format: 'ONNX',
    bytes: statSync(path).size,
    onnx: {
      opsets: Object.fromEntries([...opsets].map(([domain, version]) => [domain || 'ai.onnx', version])),
      producer,
      inputs: inputs.map(shownValue),
      outputs: outputs.map(shownValue),
      nodes: nodes.length,
      external: externalFilesOf(initializers),
    },
    ...countsOf(new Map(infos)),
  };
}

const dtypes = {
  float32: 'F32',
  uint8: 'U8',
  int8: 'I8',
  uint16: 'U16',
  int16: 'I16',
  int32: 'I32',
  int64: 'I64',
  bool: 'BOOL',
  float16: 'F16',
  float64: 'F64',
  uint32: 'U32',
  uint64: 'U64',
  bfloat16: 'BF16',
} as const satisfies Record<OnnxType, Dtype>;

type Told = Pick<Inspection, 'family' | 'options' | 'problem'>;

/** How a network's options are read off its weights. */
const optionsOf: Partial<Record<Family, (weights: Tensors) => object>> = {
  adm: (weights) => admCheckpoint(weights).network,
  cm: (weights) => cmCheckpoint(weights).network,
  ldm: (weights) => planLatent(weights, {}).network,
  'stable-diffusion': (weights) => planLatent(weights, {}).network,
  inception: (weights) => {
    inceptionCheckpoint(weights);
    return { features: 2048, logits: 1008 };
  },
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
async function toldObject(path: string, pickled?: PickleValue): Promise<{ told: Told; weights: Tensors }> {
  try {
    const { family, network, weights } =
      pickled === undefined ? await readEdmCheckpoint(path) : edmCheckpoint(pickled);
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
