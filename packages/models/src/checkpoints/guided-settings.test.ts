import { readFileSync } from 'node:fs';
import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { admTold, classifierTold } from '../adm-fixture.test.support.js';
import { openDenoiser } from '../denoiser.js';
import { exportDenoiser } from '../export-denoiser.js';
import { type PublishedNetwork, published, refused, withPublished } from '../families/published.js';
import { writeSafetensors } from '../files/safetensors.js';
import { readStateDict } from '../files/state-dict.js';
import { type Tensors, toFloat32 } from '../files/tensor.js';
import { inspectCheckpoint } from '../inspect-checkpoint.js';
import { guidedClassifier } from '../networks/guided-classifier.js';
import { guidedUNet } from '../networks/guided-unet.js';
import { alphasCumprod } from '../networks/noise-levels.js';
import { parameterShapes } from '../networks/parameters.js';
import type { Checkpoint } from './checkpoint.js';
import { admCheckpoint, cmCheckpoint, readAdmCheckpoint } from './guided-checkpoint.js';
import { classifierSettings, settled, uNetSettings } from './guided-settings.js';
import { readCheckpoint } from './read-checkpoint.js';

const fixture = (name: string) => new URL(`../../fixtures/${name}`, import.meta.url).pathname;
const diffusion = fixture('adm-diffusion.pt');
const refusal = (message: RegExp, evidence: object = {}) => ({
  code: 'E_CHECKPOINT',
  message: expect.stringMatching(message),
  evidence: expect.objectContaining(evidence),
});

/** Weights of which only names and shapes matter. */
const hollow = (shapes: Iterable<readonly [string, readonly number[]]>): Tensors =>
  Object.fromEntries(
    [...shapes].map(([name, shape]) => [name, { dtype: 'F32', shape, data: new Float32Array() }]),
  );

const networks = Object.entries<PublishedNetwork>(published);
/** The weights of a published network, as its flags have it. */
function weightsOf({ family, shows, hides }: PublishedNetwork): Tensors {
  const options = { num_head_channels: -1, num_heads: 1, num_heads_upsample: -1, ...shows, ...hides };
  return hollow(parameterShapes((family === 'adm-classifier' ? guidedClassifier : guidedUNet)(options)));
}
const settingsOf = (name: string, one: PublishedNetwork, weights = weightsOf(one)) =>
  one.family === 'adm-classifier'
    ? classifierSettings(weights, {}, `/models/${name}`)
    : uNetSettings(one.family, weights, {}, `/models/${name}`);

let folder: string;
let whole: Tensors;
/** The same network without a variance. */
let unlearned: Tensors;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fewstep-models-'));
  whole = await readStateDict(diffusion);
  const mean = (name: string): Tensors => {
    const { shape } = whole[name]!;
    const data = toFloat32(whole[name]!).slice(0, shape.reduce((a, b) => a * b, 1) / 2);
    return { [name]: { dtype: 'F32', shape: [shape[0]! / 2, ...shape.slice(1)], data } };
  };
  unlearned = { ...whole, ...mean('out.2.weight'), ...mean('out.2.bias') };
});
afterAll(() => rm(folder, { recursive: true }));
const saved = async (name: string, weights: Tensors) => {
  const path = join(folder, name);
  await writeFile(path, writeSafetensors(weights));
  return path;
};

describe('published networks', () => {
  it.each(networks)('%s is known by its name, and asks for nothing', (name, one) => {
    const settings = settingsOf(name, one);
    expect(settings.asked).toEqual({});
    const { num_heads = 1, num_head_channels = -1, attention_order, image_size } = one.hides;
    expect(settled(settings)).toMatchObject({ num_heads, num_head_channels, attention_order, image_size });
    for (const option of Object.keys(one.hides)) expect(settings.sources[option]).toBe('registry');
  });

  const legacy = 'heads-qkv-channels';
  const split = 'qkv-heads-channels';
  // as the flags of their repositories' READMEs and scripts have it
  it.each([
    ['64x64_diffusion.pt', 64, { num_head_channels: 64 }, split, 'cosine', 1000, false],
    ['128x128_diffusion.pt', 128, { num_heads: 4 }, legacy, 'linear', 1000, false],
    ['256x256_diffusion.pt', 256, { num_head_channels: 64 }, legacy, 'linear', 1000, false],
    ['256x256_diffusion_uncond.pt', 256, { num_head_channels: 64 }, legacy, 'linear', 1000, false],
    ['512x512_diffusion.pt', 512, { num_head_channels: 64 }, legacy, 'linear', 1000, false],
    ['lsun_horse_nodropout.pt', 256, { num_head_channels: 64 }, legacy, 'linear', 1000, false],
    ['imagenet64_uncond_100M_1500K.pt', 64, { num_heads: 4 }, legacy, 'cosine', 4000, true],
    ['imagenet64_cond_270M_250K.pt', 64, { num_heads: 4 }, legacy, 'cosine', 4000, false],
    ['cifar10_uncond_vlb_50M_500K.pt', 32, { num_heads: 4 }, legacy, 'cosine', 4000, true],
    ['lsun_uncond_100M_2400K_bs64.pt', 256, { num_heads: 1 }, legacy, 'linear', 1000, false],
    ['edm_imagenet64_ema.pt', 64, { num_head_channels: 64 }, split, undefined, undefined, undefined],
    ['edm_cat256_ema.pt', 256, { num_head_channels: 64 }, split, undefined, undefined, undefined],
    ['64x64_classifier.pt', 64, { num_head_channels: 64 }, legacy, undefined, undefined, undefined],
    ['512x512_classifier.pt', 512, { num_head_channels: 64 }, legacy, undefined, undefined, undefined],
  ] as const)(
    '%s: %d pixels, %o, %s, %s, %s steps, rescaled: %s',
    (name, image_size, heads, attention_order, noise_schedule, diffusion_steps, rescale_timesteps) => {
      const trained = { noise_schedule, diffusion_steps, rescale_timesteps, parametrization: 'eps' };
      const hides = { image_size, ...heads, attention_order, ...(noise_schedule && trained) };
      expect(published[name].hides).toEqual(hides);
    },
  );

  // what their authors' names and papers say of their size
  it.each([
    ['imagenet64_uncond_100M_1500K.pt', 100e6, 0.22],
    ['imagenet64_cond_270M_250K.pt', 270e6, 0.02],
    ['cifar10_uncond_50M_500K.pt', 50e6, 0.06],
    ['lsun_uncond_100M_1200K_bs128.pt', 100e6, 0.15],
    ['64x64_diffusion.pt', 296e6, 0.01],
    ['128x128_diffusion.pt', 422e6, 0.01],
    ['256x256_diffusion.pt', 554e6, 0.01],
    ['512x512_diffusion.pt', 559e6, 0.01],
  ] as const)('%s has about %d parameters', (name, expected, tolerance) => {
    const count = Object.values(weightsOf(published[name]))
      .map(({ shape }) => shape.reduce((a, b) => a * b, 1))
      .reduce((a, b) => a + b);
    expect(Math.abs(count / expected - 1)).toBeLessThan(tolerance);
  });

  it.each(['256x256_diffusion.pt', '256x256_classifier.pt', 'edm_bedroom256_ema.pt'] as const)(
    '%s has the weights that its file has',
    (name) => {
      const list = gunzipSync(readFileSync(fixture(`state-dicts/${name}.json.gz`))).toString();
      const found = hollow(Object.entries(JSON.parse(list).state_dict));
      expect(settingsOf(name, published[name], found).asked).toEqual({});
      expect(settingsOf('renamed.pt', published[name], found).like).toContain(name);
    },
  );

  it('that was trained on the cosine table sees its times', () => {
    const noiseOf = (name: 'cifar10_uncond_50M_500K.pt' | '64x64_diffusion.pt') =>
      admCheckpoint(weightsOf(published[name]), published[name].hides);
    const [cifar, imagenet] = [noiseOf('cifar10_uncond_50M_500K.pt'), noiseOf('64x64_diffusion.pt')];
    expect(cifar.preconditioning).toEqual({
      type: 'ldm',
      alphasCumprod: alphasCumprod({ type: 'cosine', steps: 4000 }),
      timeScale: 0.25,
    });
    expect(imagenet.preconditioning).toEqual({
      type: 'ldm',
      alphasCumprod: alphasCumprod({ type: 'cosine', steps: 1000 }),
    });
    expect(imagenet.sigmaMin).toBeCloseTo(0.0064253, 6);
    expect(imagenet.sigmaMax).toBeCloseTo(20291.17, 1);
    expect([cifar.resolution, imagenet.resolution]).toEqual([32, 64]);
  });

  it('of another number of times, or that gives the image, has the table of that', () => {
    const noiseOf = (told: object) => admCheckpoint(whole, { ...admTold, ...told });
    const many = noiseOf({ diffusion_steps: 4000, rescale_timesteps: false });
    const alphas = alphasCumprod({ type: 'linear', start: 0.000025, end: 0.005, steps: 4000 });
    expect(many.preconditioning).toEqual({ type: 'ldm', alphasCumprod: alphas });
    expect(many.sigmaMax).toBeCloseTo(Math.sqrt(1 / alphas.at(-1)! - 1), 6);
    for (const parametrization of ['v', 'x0'] as const)
      expect(noiseOf({ parametrization }).preconditioning).toEqual({
        type: 'ldm',
        alphasCumprod: alphasCumprod({ type: 'linear', start: 0.0001, end: 0.02, steps: 1000 }),
        predicts: parametrization,
      });
    expect(noiseOf({}).preconditioning).toEqual({ type: 'vp', betaD: 19.9, betaMin: 0.1, steps: 1000 });
  });

  it('lends its name to no other network', () => {
    expect(() => uNetSettings('adm', whole, {}, '256x256_diffusion.pt')).toThrow(
      expect.objectContaining(
        refusal(/name of a file of guided diffusion.*model_channels 32 for 256, channel_mult \[1,1\] for/),
      ),
    );
  });

  it.each(Object.entries(refused))('%s is none: %s', async (name, what) => {
    const path = await saved(name, unlearned);
    await expect(readCheckpoint(path, { family: 'cm' })).rejects.toMatchObject(
      refusal(new RegExp(`${name}: it has the name of ${what.slice(0, 12)}`), { path }),
    );
    expect((await inspectCheckpoint(path)).problem).toContain(what);
  });

  it('comes after what is told, and heads that are told after none of it', () => {
    const files = { checkpoint: 'a/128x128_diffusion.pt', classifier: 'b/128x128_classifier.pt' };
    const hides = {
      image_size: 128,
      attention_order: 'heads-qkv-channels',
      noise_schedule: 'linear',
      diffusion_steps: 1000,
      rescale_timesteps: false,
      parametrization: 'eps',
    };
    const classifier = {
      classifier_num_head_channels: 64,
      classifier_attention_order: 'heads-qkv-channels',
    };
    expect(withPublished({}, files)).toEqual({ family: 'adm', num_heads: 4, ...hides, ...classifier });
    expect(withPublished({ num_head_channels: 32, noise_schedule: 'cosine' }, files)).toEqual({
      family: 'adm',
      ...hides,
      ...classifier,
      num_head_channels: 32,
      noise_schedule: 'cosine',
    });
    expect(withPublished({ num_heads: 4 }, { checkpoint: 'model.pt' })).toEqual({ num_heads: 4 });
    expect(withPublished({ family: 'cm' }, { checkpoint: '128x128_diffusion.pt' })).toEqual({ family: 'cm' });
  });
});

describe('what a file doesn’t show', () => {
  const open = {
    image_size: [16, 8],
    num_head_channels: [32, 16],
    num_heads: [4, 1],
    attention_order: ['heads-qkv-channels', 'qkv-heads-channels'],
  };
  const noise = {
    noise_schedule: ['linear', 'cosine'],
    diffusion_steps: [1000, 4000],
    rescale_timesteps: [false, true],
    parametrization: ['eps', 'v', 'x0'],
  };

  it('is asked for all at once', async () => {
    const asked = { families: ['adm'], asked: { ...open, ...noise } };
    await expect(readCheckpoint(diffusion)).rejects.toMatchObject(
      refusal(
        /dataset\.network: \{ family: adm, image_size: 16 \| 8, num_head_channels: 32 \| 16 \(or num_heads: 4 \| 1\), attention_order: heads-qkv-channels \| qkv-heads-channels, noise_schedule: linear \| cosine, diffusion_steps: 1000 \| 4000, rescale_timesteps: false \| true, parametrization: eps \| v \| x0 \}/,
        { path: diffusion, ...asked },
      ),
    );
    expect(() => admCheckpoint(whole)).toThrow(expect.objectContaining(refusal(/family: adm/, asked)));
    const { num_head_channels: _, ...rest } = admTold;
    await expect(readCheckpoint(diffusion, rest)).rejects.toMatchObject(
      refusal(/image_size: 16, .*num_head_channels: 32 \| 16 \(or num_heads: 4 \| 1\) \}/),
    );
    expect(() => admCheckpoint(whole, { ...admTold, diffusion_steps: 4000 })).toThrow(
      expect.objectContaining(refusal(/rescale/, { asked: { rescale_timesteps: [false, true] } })),
    );
  });

  it('may be its family: without a variance it is of two', async () => {
    const path = await saved('ema_0.9999_050000.safetensors', unlearned);
    await expect(readCheckpoint(path)).rejects.toMatchObject(
      refusal(/show family, .* \{ family: cm, image_size.* or \{ family: adm, .*noise_schedule/, {
        families: ['cm', 'adm'],
        asked: { ...open, ...noise },
      }),
    );
    await expect(readCheckpoint(path, { family: 'edm' })).rejects.toMatchObject(
      refusal(/family is told as edm, but by its tensors it is of cm or adm/),
    );
    await expect(readCheckpoint(diffusion, { family: 'cm' })).rejects.toMatchObject(
      refusal(/family is told as cm, but by its tensors it is of adm/),
    );
    expect(() => cmCheckpoint(whole)).toThrow(
      expect.objectContaining(refusal(/gives 6 channels for images of 3/)),
    );
  });

  it('is refused where it can’t be', () => {
    const given = { ...admTold, noise_schedule: 'quadratic' } as never;
    expect(() => admCheckpoint(whole, given)).toThrow(
      expect.objectContaining(refusal(/noise_schedule is "quadratic", not one of linear, cosine/)),
    );
  });

  it('the variance is not needed: D is the same without it', async () => {
    const path = await saved('unlearned.safetensors', unlearned);
    const x = Float64Array.from({ length: 3 * 16 * 16 }, (_, i) => Math.sin(i) * 1.2);
    const denoisedBy = async (checkpoint: Checkpoint) => {
      const { graph, info } = exportDenoiser(checkpoint);
      const denoiser = await openDenoiser(graph, info);
      const { denoised } = await denoiser.evaluate({ x, sigma: 1, labels: [3] });
      await denoiser.close();
      return denoised;
    };
    const learned = await denoisedBy(admCheckpoint(whole, admTold));
    const without = await readCheckpoint(path, { family: 'adm', ...admTold });
    expect(without.family).toBe('adm');
    expect(await denoisedBy(without)).toEqual(learned);
    const { image_size, num_head_channels, attention_order } = admTold;
    const cm = await readCheckpoint(path, { family: 'cm', image_size, num_head_channels, attention_order });
    expect(cm.sigmaMax).toBe(80);
  });

  it('of a classifier is its own', async () => {
    const files = { diffusion, classifier: fixture('adm-classifier.pt') };
    await expect(readAdmCheckpoint(files, { diffusion: admTold })).rejects.toMatchObject(
      refusal(
        /classifier_num_head_channels: 32 \| 16 \(or classifier_num_heads: 4 \| 1\), classifier_attention_order/,
        {
          asked: {
            classifier_num_head_channels: [32, 16],
            classifier_num_heads: [4, 1],
            classifier_attention_order: open.attention_order,
          },
        },
      ),
    );
    const told = { ...classifierTold, num_head_channels: 32 };
    const { network, classifier } = await readAdmCheckpoint(files, { diffusion: admTold, classifier: told });
    expect([network.num_head_channels, classifier!.network.num_head_channels]).toEqual([16, 32]);
    await expect(readCheckpoint(diffusion, { ...admTold, classifier_num_heads: 4 })).rejects.toMatchObject(
      refusal(/no classifier to tell classifier_num_heads of/),
    );
  });
});

describe('networks of more than an image', () => {
  const taking = (channels: number, weights: Tensors): Tensors => {
    const [width = 0, , ...kernel] = weights['input_blocks.0.0.weight']!.shape;
    const data = new Float32Array(width * channels * 9);
    return {
      ...weights,
      'input_blocks.0.0.weight': { dtype: 'F32', shape: [width, channels, ...kernel], data },
    };
  };
  it.each([
    ['with a variance', () => taking(6, whole)],
    ['without one', () => taking(6, unlearned)],
  ])('are refused as upsamplers by their shape: %s', async (name, weights) => {
    const path = await saved(`${name}.safetensors`, weights());
    await expect(readCheckpoint(path, { family: 'adm', ...admTold })).rejects.toMatchObject(
      refusal(/takes another image beside the noisy one, as an upsampler/, { family: 'image-conditioned' }),
    );
    expect(await inspectCheckpoint(path)).toMatchObject({
      family: 'image-conditioned',
      problem: expect.stringMatching(/denoises nothing by itself/),
    });
  });

  it('are refused as latents where no first stage can be', () => {
    const latents = hollow(
      parameterShapes(
        guidedUNet({
          ...published['cifar10_uncond_50M_500K.pt'].shows,
          ...{ image_size: 32, num_head_channels: -1, num_heads: 4, num_heads_upsample: -1 },
          ...{ attention_order: 'heads-qkv-channels', in_channels: 4, out_channels: 8 },
        }),
      ),
    );
    expect(() => admCheckpoint(latents, { ...admTold, num_head_channels: 32 })).toThrow(
      expect.objectContaining(
        refusal(/denoises 4 channels, and an image has 1 .grey. or 3/, { channels: 4 }),
      ),
    );
  });
});

describe('inspecting', () => {
  it('says what nothing would read', async () => {
    const found = await inspectCheckpoint(diffusion, { scale_factor: 2 });
    expect(found.problem).toMatch(/^nothing reads scale_factor, for it is ADM’s checkpoint/);
  });

  it('tells where each option is from', async () => {
    const {
      family: _,
      sources,
      asked,
      problem,
      ...found
    } = await inspectCheckpoint(diffusion, {
      ...admTold,
      num_head_channels: 32,
    });
    expect(problem).toBeUndefined();
    expect(asked).toBeUndefined();
    expect(found.options).toMatchObject({ model_channels: 32, num_head_channels: 32 });
    expect(sources).toMatchObject({ family: 'file', model_channels: 'file', num_head_channels: 'spec' });
    const open = await inspectCheckpoint(diffusion, { noise_schedule: 'cosine' });
    expect(open).toMatchObject({
      family: 'adm',
      sources: { family: 'file', channel_mult: 'file', noise_schedule: 'spec', image_size: 'asked' },
      asked: { image_size: [16, 8] },
      problem: expect.stringMatching(/don't show image_size, .*noise_schedule: cosine, image_size: 16 \| 8/),
    });
    expect(open.options).not.toHaveProperty('image_size');
  });

  it('lists the families that a file may be of', async () => {
    const found = await inspectCheckpoint(await saved('either.safetensors', unlearned));
    expect(found).toMatchObject({
      families: ['cm', 'adm'],
      sources: { family: 'asked', model_channels: 'file', attention_order: 'asked' },
    });
    expect(found).not.toHaveProperty('family');
  });

  it('tells a classifier, whose levels show beside the size of its images', async () => {
    const path = join(folder, 'classifier.pt');
    await copyFile(fixture('adm-classifier.pt'), path);
    expect(await inspectCheckpoint(path)).toMatchObject({
      family: 'adm-classifier',
      options: { out_channels: 10 },
      asked: { image_size: [16], classifier_num_head_channels: [32, 16] },
      problem: expect.stringMatching(
        /\{ family: adm, image_size: 16, classifier_num_head_channels: 32 \| 16/,
      ),
    });
  });
});

describe('a training’s file', () => {
  const { image_size, num_head_channels, attention_order } = admTold;
  const told = { family: 'cm', image_size, num_head_channels, attention_order } as const;
  const wrapped = (wrapper: string, weights: Tensors, factor = 1): Tensors =>
    Object.fromEntries(
      Object.entries(weights).map(([name, { dtype, shape, data }]) => [
        `${wrapper}${name}`,
        {
          dtype,
          shape,
          data: factor === 1 ? data : (data as Float32Array).map((v) => v * factor),
        } as Tensors[string],
      ]),
    );
  const optimizer: Tensors = {
    'optimizer.state.0.exp_avg': { dtype: 'F32', shape: [1], data: Float32Array.of(1) },
  };
  const first = ({ weights }: Checkpoint) => toFloat32(weights['out.2.bias']!)[0]!;
  const raw = () => toFloat32(unlearned['out.2.bias']!)[0]!;

  it.each([
    'model.',
    'module.',
    '_orig_mod.',
    'state_dict.module.',
    'model_state_dict.',
    'ema_model.module.',
  ])('is the network under its one wrapper: %s', async (wrapper) => {
    const path = await saved('one.safetensors', { ...wrapped(wrapper, unlearned), ...optimizer });
    expect(first(await readCheckpoint(path, told))).toBe(raw());
    expect(await inspectCheckpoint(path)).toMatchObject({ wrapper, families: ['cm', 'adm'] });
  });

  it.each(['ema.', 'model_ema.module.', 'ema_0.9999.', 'params_ema.', 'ema.ema_model.'])(
    'has averaged weights as %s, which are taken unless use_ema is false',
    async (wrapper) => {
      const path = await saved('two.safetensors', {
        ...wrapped('model.', unlearned),
        ...wrapped(wrapper, unlearned, 2),
      });
      expect(first(await readCheckpoint(path, told))).toBe(2 * raw());
      expect(first(await readCheckpoint(path, { ...told, use_ema: true }))).toBe(2 * raw());
      expect(first(await readCheckpoint(path, { ...told, use_ema: false }))).toBe(raw());
      expect(await inspectCheckpoint(path, told)).toMatchObject({
        wrapper,
        options: { use_ema: true },
        sources: { use_ema: 'file' },
      });
    },
  );

  it('with averaged weights that nobody can read asks before others are taken', async () => {
    const path = await saved('strange.safetensors', {
      ...wrapped('model.', unlearned),
      'ema.shadow_params.0': unlearned['out.2.bias']!,
    });
    await expect(readCheckpoint(path, told)).rejects.toMatchObject(
      refusal(
        /its averaged weights, ema\.\*, have the names of no network .* use_ema: false takes model\.\*/,
        { path },
      ),
    );
    expect((await inspectCheckpoint(path)).problem).toMatch(/^its averaged weights, ema\.\*/);
    expect(first(await readCheckpoint(path, { ...told, use_ema: false }))).toBe(raw());
  });

  it('of several networks is refused, and averaged weights where there is one set', async () => {
    const two = { ...wrapped('model.', unlearned), ...wrapped('net.', unlearned) };
    await expect(readCheckpoint(await saved('several.safetensors', two), told)).rejects.toMatchObject(
      refusal(/holds 2 networks, as model\.\*, net\.\*/),
    );
    const plain = await saved('plain.safetensors', unlearned);
    await expect(readCheckpoint(plain, { ...told, use_ema: true })).rejects.toMatchObject(
      refusal(/one set of weights.*leave use_ema out/, { use_ema: true }),
    );
    expect(first(await readCheckpoint(plain, { ...told, use_ema: false }))).toBe(raw());
  });

  it('without a network is named', async () => {
    const state = await saved(
      'opt050000.safetensors',
      wrapped('state.0.', { exp_avg: unlearned['out.2.bias']! }),
    );
    await expect(readCheckpoint(state)).rejects.toMatchObject(
      refusal(/the state of an optimizer, to go on training with/, { family: 'optimizer-state' }),
    );
  });
});
