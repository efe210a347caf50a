import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { openStateDict, type PickleValue, readPickle, type Tensor, toFloat32 } from '@fewstep/models';
import type { Golden } from './golden.js';
import { type Outcome, outcome } from './topic.js';

interface Expected {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly values: readonly number[];
}

interface Figures {
  readonly state_dict: Readonly<Record<string, Expected>>;
  readonly meta?: Readonly<Record<string, unknown>>;
}

const dtypes: Readonly<Record<string, string>> = {
  float64: 'F64',
  float32: 'F32',
  float16: 'F16',
  bfloat16: 'BF16',
  int64: 'I64',
  int32: 'I32',
  int16: 'I16',
  int8: 'I8',
  uint8: 'U8',
  bool: 'BOOL',
};

/** Container formats: every file holds what `expected.json` beside it says, or a part of that. */
export async function formatCases(
  golden: Golden,
  files: readonly { readonly path: string }[],
): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const { path } of files)
    if (!path.endsWith('.json'))
      outcomes.push(await outcome(path, () => differenceOf(join(golden.folder, path))));
  return outcomes;
}

async function differenceOf(path: string): Promise<string | undefined> {
  const json = await readFile(join(dirname(path), 'expected.json'), 'utf8');
  const { state_dict: expected, meta }: Figures = JSON.parse(json);
  const dict = await openStateDict(path);
  const found = dict.read();
  dict.close();
  const names = Object.keys(found);
  if (names.length === 0) return 'it holds no tensors';
  // a file of other tensors has no figures, and shows only that it can be read
  if (!names.some((name) => Object.hasOwn(expected, name))) return undefined;
  if (`${names.sort()}` !== `${Object.keys(expected).sort()}`) return `it holds ${names}`;
  for (const [name, tensor] of Object.entries(found)) {
    const { dtype, shape, values } = expected[name]!;
    if (tensor.dtype !== dtypes[dtype] || `${tensor.shape}` !== `${shape}`)
      return `${name} is ${tensor.dtype} [${tensor.shape}], expected ${dtype} [${shape}]`;
    const numbers = numbersOf(tensor);
    if (numbers.length !== values.length)
      return `${name} has ${numbers.length} values, expected ${values.length}`;
    const wrong = numbers.findIndex((value, i) => !Object.is(value, values[i]));
    if (wrong >= 0) return `value ${wrong} of ${name} is ${numbers[wrong]}, expected ${values[wrong]}`;
  }
  return dict.format === 'pickle' ? differenceOfOthers(readPickle(await readFile(path)), meta) : undefined;
}

/** Of what a plain pickle holds beside the tensors. */
function differenceOfOthers(root: PickleValue, expected: Figures['meta'] = {}): string | undefined {
  const meta = root instanceof Map ? root.get('meta') : undefined;
  if (!(meta instanceof Map)) return undefined;
  for (const [name, value] of Object.entries(expected)) {
    const [found, due] = [JSON.stringify(asJson(meta.get(name) ?? null)), JSON.stringify(value)];
    if (found !== due) return `${name} is ${found}, expected ${due}`;
  }
  return undefined;
}

/** Integers beyond doubles are text there; tuples, sets and bytes are lists. */
function asJson(value: PickleValue): unknown {
  if (typeof value === 'bigint') return `${value}`;
  if (value instanceof Map) return Object.fromEntries([...value].map(([key, one]) => [key, asJson(one)]));
  if (value instanceof Uint8Array) return [...value];
  if (value instanceof Set || Array.isArray(value)) return Array.from<PickleValue, unknown>(value, asJson);
  return value;
}

const numbersOf = (tensor: Tensor): number[] =>
  tensor.dtype === 'F16' || tensor.dtype === 'BF16'
    ? [...toFloat32(tensor)]
    : Array.from<number | bigint, number>(tensor.data, Number);
