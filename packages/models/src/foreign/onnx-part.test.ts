import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDecoder } from '../decoder.js';
import { encodeOnnx, type OnnxModel, type OnnxType, onnxTypes } from '../onnx/onnx-model.js';
import { type GraphValue, OnnxOps } from '../onnx/onnx-ops.js';
import { openTextEncoder } from '../text-encoder.js';
import { describeOnnx } from './describe-onnx.js';
import { importDecoder } from './import-decoder.js';
import { importTextEncoder } from './import-text-encoder.js';

const refusal = (message: RegExp) =>
  expect.objectContaining({ code: 'E_ONNX', message: expect.stringMatching(message) });

/** The operations, and casts. */
class Writing extends OnnxOps {
  to(x: GraphValue, type: OnnxType): GraphValue {
    return this.node('Cast', [x], x.shape, { to: onnxTypes[type].code });
  }
}

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fewstep-'));
});
afterAll(() => rm(folder, { recursive: true }));

let files = 0;
async function file(model: OnnxModel): Promise<string> {
  const path = join(folder, `${files++}.onnx`);
  await writeFile(path, encodeOnnx(model).graph);
  return path;
}

type Shape = readonly (number | string)[];
interface Ends {
  readonly type?: OnnxType;
  readonly input?: { readonly name: string; readonly shape: Shape };
  readonly output?: { readonly name: string; readonly shape: Shape };
}

/** Input and output as others write them: of other names, and sizes that the file leaves open. */
function renamed(model: OnnxModel, { type = 'float32', input, output }: Ends): OnnxModel {
  const [given, ...others] = model.inputs as [OnnxModel['inputs'][0]];
  const [first, ...more] = model.outputs as [OnnxModel['outputs'][0]];
  return {
    ...model,
    inputs: [{ ...given, ...input }, ...others],
    outputs: [{ ...first, type, ...output }, ...more],
  };
}

const C = 2;
const R = 4;
const latentShape = { channels: C, resolution: R };
const latents = (n: number) => Float64Array.from({ length: n * C * R * R }, (_, i) => (i % 29) / 8 - 1.5);

/** Pictures twice as large: the latent's channels, and half of the first. */
function decoderFile({ type = 'float32', ...ends }: Ends = {}): Promise<string> {
  const ops = new Writing({});
  const name = ends.input?.name ?? 'latents';
  const given = ops.to(ops.input(name, [C, R, R], type), 'float32');
  const image = ops.enlarge(ops.concat([given, ops.affine(ops.leading(given, 1), 0.5, 0)]));
  const output = ends.output?.name ?? 'images';
  return file(renamed(ops.model({ [output]: ops.to(image, type), other: given }), { type, ...ends }));
}

/** What it makes of latents that were multiplied by `scale`. */
function pictures(x: Float64Array, scale: number): Float64Array {
  const n = x.length / (C * R * R);
  return Float64Array.from({ length: n * 3 * 4 * R * R }, (_, i) => {
    const column = i % (2 * R);
    const row = Math.floor(i / (2 * R)) % (2 * R);
    const channel = Math.floor(i / (4 * R * R)) % 3;
    const sample = Math.floor(i / (12 * R * R));
    const at = ((sample * C + (channel % 2)) * R + (row >> 1)) * R + (column >> 1);
    return (x[at]! / scale) * (channel === 2 ? 0.5 : 1);
  });
}

describe('a decoder of another’s', () => {
  const opened = {
    input: { name: 'latent_sample', shape: ['batch_size', 'c', 'h', 'w'] },
    output: { name: 'sample', shape: ['batch_size', 'channels', 'height', 'width'] },
  };
  it.each([
    ['under our names', {}],
    ['under others, with every size left open', opened],
    ['of one sample at a time', { input: { name: 'z', shape: [1, C, R, R] } }],
    ['of three at a time', { input: { name: 'z', shape: [3, C, R, R] } }],
    ['of float16', { type: 'float16', ...opened }],
    ['of float64', { type: 'float64' }],
  ] as const)('is ours: %s', async (_, ends) => {
    const path = await decoderFile(ends);
    expect(describeOnnx(path, 'decoder')).toEqual({ external: [] });
    const { graph, info } = await importDecoder(path, { scaleFactor: 0.25, ...latentShape });
    const input = 'input' in ends ? ends.input.shape[0] : 'n';
    expect(info).toEqual({
      ...latentShape,
      imageChannels: 3,
      imageResolution: 2 * R,
      codebook: 0,
      ...(typeof input === 'number' && { batch: input }),
    });
    const decoder = await openDecoder(graph, info);
    for (const n of [1, 3, 4]) {
      // sums of eighths, so that halves hold them exactly
      const { images } = await decoder.decode(latents(n));
      expect(images).toEqual(pictures(latents(n), 0.25));
      expect(images).not.toEqual(pictures(latents(n), 1));
    }
    await decoder.close();
  });

  it.each([
    [
      'of latents of other channels',
      { input: { name: 'z', shape: ['n', 3, R, R] } },
      /has 3 for channels, not 2/,
    ],
    ['of larger ones', { input: { name: 'z', shape: ['n', C, 8, 8] } }, /has 8 for resolution, not 4/],
    [
      'that takes numbers',
      { type: 'int64' },
      /an input of float32 or .* for a decoder of latents is expected, and latents: int64/,
    ],
    [
      'that gives no pictures',
      { output: { name: 'images', shape: ['n', 5, 8, 8] } },
      /of 1 or 3 channels.*\[5,8,8\]/,
    ],
    ['that gives no squares', { output: { name: 'images', shape: ['n', 3, 8, 16] } }, /pictures are square/],
    [
      'that gives rows',
      { output: { name: 'images', shape: ['n', 64] } },
      /an output \[n, C, R, R\] of pictures is expected/,
    ],
  ] as const)('is none: %s', async (_, ends, message) => {
    const path = await decoderFile(ends);
    const importing = importDecoder(path, { scaleFactor: 1, ...latentShape });
    await expect(importing).rejects.toThrow(refusal(message));
    await expect(importing).rejects.toMatchObject({ evidence: { path } });
  });
});

const WIDTH = 3;
const tokens = [4, 0, 2, 1];

/** A table of five tokens: token t is t, t + 10, t + 20. */
function textFile(ends: Ends & { extra?: boolean; told?: 'int32' | 'int64' } = {}): Promise<string> {
  const { type = 'float32', told = 'int64', extra = false } = ends;
  const data = Float32Array.from({ length: 5 * WIDTH }, (_, i) => Math.floor(i / WIDTH) + 10 * (i % WIDTH));
  const ops = new Writing({ 'table.weight': { dtype: 'F32', shape: [5, WIDTH], data } });
  const name = ends.input?.name ?? 'tokens';
  const given = ops.input(name, [tokens.length], told);
  if (extra) ops.input('attention_mask', [tokens.length], told);
  const hidden = ops.embedding(given, 'table', { count: 5, width: WIDTH });
  const output = ends.output?.name ?? 'hidden';
  const pooled = { pooler_output: ops.to(hidden, 'float32') };
  return file(renamed(ops.model({ [output]: ops.to(hidden, type), ...pooled }), { type, ...ends }));
}

describe('a text encoder of another’s', () => {
  it.each([
    ['under our names', {}],
    ['told int32', { told: 'int32', input: { name: 'input_ids', shape: ['n', 4] } }],
    ['of float16', { type: 'float16' }],
    ['of a width left open', { output: { name: 'last_hidden_state', shape: ['n', 4, 'width'] } }],
    ['of one prompt at a time', { input: { name: 'input_ids', shape: [1, 4] } }],
  ] as const)('is ours: %s', async (_, ends) => {
    const { graph, info } = await importTextEncoder(await textFile(ends));
    expect(info).toMatchObject({ positions: 4, width: WIDTH });
    const encoder = await openTextEncoder(graph, info);
    const prompts = [tokens, [...tokens].reverse(), [0, 0, 0, 3]];
    const expected = prompts.flat().flatMap((token) => [token, token + 10, token + 20]);
    expect(await encoder.encode(prompts)).toEqual(Float64Array.from(expected));
    await encoder.close();
  });

  it('has CLIP’s positions where it leaves them open', async () => {
    const output = { name: 'hidden', shape: ['n', 'positions', 'width'] };
    const path = await textFile({ input: { name: 'input_ids', shape: ['n', 'positions'] }, output });
    expect(describeOnnx(path, 'text-encoder')).toEqual({ external: [], condition: { positions: 77 } });
    const { info } = await importTextEncoder(path);
    expect(info).toEqual({ positions: 77, width: WIDTH });
  });

  it.each([
    ['told two things', { extra: true }, /has one input and an output.*attention_mask/],
    [
      'of fewer positions',
      { output: { name: 'hidden', shape: ['n', 2, WIDTH] } },
      /has 2 for positions, not 4/,
    ],
    [
      'of one vector',
      { output: { name: 'hidden', shape: ['n', WIDTH] } },
      /an output \[n, positions, width\] is expected/,
    ],
  ] as const)('is none: %s', async (_, ends, message) => {
    const path = await textFile(ends);
    await expect(importTextEncoder(path)).rejects.toThrow(refusal(message));
    expect(() => describeOnnx(path, 'text-encoder')).toThrow(refusal(message));
  });

  it('is no decoder', async () => {
    await expect(importTextEncoder(await decoderFile())).rejects.toThrow(
      refusal(
        /an input of int64 or int32 for a text encoder is expected, and latents: float32 \[n, 2, 4, 4\] is none/,
      ),
    );
  });
});
