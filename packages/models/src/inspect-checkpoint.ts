import { statSync } from 'node:fs';
import { lookAt } from './checkpoints/look.js';
import { holdsObject, type Known, type Look } from './families/family.js';
import { parts, predictor } from './families/parts.js';
import { families } from './families/registry.js';
import { isOnnx } from './files/sniff.js';
import { fileSource } from './files/source.js';
import { type Dtype, sizeOf } from './files/tensor.js';
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

type Infos = Readonly<Record<string, TensorInfo>>;

/**
 * Tells what a file of weights is, from names and shapes. Of EDM's pickles and official predictors the elements are
 * read, too; of other files they stay on disk.
 *
 * @throws ModelError as `openStateDict`, with `path` in `evidence`; weights that don't fit are a `problem`, no error.
 */
export async function inspectCheckpoint(path: string): Promise<Inspection> {
  if (startsAsOnnx(path)) return inspectOnnx(path);
  const look = await lookAt(path);
  const { told, weights } = await toldOf(look);
  return { format: look.format, bytes: statSync(path).size, ...told, ...countsOf(weights) };
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

type Told = Pick<Inspection, 'family' | 'options' | 'problem'>;

const all: readonly Known[] = [...families, ...parts, predictor];

/** The first kind that the file fits; where it fits none, what keeps it from being of the first. */
async function toldOf(look: Look): Promise<{ told: Told; weights: Infos }> {
  let misfit: Told = {};
  for (const { name: family, inspect } of all.filter(({ isOf }) => isOf(look))) {
    if (!inspect) return { told: { family }, weights: look.tensors };
    try {
      const { network, weights = look.tensors } = await inspect(look);
      return { told: { family, options: { ...network } }, weights };
    } catch (cause) {
      // an object's class is told by all that is in it, other files by their names
      misfit = { ...(!holdsObject(look) && { family }), problem: (cause as Error).message, ...misfit };
    }
  }
  return { told: misfit, weights: look.tensors };
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
