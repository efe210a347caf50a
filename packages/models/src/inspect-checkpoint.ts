import { statSync } from 'node:fs';
import { type AskedNetwork, askedOf, asking } from './checkpoints/asking.js';
import { noModelFolder } from './checkpoints/diffusers-folder.js';
import { checkNames, identify } from './checkpoints/identify.js';
import { lookAtWhole, unwrapped } from './checkpoints/look.js';
import { holdsObject, type Known, type Look } from './families/family.js';
import { parts, predictor } from './families/parts.js';
import { type CheckpointOptions, familiesOf } from './families/registry.js';
import type { Asked, Sources } from './families/sources.js';
import { isOnnx } from './files/sniff.js';
import { fileSource, isFolderAt } from './files/source.js';
import { bytesPerElement, type Dtype, sizeOf } from './files/tensor.js';
import type { TensorInfo } from './files/tensor-file.js';
import { shownValue } from './foreign/onnx-values.js';
import type { OnnxType } from './onnx/onnx-model.js';
import { externalFilesOf, readOnnxFile } from './onnx/open-onnx.js';

/** What a file of weights is, or a folder of them, in words and numbers; plain JSON. */
export interface Inspection {
  /** What kind of file it is, in words. */
  readonly format: string;
  /** Of a folder: those of its weights. */
  readonly bytes: number;
  /** Of an ONNX file: what it is in the words of its own. */
  readonly onnx?: OnnxOutline;
  /** Where it holds the network in a dict of its own: what stands before the names there, as `model.`. */
  readonly wrapper?: string;
  /** What its weights are of; left out where their names are of no network that is known, or of several. */
  readonly family?: string;
  /** The families that it may be of, where the file doesn't tell and nobody told. */
  readonly families?: readonly string[];
  /** The network's options, where they could be read and every weight has its place. */
  readonly options?: Readonly<Record<string, unknown>>;
  /** Where each of them, and `family`, was taken from; left out of a family that doesn't say. */
  readonly sources?: Sources;
  /** What must be told before it is read, with what it could be. */
  readonly asked?: Asked;
  /** Names of published files that show the same, and are known by their names. */
  readonly like?: readonly string[];
  /** Why not; or what must be told. */
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

type Infos = Readonly<Record<string, TensorInfo>>;

/**
 * Tells what a file of weights is, or a folder in diffusers' layout, from names and shapes. Of EDM's pickles and official
 * predictors the elements are read, too, and a latent model's noise table; of other files they stay on disk.
 *
 * @param told what a reader would be told of it
 * @throws ModelError as `openStateDict`, with `path` in `evidence`; weights that don't fit are a `problem`, no error, and
 * so is what is told and doesn't fit.
 */
export async function inspectCheckpoint(path: string, told: CheckpointOptions = {}): Promise<Inspection> {
  if (startsAsOnnx(path)) return inspectOnnx(path);
  if (isFolderAt(path)) return inspectFolder(path, told);
  const whole = await lookAtWhole(path);
  const { found, weights } = await findingsOf(whole, told);
  return { format: whole.format, bytes: statSync(path).size, ...found, ...countsOf(weights) };
}

async function inspectFolder(path: string, told: CheckpointOptions): Promise<Inspection> {
  const look: Look = { path, isFolder: true, tensors: {} };
  if (familiesOf(look).length === 0) throw noModelFolder(path);
  const { found, weights } = await findingsOf(look, told);
  const bytes = Object.values(weights).reduce(
    (sum, { dtype, shape }) => sum + sizeOf(shape) * bytesPerElement(dtype),
    0,
  );
  return { format: 'folder in diffusers’ layout', bytes, ...found, ...countsOf(weights) };
}

function startsAsOnnx(path: string): boolean {
  if (isFolderAt(path)) return false;
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
    ...countsOf(Object.fromEntries(infos)),
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

type Found = Pick<
  Inspection,
  'wrapper' | 'family' | 'families' | 'options' | 'sources' | 'asked' | 'like' | 'problem'
>;

const others: readonly Known[] = [...parts, predictor];

/** What the file may be; where it fits nothing that its names are of, what keeps it from being of the first. */
async function findingsOf(
  file: Look,
  { family: named, ...told }: CheckpointOptions,
): Promise<{ found: Found; weights: Infos }> {
  const whole: Infos = file.tensors;
  const problemOf = (cause: unknown) => ({ problem: (cause as Error).message });
  let misfit: Found = {};
  try {
    const look = unwrapped(file, told.use_ema);
    const within = look.prefix !== undefined && { wrapper: look.prefix };
    misfit = { ...within };
    const { candidates, source } = identify(look, named);
    if (candidates.length > 1) {
      misfit = { ...within, families: candidates.map(({ name }) => name) };
      return { found: { ...within, ...severalOf(await askedOf(candidates, look, told)) }, weights: whole };
    }
    for (const kind of candidates) checkNames(kind, told);
    for (const { name: family, inspect } of [...candidates, ...others.filter(({ isOf }) => isOf(look))]) {
      if (!inspect) return { found: { ...within, family, sources: { family: source } }, weights: whole };
      try {
        const { network, weights = whole, sources, asked = {}, like = [] } = await inspect(look, told);
        const options = { ...network };
        const one = { family, options, sources: { family: source, ...sources }, asked, like };
        const open = Object.keys(asked).length > 0 && {
          asked,
          ...listOf(like),
          ...problemOf(asking([one])),
        };
        return {
          found: { ...within, family, options, ...(sources && { sources: one.sources }), ...open },
          weights,
        };
      } catch (cause) {
        // an object's class is told by all that is in it, a folder by its configurations, other files by their names
        const isNamed = !holdsObject(look) && !look.isFolder;
        misfit = { ...(isNamed && { family }), ...problemOf(cause), ...misfit };
      }
    }
  } catch (cause) {
    return { found: { ...misfit, ...problemOf(cause) }, weights: whole };
  }
  return { found: misfit, weights: whole };
}

/** Of a file that may be of several families: what all of them show, and what each would ask for. */
function severalOf(networks: readonly AskedNetwork[]): Found {
  const [{ options }] = networks as [AskedNetwork];
  return {
    families: networks.map(({ family }) => family),
    options,
    sources: Object.assign({ family: 'asked' }, ...networks.map(({ sources }) => sources)),
    asked: Object.assign({}, ...networks.map(({ asked }) => asked)),
    ...listOf([...new Set(networks.flatMap(({ like }) => like))]),
    problem: asking(networks).message,
  };
}

const listOf = (like: readonly string[]) => like.length > 0 && { like };

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
  const entries = Object.entries(infos);
  for (const [name, { dtype, shape }] of entries) {
    dtypes[dtype] = (dtypes[dtype] ?? 0) + 1;
    add(name.split('.', 1)[0]!, 1, sizeOf(shape));
  }
  const sorted = [...groups.values()].sort((a, b) => b.parameters - a.parameters);
  const parameters = sorted.reduce((sum, group) => sum + group.parameters, 0);
  groups.clear();
  for (const [i, group] of sorted.entries())
    add(i < MAX_GROUPS ? group.name : '…', group.tensors, group.parameters);
  return { tensors: entries.length, parameters, dtypes, groups: [...groups.values()] };
}
