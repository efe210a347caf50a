import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
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
    expect(await betas('explicit', ', alphas_cumprod: [0.9, 0.5]')).toMatchObject({
      betas: { type: 'explicit', alphasCumprod: [0.9, 0.5] },
    });
  });

  it('has EDM’s range where it is parametrised as EDM’s networks', async () => {
    const { points } = await parse(
      spec(
        '{ checkpoint: net.onnx, onnx: { parametrization: edm, inputs: { x: image }, output: out, classes: 10 } }',
      ),
    );
    expect(points[0]!.dataset).toEqual({
      checkpoint: '/home/me/net.onnx',
      sigmaMin: 0.002,
      sigmaMax: 80,
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

/** A field of protocol buffers that holds bytes, fewer than 128. */
const field = (number: number, bytes: Iterable<number>) => [number * 8 + 2, [...bytes].length, ...bytes];

it('needs the files that its weights are in', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'fewstep-'));
  const entry = [...field(1, Buffer.from('location')), ...field(2, Buffer.from('net.bin'))];
  const tensor = [0x08, 1, 0x10, 1, ...field(8, Buffer.from('w')), ...field(13, entry)];
  await writeFile(
    join(folder, 'net.onnx'),
    Uint8Array.from([...field(7, field(5, tensor)), ...field(8, [0x10, 17])]),
  );
  const text = spec('{ checkpoint: net.onnx, onnx: { parametrization: edm } }');
  const read = () => parseExperiment(text, join(folder, 'a.yaml'), { cwd: folder });
  const experiment = await read();
  expect(experiment.points[0]!.dataset.weights).toEqual([join(folder, 'net.bin')]);
  expect(missingFiles(experiment).map(({ message }) => message)).toEqual([
    'a.yaml:2:24 E_SPEC dataset.checkpoint: its weights are in net.bin, which is not there: put it beside the checkpoint.',
  ]);
  await writeFile(join(folder, 'net.bin'), new Uint8Array(4));
  expect(missingFiles(experiment)).toEqual([]);
  await writeFile(join(folder, 'net.onnx'), 'no ONNX at all');
  expect((await read()).points[0]!.dataset).not.toHaveProperty('weights');
  await rm(folder, { recursive: true });
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
    /parametrization: a denoiser does not say what noise it was trained on: add sigma_min and sigma_max/,
  ],
  [
    file('{ parametrization: edm, betas: { type: linear } }'),
    /dataset\.onnx\.betas: nothing reads it: only eps, v and x0 are/,
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
    /guidance\.type: the network of an ONNX file can be led by nothing but classes: remove guidance/,
  ],
])('%s', async (text, message) => {
  const found = await problems(text);
  expect(found).toEqual([expect.stringMatching(message)]);
});
