import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { memorySource, type Source } from '../files/source.js';
import { importDenoiser, parseOnnxDenoiser } from '../foreign/import-denoiser.js';
import { readOnnx } from './onnx-file.js';
import { encodeOnnx } from './onnx-model.js';
import { openOnnx } from './open-onnx.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fewstep-onnx-'));
});
afterAll(() => rm(folder, { recursive: true }));

const MANY = 2 ** 20;
const weights = Float32Array.from({ length: MANY }, (_, i) => Math.fround(Math.sin(i)));
const shape = ['n', 1, 2, 2];
const { graph } = encodeOnnx({
  opset: 17,
  inputs: [
    { name: 'x', type: 'float32', shape },
    { name: 't', type: 'float32', shape: ['n'] },
  ],
  outputs: [{ name: 'y', type: 'float32', shape }],
  nodes: [{ op: 'Gather', inputs: ['before', 'place'], outputs: ['y'], attributes: {} }],
  initializers: [
    { name: 'before', type: 'float32', shape: [MANY], data: () => weights },
    { name: 'place', type: 'int64', shape: [1], data: () => BigInt64Array.of(7n) },
    { name: 'after', type: 'float32', shape: [MANY], data: () => weights },
  ],
});

/** What is read of a source, in bytes. */
function counted(source: Source): Source & { count: number } {
  return {
    ...source,
    count: 0,
    read(start, length) {
      this.count += length;
      return source.read(start, length);
    },
  };
}

it('passes over the elements of weights, and says where they are', () => {
  const source = counted(memorySource(graph));
  const { initializers, nodes, outputs } = readOnnx(source);
  expect(source.count).toBeLessThan(graph.length / 16);
  expect([nodes.length, outputs[0]!.name]).toEqual([1, 'y']);
  expect(initializers.map(({ name, type, shape }) => ({ name, type, shape }))).toEqual([
    { name: 'before', type: 'float32', shape: [MANY] },
    { name: 'place', type: 'int64', shape: [1] },
    { name: 'after', type: 'float32', shape: [MANY] },
  ]);
});

it('reads from the file itself what it takes in', async () => {
  const path = join(folder, 'model.onnx');
  await writeFile(path, graph);
  const { file, read } = openOnnx(path);
  for (const one of file.initializers.filter(({ name }) => name !== 'place')) {
    const bytes = 'stored' in one.elements ? read(one.elements.stored) : undefined;
    expect(Buffer.compare(bytes!, new Uint8Array(weights.buffer))).toBe(0);
  }
  const options = { preconditioning: { type: 'denoiser' } } as const;
  const fromFile = await importDenoiser(path, options);
  expect(Buffer.compare(fromFile.graph, parseOnnxDenoiser(graph, options).graph)).toBe(0);
});

const refusal = (message: RegExp, at: number) =>
  expect.objectContaining({ code: 'E_ONNX', message: expect.stringMatching(message), evidence: { at } });

it('says at which byte of the file it is broken', () => {
  const name = Buffer.from(graph).indexOf('after') - 2;
  const broken = Uint8Array.from(graph);
  broken[name] = 8 * 8 + 7;
  expect(() => readOnnx(memorySource(broken))).toThrow(refusal(/field 8 has the wire type 7/, name));
  // a tensor that is a number
  expect(() => readOnnx(memorySource(Uint8Array.of(8, 8, 58, 2, 40, 1)))).toThrow(
    refusal(/field 5 holds varint, no bytes/, 4),
  );
});

it('refuses two graphs', () => {
  expect(() => readOnnx(memorySource(Uint8Array.of(58, 0, 58, 0)))).toThrow(/two graphs/);
});

it.each([
  ['one after another', Array.from({ length: 40 }, () => [8, 1]).flat()],
  ['at once', [10, 0x80, 4, ...new Array<number>(512).fill(1)]],
])('refuses a tensor of more sizes than there are, %s', (_, sizes) => {
  const tensor = [42, (sizes.length & 127) | 128, sizes.length >> 7, ...sizes];
  const file = [8, 8, 58, (tensor.length & 127) | 128, tensor.length >> 7, ...tensor];
  expect(() => readOnnx(memorySource(Uint8Array.from(file)))).toThrow(/more than 16 sizes/);
});

it('says what a file is that is none', async () => {
  const path = join(folder, 'other.onnx');
  for (const [bytes, found] of [
    ['\x80\x04N.', 'a pickle'],
    ['\x89PNG\r\n', 'a PNG image'],
    ['<!DOCTYPE html>', 'an HTML or XML page, as a failed download leaves behind'],
  ] as const) {
    await writeFile(path, Buffer.from(bytes, 'latin1'));
    expect(() => openOnnx(path)).toThrow(
      expect.objectContaining({ code: 'E_ONNX', evidence: { found, path } }),
    );
  }
});
