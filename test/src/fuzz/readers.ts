import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readNpz, writeNpz } from '@fewstep/metrics';
import {
  parseOfficialPredictor,
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
    name: 'npz',
    original: await npz(),
    read: (bytes) => readNpz(bytes),
    sealed: false,
  },
];
