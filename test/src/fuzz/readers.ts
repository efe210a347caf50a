import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readNpz, writeNpz } from '@fewstep/metrics/npz';
import {
  ModelError,
  openDenoiser,
  parseOfficialPredictor,
  parseOnnxDenoiser,
  readSafetensors,
  readStateDict,
  type Tensors,
  writeSafetensors,
} from '@fewstep/models';
import { root } from '../command-line.js';
import { folderReaders, zipOf } from './folders.js';
import { network, sum } from './onnx-files.js';

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
  /**
   * What its format tells by itself: that it is the original, so that a spoilt file that is read at all gives the same;
   * that the values are those, though not their names; that it is whole, so that no beginning of it is read; or nothing.
   */
  readonly guards: 'everything' | 'values' | 'length' | 'nothing';
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

/** A dict of one array of numpy's, whose bytes are a text as it stands in the pickle. */
const numpyOfText = (text: string) =>
  Buffer.from(
    `}(X\x01\0\0\0acnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\nK\0\x85U\x01btR(K\x01M\x00\x14\x85` +
      'cnumpy\ndtype\n(X\x02\0\0\0u1K\0K\x01tR(K\x03X\x01\0\0\0|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\0tb\x89' +
      `c_codecs\nencode\n(${text}X\x06\0\0\0latin1tRtbu.`,
    'latin1',
  );
const characters = Buffer.from(Uint8Array.from({ length: 5120 }, (_, i) => i % 256)).toString('latin1');
const utf8 = Buffer.from(characters).toString('latin1');
const textLength = String.fromCharCode(utf8.length % 256, utf8.length >> 8, 0, 0);
const longTexts = {
  'text-0': `V${characters.replaceAll('\\', '\\u005c').replaceAll('\n', '\\u000a')}\n`,
  'text-2': `X${textLength}${utf8}`,
};

/** A pickle that holds a file, as NVIDIA's may hold a program. */
function pickledBytes(file: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32LE(file.length);
  return Buffer.concat([Buffer.from('\x80\x03B', 'latin1'), length, file, Buffer.from('.')]);
}

const devices = [{ type: 'cpu' }, { type: 'engine', name: 'tfjs', target: 'cpu' }] as const;
/** More is no image of these files. */
const MAX_IMAGE = 2 ** 16;

/** What an ONNX file's denoiser makes of an image in both engines, as far as they take it; one must. */
async function evaluated(bytes: Buffer): Promise<Arrays> {
  const { graph, info } = parseOnnxDenoiser(bytes, { preconditioning: { type: 'denoiser' } });
  const { channels, resolution } = info;
  const size = channels * resolution ** 2;
  const found: Record<string, Arrays[string]> = {};
  const refusals: ModelError[] = [];
  for (const device of devices)
    try {
      const denoiser = await openDenoiser(graph, info, { device, threads: 1 });
      try {
        if (size > MAX_IMAGE) continue;
        const x = Float64Array.from({ length: size }, (_, i) => Math.cos(i));
        const { denoised } = await denoiser.evaluate({ x, sigma: 1.5 });
        found[device.type] = { shape: [channels, resolution, resolution], data: denoised };
      } finally {
        await denoiser.close();
      }
    } catch (error) {
      if (!(error instanceof ModelError)) throw error;
      refusals.push(error);
    }
  if (refusals.length === devices.length) throw refusals[0];
  return found;
}

export const readers = async (): Promise<readonly FuzzedReader[]> => [
  {
    name: 'torch-zip',
    original: fixture('tensors.zip.pt'),
    read: byPath('torch', '.pt'),
    guards: 'everything',
  },
  {
    name: 'torch-script',
    original: fixture('clip-tiny.open-ai.pt'),
    read: byPath('program', '.pt'),
    guards: 'everything',
  },
  {
    name: 'program-in-pickle',
    original: pickledBytes(fixture('clip-tiny.open-ai.pt')),
    read: byPath('program', '.pkl'),
    guards: 'everything',
  },
  {
    name: 'nested-zip',
    original: fixture('tensors.nested.zip'),
    read: byPath('nested', '.zip'),
    guards: 'everything',
  },
  {
    name: 'torch-legacy',
    original: fixture('tensors.legacy.pt'),
    read: byPath('legacy', '.pt'),
    guards: 'length',
  },
  { name: 'pickle-2', original: fixture('tensors.p2.pkl'), read: byPath('pickle', '.pkl'), guards: 'length' },
  { name: 'pickle-4', original: fixture('tensors.p4.pkl'), read: byPath('pickle', '.pkl'), guards: 'length' },
  ...[0, 5].map(
    (protocol): FuzzedReader => ({
      name: `numpy-${protocol}`,
      original: fixture(`numpy.p${protocol}.pkl`),
      read: byPath('numpy', '.pkl'),
      guards: 'length',
    }),
  ),
  ...Object.entries(longTexts).map(
    ([name, text]): FuzzedReader => ({
      name,
      original: numpyOfText(text),
      read: byPath('text', '.pkl'),
      guards: 'length',
    }),
  ),
  {
    name: 'predictor',
    original: fixture('official-predictor.pkl'),
    read: async (bytes) => (await parseOfficialPredictor(bytes)).weights,
    guards: 'length',
  },
  {
    name: 'predictor-zip',
    original: fixture('official-predictor.pt'),
    read: async (bytes) => (await parseOfficialPredictor(bytes)).weights,
    guards: 'everything',
  },
  {
    name: 'safetensors',
    original: Buffer.from(writeSafetensors(tensors, { seed: '1' })),
    read: (bytes) => readSafetensors(bytes),
    guards: 'length',
  },
  {
    name: 'shards',
    original: Buffer.from(JSON.stringify(index)),
    read(bytes, folder) {
      for (const [i, shard] of shards.entries())
        writeFileSync(join(folder, `${i + 1}.safetensors`), writeSafetensors(shard));
      return byPath('model', '.safetensors.index.json')(bytes, folder);
    },
    guards: 'everything',
  },
  {
    name: 'stored-zip',
    original: zipOf({ 'README.md': Buffer.from('words'), 'model.ckpt': fixture('tensors.legacy.pt') }, false),
    read: byPath('stored', '.zip'),
    guards: 'everything',
  },
  { name: 'onnx', original: sum, read: evaluated, guards: 'length' },
  { name: 'onnx-network', original: network, read: evaluated, guards: 'length' },
  {
    name: 'npz',
    original: await npz(),
    read: (bytes) => readNpz(bytes),
    guards: 'values',
  },
  ...(await folderReaders()),
];
