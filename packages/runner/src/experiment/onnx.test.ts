import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { OnnxConfig } from './experiment.js';
import { missingFiles } from './missing-files.js';
import { parseExperiment } from './parse-experiment.js';
import { SpecError } from './problem.js';

const spec = (dataset: string, more = '') => `name: onnx
dataset: ${dataset}
schedule: { type: polynomial }
student: { solver: amed, num_steps: 4 }
${more}`;

const parse = (text: string) => parseExperiment(text, 'a.yaml', { cwd: '/home/me', models: '/models' });

async function onnxOf(onnx: string): Promise<OnnxConfig | undefined> {
  const { points } = await parse(spec(`{ checkpoint: net.onnx, onnx: ${onnx} }`));
  return points[0]!.dataset.onnx;
}

async function problems(text: string): Promise<string[]> {
  try {
    await parse(text);
    return [];
  } catch (error) {
    if (!(error instanceof SpecError)) throw error;
    return error.problems.map(({ message }) => message.replace(/^a\.yaml:/, '').replace('E_SPEC ', ''));
  }
}

describe('an ONNX checkpoint', () => {
  it('has its training’s noise filled in', async () => {
    const betas = (type: string, more = '') =>
      onnxOf(`{ parametrization: eps, betas: { type: ${type}${more} } }`);
    expect(await betas('linear')).toEqual({
      parametrization: 'eps',
      betas: { type: 'linear', start: 0.0001, end: 0.02, steps: 1000 },
    });
    expect(await betas('scaled_linear', ', steps: 500, end: 0.02')).toMatchObject({
      betas: { type: 'scaled_linear', start: 0.00085, end: 0.02, steps: 500 },
    });
    expect(await betas('cosine')).toMatchObject({ betas: { type: 'cosine', steps: 1000 } });
    expect(await onnxOf('{ parametrization: denoiser, betas: { type: cosine } }')).toEqual({
      parametrization: 'denoiser',
      betas: { type: 'cosine', steps: 1000 },
    });
    expect(await betas('explicit', ', alphas_cumprod: [0.9, 0.5]')).toMatchObject({
      betas: { type: 'explicit', alphasCumprod: [0.9, 0.5] },
    });
  });

  it('leaves the range to the file where it is parametrised as EDM’s networks', async () => {
    const { points } = await parse(
      spec(
        '{ checkpoint: net.onnx, onnx: { parametrization: edm, inputs: { x: image }, output: out, classes: 10 } }',
      ),
    );
    expect(points[0]!.dataset).toEqual({
      checkpoint: '/home/me/net.onnx',
      onnx: { parametrization: 'edm', sigmaData: 0.5, inputs: { x: 'image' }, output: 'out', classes: 10 },
    });
  });

  it('of another kind has nothing of it', async () => {
    const { points } = await parse(
      spec(
        '{ checkpoint: a.pkl, onnx: { parametrization: edm } }',
        'grid: { dataset.checkpoint: [a.pkl, b.onnx] }',
      ),
    );
    expect(points.map(({ dataset }) => dataset.onnx)).toEqual([
      undefined,
      { parametrization: 'edm', sigmaData: 0.5 },
    ]);
  });
});

/** A field of protocol buffers that holds bytes, fewer than 128, or 16,384. */
const field = (number: number, bytes: Iterable<number>) => {
  const { length } = [...bytes];
  return [number * 8 + 2, ...(length < 128 ? [length] : [128 + (length % 128), length >> 7]), ...bytes];
};

/** A value of a graph, float32 or int64; sizes of 0 are left open. */
const value = (name: string, sizes: number[], type: 1 | 7 = 1) => {
  const shape = sizes.flatMap((n) => field(1, n === 0 ? [] : [0x08, n]));
  return [...field(1, Buffer.from(name)), ...field(2, field(1, [0x08, type, ...field(2, shape)]))];
};

/** The outline of a model: its weights, its inputs and its outputs. */
const outline = (inputs: number[][], outputs: number[][], tensors: number[][] = []) => {
  const part = (number: number, parts: number[][]) => parts.flatMap((one) => field(number, one));
  const graph = [...part(5, tensors), ...part(11, inputs), ...part(12, outputs)];
  return Uint8Array.from([...field(7, graph), ...field(8, [0x10, 17])]);
};

const prompt = value('context', [0, 77, 24]);
const networkOf = (channels: number, ...more: number[][]) =>
  outline([value('x', [0, channels, 8, 8]), value('t', [0]), ...more], [value('eps', [0, channels, 8, 8])]);
const network = (...more: number[][]) => networkOf(3, ...more);

describe('files of ONNX', () => {
  let folder: string;
  const write = (name: string, bytes: Uint8Array | string) => writeFile(join(folder, name), bytes);
  const read = (dataset: string, more = '') =>
    parseExperiment(spec(dataset, more), join(folder, 'a.yaml'), { cwd: folder });
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'fewstep-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  it('need the files that their weights are in', async () => {
    const tensor = (location: string) => {
      const entry = [...field(1, Buffer.from('location')), ...field(2, Buffer.from(location))];
      return [0x08, 1, 0x10, 1, ...field(8, Buffer.from('w')), ...field(13, entry)];
    };
    const image = value('x', [0, 4, 8, 8]);
    await write('net.onnx', outline([image, value('t', [0])], [image], [tensor('net.bin')]));
    await write(
      'dec.onnx',
      outline([value('z', [0, 4, 8, 8])], [value('y', [0, 3, 8, 8])], [tensor('dec.bin')]),
    );
    const dataset =
      '{ checkpoint: net.onnx, onnx: { parametrization: edm, decoder: dec.onnx, scale_factor: 2 } }';
    const experiment = await read(dataset);
    expect(experiment.points[0]!.dataset).toMatchObject({
      decoder: { file: join(folder, 'dec.onnx'), scaleFactor: 2 },
    });
    expect(missingFiles(experiment).map(({ ifMissing: { message } }) => message)).toEqual([
      'a.yaml:2:24 E_SPEC dataset.checkpoint: its weights are in net.bin, which is not there: put it beside the ONNX file.',
      'a.yaml:2:73 E_SPEC dataset.onnx.decoder: its weights are in dec.bin, which is not there: put it beside the ONNX file.',
    ]);
    await write('net.bin', new Uint8Array(4));
    await write('dec.bin', new Uint8Array(4));
    expect(missingFiles(experiment)).toEqual([]);
  });

  it('are looked into: what they can’t be is a problem of the spec', async () => {
    const text = 'guidance: { type: cfg, prompt: a cat }';
    const dataset = (more = '') => `{ checkpoint: net.onnx, onnx: { parametrization: edm${more} } }`;
    const encoder = (type: 1 | 7) => outline([value('ids', [0, 77], type)], [value('hidden', [0, 77, 24])]);
    await write('net.onnx', 'no ONNX at all');
    await expect(read(dataset())).rejects.toThrow(
      /^a\.yaml:2:24 E_SPEC dataset\.checkpoint: .*net\.onnx: no protocol buffer/,
    );
    await write('net.onnx', network(prompt));
    await expect(read(dataset())).rejects.toThrow(
      /^a\.yaml:2:24 E_SPEC dataset\.checkpoint: the network attends to a prompt.*add its text encoder as onnx\.text_encoder/,
    );
    await write('text.onnx', encoder(1));
    await expect(read(dataset(', text_encoder: text.onnx'), text)).rejects.toThrow(
      /^a\.yaml:2:78 E_SPEC dataset\.onnx\.text_encoder: .*an input of int64 or int32 for a text encoder is expected, and ids: float32/,
    );
    await write('text.onnx', encoder(7));
    expect((await read(dataset(', text_encoder: text.onnx'), text)).points[0]!.dataset.textEncoder).toBe(
      join(folder, 'text.onnx'),
    );
    await write('net.onnx', network());
    await expect(read(dataset(', text_encoder: text.onnx'), text)).rejects.toThrow(
      /^a\.yaml:2:78 E_SPEC dataset\.onnx\.text_encoder: the network attends to no prompt/,
    );
    await expect(read(dataset(', inputs: { x: y }'))).rejects.toThrow(
      /dataset\.checkpoint: .*it has no input "y" for inputs\.x; it maps x: float32 \[\?, 3, 8, 8\]/,
    );
    await write('net.onnx', networkOf(4));
    await expect(read(dataset())).rejects.toThrow(
      /^a\.yaml:2:24 E_SPEC dataset\.checkpoint: the network denoises 4 channels, and a picture has 1 \(grey\) or 3 \(RGB\): .* add what decodes them as onnx\.decoder/,
    );
    await write('dec.onnx', network());
    await expect(read(dataset(', decoder: dec.onnx, scale_factor: 1'))).rejects.toThrow(
      /^a\.yaml:2:73 E_SPEC dataset\.onnx\.decoder: .*a decoder of latents has one input/,
    );
  });
});

const file = (onnx: string, more = '') => spec(`{ checkpoint: net.onnx, onnx: ${onnx}${more} }`);

it.each([
  [
    spec('{ checkpoint: net.onnx }'),
    /^2:24 dataset\.checkpoint: an ONNX file does not say what its network gives: add onnx/,
  ],
  [
    spec('{ checkpoint: a.pkl, onnx: { parametrization: edm } }'),
    /^2:31 dataset\.onnx: nothing reads it: only a checkpoint that is ONNX/,
  ],
  [
    file('{ parametrization: score }'),
    /dataset\.onnx\.parametrization: "score" is no name .* One of denoiser, edm, eps, v, x0/,
  ],
  [file('{ parametrization: v }'), /parametrization: v is of the noise of a training: add betas, as/],
  [
    file('{ parametrization: denoiser }'),
    /parametrization: a denoiser does not say what noise .*: add sigma_min and sigma_max .* or betas/,
  ],
  [
    file('{ parametrization: edm, betas: { type: linear } }'),
    /dataset\.onnx\.betas: nothing reads it: edm is of no noise in discrete times/,
  ],
  [
    file('{ parametrization: eps, betas: { type: cosine, start: 0.1 } }'),
    /dataset\.onnx\.betas\.start: nothing reads it: only linear and scaled_linear/,
  ],
  [
    file('{ parametrization: eps, sigma_data: 1, betas: { type: cosine } }'),
    /dataset\.onnx\.sigma_data: nothing reads it: only edm/,
  ],
  [
    file('{ parametrization: eps, betas: { type: explicit } }'),
    /betas\.type: explicit betas are .* add alphas_cumprod/,
  ],
  [
    file('{ parametrization: eps, betas: { type: explicit, alphas_cumprod: [0.9, 0.95] } }'),
    /alphas_cumprod: alphas_cumprod\[1\] is 0\.95: they fall/,
  ],
  [
    file('{ parametrization: eps, betas: { type: linear, start: 0.03 } }'),
    /betas\.start: start 0\.03 must be below end 0\.02/,
  ],
  [
    file('{ parametrization: edm }', ', network: { num_heads: 2 }'),
    /dataset\.network: nothing reads it: it tells what weights/,
  ],
  [
    `${file('{ parametrization: edm }')}guidance: { type: cfg, prompt: a cat }`,
    /guidance\.type: cfg leads to a prompt, .* add its text encoder as dataset\.onnx\.text_encoder/,
  ],
  [
    `${file('{ parametrization: edm, text_encoder: t.onnx }')}guidance: { type: cg, rate: 2 }`,
    /guidance\.type: the network of an ONNX file has no gradient of a classifier/,
  ],
  [
    `${file('{ parametrization: edm }')}guidance: { type: uncond }`,
    /guidance\.type: uncond is of latent diffusion without prompts: .*dataset\.onnx\.decoder/,
  ],
  [
    file('{ parametrization: edm, text_encoder: t.onnx }'),
    /dataset\.onnx\.text_encoder: a network with a text encoder draws what it is told: add guidance/,
  ],
  [
    file('{ parametrization: edm, decoder: d.onnx }'),
    /dataset\.onnx\.decoder: a decoder does not say .*: add scale_factor beside it, 0\.18215 for/,
  ],
  [
    file('{ parametrization: edm }', ', first_stage: vq.ckpt'),
    /dataset\.first_stage: nothing reads it: an ONNX file has its decoder as onnx\.decoder/,
  ],
  [
    file('{ parametrization: edm, scale_factor: 2 }'),
    /dataset\.onnx\.scale_factor: nothing reads it: only a decoder has latents/,
  ],
])('%s', async (text, message) => {
  const found = await problems(text);
  expect(found).toEqual([expect.stringMatching(message)]);
});
