import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readSafetensors } from '@fewstep/models';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { experimentJson } from './command-json.js';
import { fewstep, root } from './command-line.js';
import { withExternalWeights } from './external-weights.js';
import { tiny } from './small-experiment.js';

const spec = (dataset: string) => `name: small
dataset: ${dataset}
schedule: { type: polynomial, rho: 7 }
student: { solver: amed, num_steps: 3, afs: true }
train: { total_kimg: 0.016, batch: 8 }
sample: { seeds: 0-3, batch: 4, grid: 2x2 }
`;
const onnx = (file: string, more = '') =>
  `{ checkpoint: ${file}, sigma_min: 0.002, sigma_max: 80, onnx: { parametrization: denoiser${more} } }`;

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'fewstep-'));
  const { code, stderr } = await fewstep(['models', 'export', tiny, '--outdir', dir], { cwd: dir });
  expect(code, stderr).toBe(0);
});
afterAll(() => rm(dir, { recursive: true, force: true }));

async function run(name: string, dataset: string, ...args: string[]) {
  await writeFile(join(dir, `${name}.yaml`), spec(dataset));
  const command = ['run', `${name}.yaml`, '--json', '--results', name, ...args];
  const { code, stdout, stderr } = await fewstep(command, { cwd: dir });
  expect(code, stderr).toBe(0);
  const { points, tasks } = experimentJson(stdout);
  const { artifacts, nfe } = points[0];
  return {
    nfe,
    computed: tasks.computed,
    predictor: artifacts.predictor && (await readFile(join(dir, artifacts.predictor))),
    images: readSafetensors(await readFile(artifacts.samples[0])).images!.data,
    warnings: stderr.match(/^warning:.*/gm) ?? [],
  };
}

describe('a denoiser in an ONNX file', () => {
  it('trains the predictor that its checkpoint trains, and gives its images, bit for bit', async () => {
    const checkpoint = await run('checkpoint', `{ checkpoint: ${tiny} }`);
    const file = await run('file', onnx('denoiser/model.onnx'));
    // what is made of the images is found, for they are the same
    expect(file).toEqual({ ...checkpoint, computed: checkpoint.computed - 2 });
    expect(file).toMatchObject({ nfe: 3, warnings: [] });
    expect(file.predictor.length).toBeGreaterThan(30_000);
  });

  it('without a bottleneck trains on zeros, and says so once in a run', async () => {
    const graph = await readFile(join(dir, 'denoiser/model.onnx'), 'latin1');
    expect(graph).toContain('bottleneck');
    await writeFile(join(dir, 'blind.onnx'), graph.replaceAll('bottleneck', 'in_between'), 'latin1');
    const warning = /^warning: denoiser from .*blind\.onnx has no bottleneck, so that predictors read zeros/;
    const blind = await run('blind', onnx('blind.onnx', ', output: denoised'));
    expect(blind).toMatchObject({ nfe: 3, warnings: [expect.stringMatching(warning)] });
    const again = await run('blind', onnx('blind.onnx', ', output: denoised'));
    expect(again).toEqual({ ...blind, computed: 0 });
    const plain = ['--set', 'student={ solver: euler, num_steps: 4 }', '--set', 'train=false'];
    const { warnings } = await run('plain', onnx('blind.onnx', ', output: denoised'), ...plain);
    expect(warnings).toEqual([]);
    const named = await run('named', onnx('blind.onnx', ', output: denoised, bottleneck: in_between'));
    expect(named.warnings).toEqual([]);
    const { images } = await run('file', onnx('denoiser/model.onnx'));
    expect(named.images).toEqual(images);
    expect(blind.images).not.toEqual(images);
  });

  it('is the same with its weights in a file beside it, which must be there', async () => {
    const inside = await readFile(join(dir, 'denoiser/model.onnx'));
    const { graph, weights } = withExternalWeights(inside, 'model.onnx_data');
    expect(graph.length).toBeLessThan(inside.length / 2);
    await mkdir(join(dir, 'outside'));
    await writeFile(join(dir, 'outside/model.onnx'), graph);
    await writeFile(join(dir, 'outside.yaml'), spec(onnx('outside/model.onnx')));
    const { code, stderr } = await fewstep(['run', 'outside.yaml'], { cwd: dir });
    expect([code, stderr]).toEqual([
      2,
      'outside.yaml:2:24 E_SPEC dataset.checkpoint: its weights are in outside/model.onnx_data, which is not there: put it beside the ONNX file.\n',
    ]);
    await writeFile(join(dir, 'outside/model.onnx_data'), weights);
    const [found, file] = [
      await run('outside', onnx('outside/model.onnx')),
      await run('file', onnx('denoiser/model.onnx')),
    ];
    expect(found.images).toEqual(file.images);
    expect(found.predictor).toEqual(file.predictor);
    expect(found.computed).toBeGreaterThan(0);
    // other weights under the same name are another model
    weights.fill(0, weights.length / 2);
    await writeFile(join(dir, 'outside/model.onnx_data'), weights);
    expect((await run('outside', onnx('outside/model.onnx'))).images).not.toEqual(file.images);
  });

  it('that is none is wrong input', async () => {
    await writeFile(join(dir, 'broken.onnx'), 'no ONNX at all');
    await writeFile(join(dir, 'broken.yaml'), spec(onnx('broken.onnx')));
    const { code, stderr } = await fewstep(['validate', 'broken.yaml'], { cwd: dir });
    expect(stderr).toMatch(
      /^broken\.yaml:2:24 E_SPEC dataset\.checkpoint: .*broken\.onnx: no protocol buffer/,
    );
    expect(code).toBe(2);
  });

  it('is told by models inspect', async () => {
    const { stdout } = await fewstep(['models', 'inspect', 'denoiser/model.onnx'], { cwd: dir });
    expect(stdout).toMatch(/^denoiser\/model\.onnx: an ONNX graph\n {2}format {6}ONNX, [\d,]+ bytes\n/);
    expect(stdout).toMatch(/^ {2}operators {3}ai\.onnx 17, \d+ nodes, by fewstep$/m);
    expect(stdout).toMatch(/^ {2}inputs {6}x: float32 \[n, 3, 16, 16\]\n {14}sigma: float32 \[n\]$/m);
    expect(stdout).toMatch(/^ {2}outputs {5}denoised: float32 \[n, 3, 16, 16\]\n {14}bottleneck: /m);
  });
});

describe('Stable Diffusion as ONNX files', () => {
  const prompts = (dataset: string) => `name: prompts
dataset: ${dataset}
guidance: { type: cfg, rate: 3, prompt: [a red cat, a dog] }
schedule: { type: discrete }
student: { solver: dpmpp, num_steps: 4, max_order: 2, predict_x0: false }
train: false
sample: { seeds: 3-6, batch: 3, grid: 2x2 }
`;

  async function images(name: string, dataset: string): Promise<Uint8Array> {
    await writeFile(join(dir, `${name}.yaml`), prompts(dataset));
    const command = ['run', `${name}.yaml`, '--json', '--results', name];
    const { code, stdout, stderr } = await fewstep(command, { cwd: dir });
    expect(code, stderr).toBe(0);
    const { artifacts, nfe, forwards } = experimentJson(stdout).points[0];
    expect([nfe, forwards]).toEqual([3, 6]);
    return readSafetensors(await readFile(artifacts.samples[0])).images!.data as Uint8Array;
  }

  it('gives the pictures of the checkpoint that they come from', async () => {
    const checkpoint = join(root, 'packages/models/fixtures/sd-tiny.ckpt');
    const unseen = {
      num_heads: 4,
      image_size: 16,
      parametrization: 'eps',
      scale_factor: 0.18215,
      num_attention_heads: 4,
      hidden_act: 'quick_gelu',
    };
    const told = ['--network', JSON.stringify(unseen)];
    // its text encoder has 120 tokens, of which prompts use those of letters
    const tokens = [...'abcdefghijklmnopqrstuvwxyz'].flatMap((letter) => [letter, `${letter}</w>`]);
    const numbers = Object.fromEntries(tokens.map((token, i) => [token, i]));
    const vocabulary = { ...numbers, '<|startoftext|>': 118, '<|endoftext|>': 119 };
    await mkdir(join(dir, 'sd/tokenizer'), { recursive: true });
    await writeFile(join(dir, 'sd/tokenizer/vocab.json'), JSON.stringify(vocabulary));
    await writeFile(join(dir, 'sd/tokenizer/merges.txt'), '#version: 0.2\n');
    const expected = await images(
      'original',
      `{ checkpoint: ${checkpoint}, tokenizer: sd/tokenizer, network: ${JSON.stringify(unseen)} }`,
    );
    const difference = (found: Uint8Array) => {
      expect(found).toHaveLength(expected.length);
      return found.reduce((most, value, i) => Math.max(most, Math.abs(value - expected[i]!)), 0);
    };

    const exported = await fewstep(['models', 'export', checkpoint, '--outdir', 'out', ...told], {
      cwd: dir,
    });
    expect(exported.code, exported.stderr).toBe(0);
    expect(
      difference(await images('folder', '{ checkpoint: out, tokenizer: sd/tokenizer }')),
    ).toBeLessThanOrEqual(1);

    const files = `{
  checkpoint: out/denoiser/model.onnx, tokenizer: sd/tokenizer,
  onnx: { parametrization: denoiser, betas: { type: scaled_linear }, text_encoder: out/text-encoder/model.onnx,
    decoder: out/decoder/model.onnx, scale_factor: 1 } }`;
    expect(difference(await images('files', files))).toBeLessThanOrEqual(1);

    // the folders of Optimum
    for (const [from, to] of [
      ['denoiser', 'unet'],
      ['decoder', 'vae_decoder'],
      ['text-encoder', 'text_encoder'],
    ])
      await cp(join(dir, 'out', from!, 'model.onnx'), join(dir, 'sd', to!, 'model.onnx'));
    const configurations = {
      unet: { in_channels: 4, sample_size: 16 },
      vae_decoder: { scaling_factor: 1 },
      scheduler: {
        beta_schedule: 'scaled_linear',
        beta_start: 0.00085,
        beta_end: 0.012,
        num_train_timesteps: 1000,
      },
    };
    await mkdir(join(dir, 'sd/scheduler'));
    for (const [part, configuration] of Object.entries(configurations))
      await writeFile(
        join(dir, 'sd', part, part === 'scheduler' ? 'scheduler_config.json' : 'config.json'),
        JSON.stringify(configuration),
      );
    const optimum = '{ checkpoint: sd, onnx: { parametrization: denoiser } }';
    expect(difference(await images('optimum', optimum))).toBeLessThanOrEqual(1);
  });
});
