import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { completeOnnxFolder, inspectOnnxFolder } from './onnx-folder.js';
import { parseExperiment } from './parse-experiment.js';
import type { Place } from './problem.js';
import { type Dict, toJs, treeOf } from './tree.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fewstep-'));
});
afterEach(() => rm(folder, { recursive: true }));

async function write(files: Record<string, unknown>): Promise<void> {
  for (const [name, content] of Object.entries(files)) {
    await mkdir(join(folder, dirname(name)), { recursive: true });
    await writeFile(join(folder, name), typeof content === 'string' ? content : JSON.stringify(content));
  }
}

const place: Place = { file: 'a.yaml', line: 2, column: 10, layer: 0 };

/** The dataset of a spec after its folder was looked at, and what there is to complain about. */
function completed(dataset: object, guidance?: object) {
  const complaints: string[] = [];
  const tree = completeOnnxFolder(
    treeOf({ dataset, ...(guidance && { guidance }) }, place) as Dict,
    { specFolder: folder, cwd: folder },
    (_, path, sentence) => complaints.push(`${path}: ${sentence}`),
  );
  return { dataset: (toJs(tree) as { dataset: object }).dataset, complaints };
}

const optimum = {
  'sd/unet/model.onnx': '',
  'sd/unet/config.json': { in_channels: 4, sample_size: 64 },
  'sd/vae_decoder/model.onnx': '',
  'sd/vae_decoder/config.json': { scaling_factor: 0.18215 },
  'sd/text_encoder/model.onnx': '',
  'sd/tokenizer/vocab.json': '{}',
  'sd/scheduler/scheduler_config.json': {
    beta_schedule: 'scaled_linear',
    beta_start: 0.00085,
    beta_end: 0.012,
    num_train_timesteps: 1000,
    trained_betas: null,
  },
};

describe('a folder as Optimum exports it', () => {
  it('says everything of the dataset', async () => {
    await write(optimum);
    expect(completed({ checkpoint: 'sd' }, { type: 'cfg' })).toEqual({
      complaints: [],
      dataset: {
        checkpoint: 'sd/unet/model.onnx',
        tokenizer: 'sd/tokenizer',
        onnx: {
          parametrization: 'eps',
          betas: { type: 'scaled_linear', start: 0.00085, end: 0.012, steps: 1000 },
          channels: 4,
          resolution: 64,
          text_encoder: 'sd/text_encoder/model.onnx',
          decoder: 'sd/vae_decoder/model.onnx',
          scale_factor: 0.18215,
        },
      },
    });
  });

  it('gives way to what is written', async () => {
    await write(optimum);
    const written = { parametrization: 'v', betas: { type: 'cosine' }, resolution: 96 };
    const { dataset } = completed({ checkpoint: 'sd', tokenizer: 'mine', onnx: written }, { type: 'cfg' });
    expect(dataset).toMatchObject({ tokenizer: 'mine', onnx: { ...written, channels: 4 } });
    expect(dataset).not.toHaveProperty('onnx.betas.start');
    expect(completed({ checkpoint: 'sd' }).dataset).not.toHaveProperty('tokenizer');
  });

  const scheduled = (more: object) =>
    write({
      ...optimum,
      'sd/scheduler/scheduler_config.json': { ...optimum['sd/scheduler/scheduler_config.json'], ...more },
    });

  it.each([
    [{ prediction_type: 'v_prediction' }, 'v', 'scaled_linear'],
    [{ prediction_type: 'sample', beta_schedule: 'linear' }, 'x0', 'linear'],
    [{ beta_schedule: 'squaredcos_cap_v2' }, 'eps', 'cosine'],
    [{ trained_betas: [0.5, 0.5], num_train_timesteps: 2 }, 'eps', 'explicit'],
  ])('of which the scheduler says %j', async (more, parametrization, type) => {
    await scheduled(more);
    const { dataset, complaints } = completed({ checkpoint: 'sd' }) as {
      dataset: { onnx: { parametrization: string; betas: object } };
      complaints: string[];
    };
    expect(complaints).toEqual([]);
    expect(dataset.onnx).toMatchObject({ parametrization, betas: { type } });
    if (type === 'cosine') expect(dataset.onnx.betas).not.toHaveProperty('start');
    if (type === 'explicit') expect(dataset.onnx.betas).toMatchObject({ alphas_cumprod: [0.5, 0.25] });
  });

  it.each([
    ['noise', { prediction_type: 'flow' }, /"flow"; .*; dataset\.onnx\.parametrization comes before it\.$/],
    ['noise', { rescale_betas_zero_snr: true }, /true; .*; dataset\.onnx\.betas comes before it\.$/],
    ['noise', { beta_schedule: 'sigmoid' }, /beta_schedule "sigmoid"; "linear" or "scaled_linear"/],
    ['bounds', { clip_sample: true }, /clip_sample true; only null or false can be read/],
    ['what nothing knows', { shift: 3 }, /shift 3; nothing here knows it/],
  ])('is complained of where the scheduler says of %s %j', async (what, more, message) => {
    await scheduled(more);
    const { complaints } = completed({ checkpoint: 'sd' });
    expect(complaints).toEqual([
      expect.stringMatching(/^dataset\.checkpoint: sd\/scheduler\/scheduler_config\.json says/),
    ]);
    expect(complaints[0]).toMatch(message);
    // what is written comes before what it says of noise
    const onnx = { parametrization: 'v', betas: { type: 'linear' } };
    expect(completed({ checkpoint: 'sd', onnx }).complaints).toEqual(what === 'noise' ? [] : complaints);
  });

  it('is complained of where another file says what is not read', async () => {
    await write({
      ...optimum,
      'sd/model_index.json': { _class_name: 'StableDiffusionXLPipeline' },
      'sd/vae_decoder/config.json': { shift_factor: 0.1 },
      'sd/text_encoder/config.json': { hidden_act: 'gelu', unheard: 1 },
      'sd/text_encoder_2/model.onnx': '',
    });
    expect(completed({ checkpoint: 'sd' }).complaints).toEqual([
      expect.stringMatching(/model_index\.json says _class_name "StableDiffusionXLPipeline"/),
      expect.stringMatching(/text_encoder\/config\.json says unheard 1/),
      expect.stringMatching(/sd\/text_encoder_2: Stable Diffusion XL and its kin/),
      expect.stringMatching(/vae_decoder\/config\.json says shift_factor 0\.1/),
    ]);
  });

  it('has the scale of its class where its configuration leaves it out', async () => {
    await write({ ...optimum, 'sd/vae_decoder/config.json': { _class_name: 'AutoencoderKL' } });
    expect(completed({ checkpoint: 'sd' }).dataset).toMatchObject({ onnx: { scale_factor: 0.18215 } });
  });

  it('is judged at the checkpoint', async () => {
    const text = `name: a
dataset: { checkpoint: sd }
guidance: { type: cfg, prompt: a }
schedule: { type: discrete }
student: { solver: euler, num_steps: 3 }
train: false
`;
    const problems = parseExperiment(text, join(folder, 'a.yaml'), { cwd: folder });
    await write({ ...optimum, 'sd/unet/config.json': { sample_size: 'four' } });
    await expect(problems).resolves.toMatchObject({});
    const read = () => parseExperiment(text, join(folder, 'a.yaml'), { cwd: folder });
    await expect(read()).rejects.toThrow(
      /^a\.yaml:2:24 E_SPEC dataset\.checkpoint: sd\/unet\/config\.json says sample_size "four"; a whole number/,
    );
    await write({ 'sd/unet/config.json': '{' });
    await expect(read()).rejects.toThrow(
      /^a\.yaml:2:24 E_SPEC dataset\.checkpoint: sd\/unet\/config\.json is no JSON object/,
    );
    await write({ 'sd/unet/config.json': {}, 'sd/vae_decoder/config.json': {} });
    await expect(read()).rejects.toThrow(/E_SPEC dataset\.onnx\.decoder: .* add scale_factor beside it/);
  });

  it('beside weights of diffusers’ own is left alone', async () => {
    await write({ ...optimum, 'sd/unet/diffusion_pytorch_model.safetensors': '' });
    expect(completed({ checkpoint: 'sd' }).dataset).toEqual({ checkpoint: 'sd' });
  });
});

describe('a folder as models export writes it', () => {
  it('says everything of a latent model', async () => {
    await write({
      'out/denoiser/model.onnx': '',
      'out/denoiser/info.json': { sigmaMin: 0.3, sigmaMax: 3, alphasCumprod: [0.9, 0.1] },
      'out/decoder/model.onnx': '',
      'out/text-encoder/model.onnx': '',
    });
    expect(completed({ checkpoint: 'out' }).dataset).toEqual({
      checkpoint: 'out/denoiser/model.onnx',
      onnx: {
        parametrization: 'denoiser',
        betas: { type: 'explicit', alphas_cumprod: [0.9, 0.1] },
        text_encoder: 'out/text-encoder/model.onnx',
        decoder: 'out/decoder/model.onnx',
        scale_factor: 1,
      },
    });
  });

  it('says the noise of one without a table', async () => {
    await write({ 'out/denoiser/model.onnx': '', 'out/denoiser/info.json': { sigmaMin: 0.3, sigmaMax: 3 } });
    expect(completed({ checkpoint: 'out', sigma_max: 2 }).dataset).toEqual({
      checkpoint: 'out/denoiser/model.onnx',
      sigma_min: 0.3,
      sigma_max: 2,
      onnx: { parametrization: 'denoiser' },
    });
  });
});

describe('a folder by itself', () => {
  const inspected = () => inspectOnnxFolder(join(folder, 'sd'));

  it('says its graphs, and what its configurations say', async () => {
    await write(optimum);
    const at = (...names: string[]) => join(folder, 'sd', ...names);
    const graphs = {
      checkpoint: at('unet/model.onnx'),
      text_encoder: at('text_encoder/model.onnx'),
      decoder: at('vae_decoder/model.onnx'),
    };
    const said = {
      parametrization: 'eps',
      betas: { type: 'scaled_linear', start: 0.00085, end: 0.012, steps: 1000 },
      channels: 4,
      resolution: 64,
      scale_factor: 0.18215,
    };
    const tokenizer = { tokenizer: at('tokenizer') };
    const from = (source: string, of: object) =>
      Object.fromEntries(Object.keys(of).map((name) => [name, source]));
    expect(inspected()).toEqual({
      options: { ...graphs, ...said, ...tokenizer },
      sources: { ...from('file', { ...graphs, ...tokenizer }), ...from('config', said) },
      parts: Object.values(graphs),
    });
  });

  it('says what is refused, and nothing of another', async () => {
    await write({ ...optimum, 'sd/scheduler/scheduler_config.json': { rescale_betas_zero_snr: true } });
    expect(inspected()!.problem).toMatch(/rescale_betas_zero_snr true; only null or false can be read/);
    await write({ 'sd/unet/diffusion_pytorch_model.safetensors': '' });
    expect(inspected()).toBeUndefined();
    expect(inspectOnnxFolder(join(folder, 'none'))).toBeUndefined();
  });
});
