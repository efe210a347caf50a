import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readNpz, writeNpz } from '@fewstep/metrics';
import {
  parseOfficialPredictor,
  parseOnnxDenoiser,
  readSafetensors,
  readStateDict,
  type Tensors,
  writeSafetensors,
} from '@fewstep/models';
import { root } from '../command-line.js';

/** What a file held, as far as it is arrays. */
export type Arrays = Readonly<
  Record<string, { readonly shape: readonly number[]; readonly data: ArrayLike<number | bigint> }>
>;

/** A reader, and a file that it reads. */
export interface FuzzedReader {
  readonly name: string;
  readonly original: Buffer;
  /** Reads a file; `folder` is for those that read by path. */
  read(bytes: Buffer, folder: string): Promise<Arrays> | Arrays;
  /** Checksums or names cover the values: a spoilt file that is read at all gives those of the original. */
  readonly sealed: boolean;
}

const fixture = (name: string) => readFileSync(join(root, 'packages/models/fixtures', name));

function byPath(name: string, suffix: string): FuzzedReader['read'] {
  return (bytes, folder) => {
    const path = join(folder, `${name}${suffix}`);
    writeFileSync(path, bytes);
    return readStateDict(path);
  };
}

const tensors: Tensors = {
  'a.weight': { dtype: 'F32', shape: [2, 3], data: Float32Array.of(1, 2, 3, 4, 5, 6) },
  'a.bias': { dtype: 'F16', shape: [2], data: Uint16Array.of(1, 2) },
  'b.weight': { dtype: 'I64', shape: [], data: BigInt64Array.of(-7n) },
};
const shards = [
  { 'a.weight': tensors['a.weight']!, 'a.bias': tensors['a.bias']! },
  { 'b.weight': tensors['b.weight']! },
] as const;
const index = {
  metadata: { total_size: 36 },
  weight_map: { 'a.weight': '1.safetensors', 'a.bias': '1.safetensors', 'b.weight': '2.safetensors' },
};
const npz = async () =>
  Buffer.from(
    await writeNpz({
      mu: { dtype: 'float64', shape: [3], data: Float64Array.of(1, 2, 3) },
      images: { dtype: 'uint8', shape: [2, 2], data: Uint8Array.of(1, 2, 3, 4) },
    }),
  );

/** A field of protocol buffers that holds bytes, fewer than 128. */
const field = (number: number, content: string | readonly number[]): number[] => {
  const bytes = [...Buffer.from(content)];
  return [number * 8 + 2, bytes.length, ...bytes];
};
const value = (name: string, sizes: readonly number[]) => {
  const shape = sizes.flatMap((size) => field(1, [0x08, size]));
  return [...field(1, name), ...field(2, field(1, [0x08, 1, ...field(2, shape)]))];
};

/** An ONNX file: the image plus a weight. */
const onnx = Buffer.from([
  0x08,
  8,
  ...field(7, [
    ...field(1, [...field(1, 'x'), ...field(1, 'w'), ...field(2, 'y'), ...field(4, 'Add')]),
    ...field(5, [0x08, 1, 0x10, 1, ...field(8, 'w'), ...field(9, [0, 0, 128, 63])]),
    ...field(11, value('x', [1, 1, 2, 2])),
    ...field(11, value('t', [1])),
    ...field(12, value('y', [1, 1, 2, 2])),
  ]),
  ...field(8, [0x10, 17]),
]);

export const readers = async (): Promise<readonly FuzzedReader[]> => [
  { name: 'torch-zip', original: fixture('tensors.zip.pt'), read: byPath('torch', '.pt'), sealed: true },
  {
    name: 'nested-zip',
    original: fixture('tensors.nested.zip'),
    read: byPath('nested', '.zip'),
    sealed: true,
  },
  {
    name: 'torch-legacy',
    original: fixture('tensors.legacy.pt'),
    read: byPath('legacy', '.pt'),
    sealed: false,
  },
  { name: 'pickle-2', original: fixture('tensors.p2.pkl'), read: byPath('pickle', '.pkl'), sealed: false },
  { name: 'pickle-4', original: fixture('tensors.p4.pkl'), read: byPath('pickle', '.pkl'), sealed: false },
  ...[0, 5].map((protocol) => ({
    name: `numpy-${protocol}`,
    original: fixture(`numpy.p${protocol}.pkl`),
    read: byPath('numpy', '.pkl'),
    sealed: false,
  })),
  {
    name: 'predictor',
    original: fixture('official-predictor.pkl'),
    read: (bytes) => parseOfficialPredictor(bytes).weights,
    sealed: false,
  },
  {
    name: 'safetensors',
    original: Buffer.from(writeSafetensors(tensors, { seed: '1' })),
    read: (bytes) => readSafetensors(bytes),
    sealed: false,
  },
  {
    name: 'shards',
    original: Buffer.from(JSON.stringify(index)),
    read(bytes, folder) {
      for (const [i, shard] of shards.entries())
        writeFileSync(join(folder, `${i + 1}.safetensors`), writeSafetensors(shard));
      return byPath('model', '.safetensors.index.json')(bytes, folder);
    },
    sealed: true,
  },
  {
    name: 'onnx',
    original: onnx,
    read(bytes) {
      const { graph } = parseOnnxDenoiser(bytes, { preconditioning: { type: 'denoiser' } });
      return { graph: { shape: [graph.length], data: graph } };
    },
    sealed: false,
  },
  {
    name: 'npz',
    original: await npz(),
    read: (bytes) => readNpz(bytes),
    sealed: false,
  },
];
