import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { decodeImage } from '@fewstep/metrics/images';
import { readNpz } from '@fewstep/metrics/npz';
import {
  classifierFree,
  exportDecoder,
  exportDenoiser,
  exportTextEncoder,
  openDecoder,
  openDenoiser,
  openTextEncoder,
  openTokenizer,
  readAdmCheckpoint,
  readCmCheckpoint,
  readLatentCheckpoint,
  readSafetensors,
  readStateDict,
  toUint8,
  writeSafetensors,
} from '@fewstep/models';
import { noiseTableOf, sigmas } from '@fewstep/schedules';
import { type Denoise, draw, euler, rngs, solve } from '@fewstep/solvers';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { experimentJson } from './command-json.js';
import { fewstep, root } from './command-line.js';
import { consistency, save, stableDiffusionTold } from './public-files/tiny-models.js';
import { workspace } from './small-experiment.js';

const fixture = (name: string) => join(root, 'packages/models/fixtures', name);
/** What the small networks of ADM's kind were trained with, and don't show. */
const unseen = { image_size: 16, num_head_channels: 16, attention_order: 'heads-qkv-channels' } as const;
const admTold = {
  ...unseen,
  noise_schedule: 'linear',
  diffusion_steps: 1000,
  parametrization: 'eps',
} as const;
const classifierTold = { num_head_channels: 16, attention_order: unseen.attention_order } as const;
const prompts = ['a red cat', 'a dog'];

const spec = `name: families
dataset:
  checkpoint: ${fixture('sd-tiny.ckpt')}
  tokenizer: tokenizer
  network: ${JSON.stringify(stableDiffusionTold)}
guidance: { type: cfg, rate: 3, prompt: [${prompts.join(', ')}] }
schedule: { type: discrete }
student: { solver: euler, num_steps: 3 }
train: false
sample: { seeds: 3-6, batch: 3, grid: 2x2 }
`;

let others = 0;
/** Each with a name of its own. */
const other = (dataset: string, more: string) => `name: other-${others++}
dataset: ${dataset}
schedule: { type: polynomial }
student: { solver: euler, num_steps: 3 }
train: false
sample: { seeds: 3-4, grid: 2x1 }
${more}`;

let dir: string;
beforeAll(async () => {
  dir = await workspace(spec);
  await mkdir(join(dir, 'tokenizer'));
  await writeFile(join(dir, 'tokenizer/vocab.json'), JSON.stringify(vocabulary()));
  await writeFile(join(dir, 'tokenizer/merges.txt'), '#version: 0.2\nr e\nre d</w>\n');
  save(join(dir, 'cm.safetensors'), await consistency());
});
afterAll(() => rm(dir, { recursive: true, force: true }));

/** Letters, within a word and at its end, and one word; as large as that of the tiny text encoder. */
function vocabulary(): Record<string, number> {
  const letters = [...'abcdefghijklmnopqrstuvwxyz'];
  const tokens = [...letters, ...letters.map((letter) => `${letter}</w>`), 're', 'red</w>'];
  const numbers = Object.fromEntries(tokens.map((token, i) => [token, i]));
  return { ...numbers, '<|startoftext|>': 118, '<|endoftext|>': 119 };
}

const json = async (...args: string[]) => {
  const { code, stdout, stderr } = await fewstep([...args, '--json'], { cwd: dir });
  expect(code, stderr).toBe(0);
  return experimentJson(stdout);
};

/** The images of a point, [n × C·R·R], from its one shard. */
const imagesOf = async (point: { artifacts: { samples: string[] } }) =>
  readSafetensors(await readFile(point.artifacts.samples[0]!)).images!.data as Uint8Array;

/** Two Euler steps from a seed's latent, by the packages alone. */
async function sample(seed: number, shape: readonly number[], levels: Float64Array, denoise: Denoise) {
  const { latent } = draw(seed, shape, 0, rngs['torch-cpu']);
  const x = latent.map((value) => value * levels[0]!);
  return (await solve({ solver: euler, x, n: 1, sigmas: levels, denoise })).x;
}

describe('Stable Diffusion', () => {
  it('goes from spec to picture under guidance to a prompt', async () => {
    const { points } = await json('run', 'spec.yaml');
    expect(points).toMatchObject([{ nfe: 2, forwards: 4 }]);
    const picture = await sharp(join(dir, points[0].artifacts.grid)).metadata();
    expect(picture).toMatchObject({ width: 64, height: 64, channels: 3 });

    const model = await readLatentCheckpoint(fixture('sd-tiny.ckpt'), stableDiffusionTold);
    const { graph, info } = exportDenoiser(model);
    const text = exportTextEncoder(model);
    const encoder = await openTextEncoder(text.graph, text.info);
    const { encode } = await openTokenizer(join(dir, 'tokenizer'));
    const hidden = (prompt: string) => encoder.encode([encode(prompt, 77)]);
    const denoiser = classifierFree(await openDenoiser(graph, info), {
      rate: 3,
      unconditional: await hidden(''),
    });
    const { alphasCumprod, sigmaMin, sigmaMax } = info;
    const schedule = { type: 'discrete', rho: 1, table: noiseTableOf(alphasCumprod!) } as const;
    const levels = sigmas(schedule, { numSteps: 3, sigmaMin, sigmaMax });
    const first = exportDecoder(model);
    const decoder = await openDecoder(first.graph, first.info);
    const found = await imagesOf(points[0]);
    const size = 3 * 32 * 32;
    for (const [i, seed] of [3, 4, 5, 6].entries()) {
      const condition = await hidden(prompts[seed % 2]!);
      const latent = await sample(seed, [4, 16, 16], levels, (request) =>
        denoiser.evaluate({ ...request, condition }),
      );
      const image = toUint8((await decoder.decode(latent)).images);
      expect(found.slice(i * size, (i + 1) * size)).toEqual(image);
    }
    for (const one of [denoiser, encoder, decoder]) await one.close();
  });

  it('has its latents in no bounds but those that the spec asks for, which the table says', async () => {
    const points = [
      '{ label: unbounded, student.solver: dpmpp }',
      '{ label: free, student: { solver: unipc, thresholding: none } }',
      '{ label: bounded, student: { solver: dpmpp, thresholding: dynamic } }',
      '{ label: slope, student: { solver: dpmpp, predict_x0: false } }',
    ];
    const text = spec.replace('seeds: 3-6, batch: 3', 'seeds: 3');
    await writeFile(
      join(dir, 'bounds.yaml'),
      `${text.replace('families', 'bounds')}grid: { points: [${points.join(', ')}] }\n`,
    );
    const report = await json('run', 'bounds.yaml', '--results', 'bounds');
    const told = report.points.map((point: { thresholding?: string }) => point.thresholding);
    expect(told).toEqual(['none', 'none', 'dynamic', undefined]);
    const [unbounded, , bounded] = await Promise.all(report.points.map(imagesOf));
    expect(unbounded).not.toEqual(bounded);
    const table = await readFile(join(dir, 'bounds/bounds/table.md'), 'utf8');
    expect(table).toMatch(/\n\nWith dynamic thresholding: bounded\.\n$/);
    const sampled = await fewstep(['sample', 'bounds.yaml', '--outdir', 'pictures'], { cwd: dir });
    expect(sampled.stdout).toMatch(/^bounded: 1 images in [^,]*, with dynamic thresholding$/m);
    expect(sampled.stdout).toMatch(/^unbounded: 1 images in [^,]*$/m);
  });

  it('takes prompts from a file, of which many are encoded as they are needed', async () => {
    await writeFile(join(dir, 'some.csv'), `id,text\n7,${prompts[0]}\n8,"${prompts[1]}"\n`);
    await json('run', 'spec.yaml');
    const fromFile = spec
      .replace(/prompt: .*\]/, 'prompts: some.csv')
      .replace('name: families', 'name: file');
    await writeFile(join(dir, 'file.yaml'), fromFile);
    expect((await json('run', 'file.yaml')).tasks).toMatchObject({ computed: 0 });

    const words = ['red', 'cat', 'dog', 'car'];
    const line = (i: number) => words.map((word, k) => word.repeat(1 + ((i >> k) % 2))).join(' ');
    await writeFile(join(dir, 'many.txt'), Array.from({ length: 300 }, (_, i) => line(i)).join('\n'));
    const many = ['--set', 'guidance.prompts=many.txt', '--set'];
    const blocks = async (seeds: string) => {
      const { tasks } = await json('plan', 'file.yaml', ...many, `sample.seeds=${seeds}`);
      return tasks.filter(({ kind }: { kind: string }) => kind === 'conditions').length;
    };
    expect([await blocks('0-3'), await blocks('254-257'), await blocks('300-303')]).toEqual([1, 2, 1]);
    const seeds = 'sample.seeds=254-257';
    const long = await json('run', 'file.yaml', ...many, seeds);
    const few = JSON.stringify([256, 257, 254, 255].map(line));
    const short = await json('run', 'spec.yaml', '--set', `guidance.prompt=${few}`, '--set', seeds);
    expect(await imagesOf(long.points[0])).toEqual(await imagesOf(short.points[0]));
    const other = await json('run', 'spec.yaml', '--set', seeds);
    expect(await imagesOf(other.points[0])).not.toEqual(await imagesOf(short.points[0]));
  });

  it('has its first stage in a file of its own, or none', async () => {
    const tensors = Object.entries(await readStateDict(fixture('sd-tiny.ckpt')));
    const part = (isTaken: (name: string) => boolean, length = 0) =>
      writeSafetensors(
        Object.fromEntries(
          tensors.filter(([name]) => isTaken(name)).map(([name, one]) => [name.slice(length), one]),
        ),
      );
    const prefix = 'first_stage_model.';
    const isFirstStage = (name: string) => name.startsWith(prefix);
    await writeFile(
      join(dir, 'trained.safetensors'),
      part((name) => !isFirstStage(name)),
    );
    await writeFile(join(dir, 'vq.safetensors'), part(isFirstStage, prefix.length));
    const apart = ['--set', 'dataset.checkpoint=trained.safetensors'];
    const { points } = await json(
      'run',
      'spec.yaml',
      ...apart,
      '--set',
      'dataset.first_stage=vq.safetensors',
    );
    const whole = await json('run', 'spec.yaml');
    expect(await imagesOf(points[0])).toEqual(await imagesOf(whole.points[0]));
    const { stderr } = await fewstep(['run', 'spec.yaml', ...apart], { cwd: dir });
    expect(stderr).toMatch(/E_SPEC dataset\.checkpoint: trained\.safetensors: it has no first stage/);
  });

  it('gives the same picture in TF.js', async () => {
    const runtime = await json('run', 'spec.yaml');
    const tensors = await json('run', 'spec.yaml', '--device', 'tfjs', '--store', 'in-tfjs');
    expect(tensors.tasks.local).toBe(0);
    const [expected, found] = [await imagesOf(runtime.points[0]), await imagesOf(tensors.points[0])];
    expect(found).toHaveLength(expected.length);
    for (const [i, value] of found.entries()) expect(Math.abs(value - expected[i]!)).toBeLessThanOrEqual(1);
  });

  it('has the prompt in the samples’ key alone, and the rate with it', async () => {
    const missing = async (set: string) => {
      const { tasks } = await json('plan', 'spec.yaml', '--set', set);
      return tasks
        .filter(({ found }: { found: boolean }) => !found)
        .map(({ kind }: { kind: string }) => kind);
    };
    expect(await missing('sample.batch=2')).toEqual([]);
    expect(await missing('guidance.rate=2')).toEqual(['samples', 'picture', 'comparison']);
    expect(await missing('guidance.prompt=a dog')).toEqual([
      'conditions',
      'samples',
      'picture',
      'comparison',
    ]);
  });

  it('trains a predictor through guidance, whose file tells it', async () => {
    const train = ['name=trained', 'train={ total_kimg: 0.004, batch: 4 }', 'student.solver=amed'];
    const { points } = await json('run', 'spec.yaml', ...train.flatMap((value) => ['--set', value]));
    expect(points).toMatchObject([{ nfe: 4, forwards: 8 }]);
    const trained = await imagesOf(points[0]);
    const dataset = `{ checkpoint: ${fixture('sd-tiny.ckpt')}, tokenizer: tokenizer, network: ${JSON.stringify(stableDiffusionTold)} }`;
    const used = `name: used
dataset: ${dataset}
predictor: ${points[0].artifacts.predictor}
guidance: { prompt: [${prompts.join(', ')}] }
sample: { seeds: 3-6 }
`;
    await writeFile(join(dir, 'used.yaml'), used);
    const again = await json('run', 'used.yaml');
    expect(await imagesOf(again.points[0])).toEqual(trained);
    const { stderr } = await fewstep(['validate', 'used.yaml', '--set', 'guidance.rate=5'], { cwd: dir });
    expect(stderr).toMatch(/guidance\.rate: found 5, but .* was trained with 3/);
    // alone, by the name of its results: prompts from a file, and states that are decoded to be shown
    await writeFile(join(dir, 'captions.txt'), `${prompts.join('\n')}\n`);
    const alone = ['--predictor', 'trained', '--set', `dataset=${dataset}`, '--prompts', 'captions.txt'];
    const sampled = await json('sample', ...alone, '--seeds', '3-6', '--return-inters');
    const folder = 'samples/sample/amed_nfe8'; // two passes in each of four evaluations
    expect(sampled).toMatchObject({ points: [{ folder, images: 4 }], tasks: { computed: 2 } });
    const { inters } = await readNpz(join(dir, folder, 'inters/inters.npz'));
    expect(inters!.shape).toEqual([3, 4, 4, 16, 16]);
    const png = async (name: string) => decodeImage(await readFile(join(dir, folder, name)), name);
    const [shown, first] = [await png('inters/inters.png'), await png('000003.png')];
    expect([shown.height, shown.width]).toEqual([4 * 32, 3 * 32]);
    expect(shown.data.subarray(64, 96)).toEqual(first.data.subarray(0, 32));
  });
});

describe('ADM', () => {
  it('is guided by its classifier', async () => {
    const files = { diffusion: fixture('adm-diffusion.pt'), classifier: fixture('adm-classifier.pt') };
    const network = JSON.stringify({
      ...admTold,
      classifier_num_head_channels: 16,
      classifier_attention_order: unseen.attention_order,
    });
    const dataset = `{ checkpoint: ${files.diffusion}, classifier: ${files.classifier}, network: ${network} }`;
    await writeFile(
      join(dir, 'adm.yaml'),
      other(dataset, 'guidance: { type: cg, rate: 2 }\ngrid: { sample.classes: [1, 7] }'),
    );
    const { points } = await json('run', 'adm.yaml');
    const told = { diffusion: admTold, classifier: classifierTold };
    const { graph, info } = exportDenoiser(await readAdmCheckpoint(files, told), { guidanceRate: 2 });
    const denoiser = await openDenoiser(graph, info);
    const levels = sigmas({ type: 'polynomial', rho: 7 }, { numSteps: 3, ...info });
    for (const [i, label] of [1, 7].entries()) {
      expect(points[i]).toMatchObject({ nfe: 2 });
      expect(points[i]).not.toHaveProperty('forwards');
      const x = await sample(3, [3, 16, 16], levels, (request) =>
        denoiser.evaluate({ ...request, labels: [label] }),
      );
      expect((await imagesOf(points[i])).slice(0, 3 * 16 * 16)).toEqual(toUint8(x));
    }
    await denoiser.close();
  });
});

describe('Consistency Models', () => {
  it('run from their weights alone, over EDM’s range', async () => {
    await writeFile(
      join(dir, 'cm.yaml'),
      other(`{ checkpoint: cm.safetensors, network: ${JSON.stringify({ family: 'cm', ...unseen })} }`, ''),
    );
    const { points } = await json('run', 'cm.yaml');
    const checkpoint = await readCmCheckpoint(join(dir, 'cm.safetensors'), unseen);
    const { graph, info } = exportDenoiser(checkpoint);
    const denoiser = await openDenoiser(graph, info);
    const levels = sigmas({ type: 'polynomial', rho: 7 }, { numSteps: 3, sigmaMin: 0.002, sigmaMax: 80 });
    const x = await sample(3, [3, 16, 16], levels, (request) => denoiser.evaluate(request));
    expect((await imagesOf(points[0])).slice(0, 3 * 16 * 16)).toEqual(toUint8(x));
    await denoiser.close();
  });
});

describe('guidance that a model has not', () => {
  const edm = fixture('edm-ncsnpp-uncond.p2.pkl');
  it.each([
    [edm, 'guidance: { type: uncond }', /E_SPEC guidance\.type: .* remove guidance/],
    [
      `${fixture('sd-tiny.ckpt')}, network: ${JSON.stringify(stableDiffusionTold)}`,
      '',
      /E_SPEC dataset\.checkpoint: .*add guidance: \{ type: cfg, prompt: … \}/,
    ],
    [edm, 'schedule: { type: discrete }', /E_MODEL schedule\.type discrete .* take polynomial/],
  ])('is refused as wrong input: %s %s', async (checkpoint, more, message) => {
    const text = other(`{ checkpoint: ${checkpoint} }`, more);
    const once = more.startsWith('schedule') ? text.replace('schedule: { type: polynomial }\n', '') : text;
    await writeFile(join(dir, 'wrong.yaml'), once);
    const { code, stderr } = await fewstep(['run', 'wrong.yaml'], { cwd: dir });
    expect(stderr).toMatch(message);
    expect(code).toBe(2);
  });
});
