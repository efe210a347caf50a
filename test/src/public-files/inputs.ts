import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { countImages, encodePng, readImages } from '@fewstep/metrics/images';
import { readStatistics, writeNpz } from '@fewstep/metrics/npz';
import {
  type Checkpoint,
  type CheckpointOptions,
  exportDenoiser,
  inspectCheckpoint,
  openTokenizer,
  parseLatentCheckpoint,
  readCheckpoint,
  type Tensors,
} from '@fewstep/models';
import { fewstep } from '../command-line.js';
import {
  adm,
  admOf,
  admTold,
  diffusersVae,
  named,
  type Part,
  save,
  stableDiffusion,
  stableDiffusionTold,
  writeFolder,
  writeTokenizer,
} from './tiny-models.js';

/** A file such as people bring, in small. */
export interface PublicInput {
  /** Its name, and after whose it is made. */
  readonly file: string;
  readonly after: string;
  /** Makes it in a folder, reads it, and says what was read. */
  read(folder: string): Promise<string>;
  /** What is right: `reads` where it is read, else `refuses`. */
  readonly reads?: RegExp;
  readonly refuses?: RegExp;
}

const [guided, improved] = ['guided diffusion', 'improved diffusion'];

const short = (value: number) => String(Number(value.toPrecision(4)));
const model = ({ family, preconditioning, sigmaMin, sigmaMax }: Checkpoint) => {
  const predicts = 'predicts' in preconditioning ? `, gives ${preconditioning.predicts}` : '';
  const table = 'alphasCumprod' in preconditioning ? `, ${preconditioning.alphasCumprod.length} times` : '';
  return `${family}, σ from ${short(sigmaMin)} to ${short(sigmaMax)}${table}${predicts}`;
};

/** What is at a path, and first that `fewstep models inspect` says of each option where it is from, and never guesses. */
async function modelAt(path: string, told: CheckpointOptions): Promise<string> {
  const { options = {}, sources = {} } = await inspectCheckpoint(path, told);
  const unsourced = Object.keys(options).filter(
    (name) => !['file', 'registry', 'config', 'spec', 'asked'].includes(sources[name]!),
  );
  if (unsourced.length > 0) throw new Error(`${unsourced} stand there without a source`);
  return model(await readCheckpoint(path, told));
}

type Right = Pick<PublicInput, 'reads' | 'refuses'>;
const input = (file: string, after: string, right: Right, read: PublicInput['read']): PublicInput => ({
  file,
  after,
  ...right,
  read,
});

/** A file of weights, and what is told of it. */
const weights = (
  file: string,
  after: string,
  make: () => Promise<Tensors> | Tensors,
  told: CheckpointOptions,
  right: Right,
): PublicInput =>
  input(
    Object.keys(told).length === 0
      ? file
      : `${file}, told what it was trained with${'linear_start' in told ? `, noise from β ${told.linear_start}` : ''}`,
    after,
    right,
    async (folder) => {
      const path = join(folder, file);
      save(path, await make());
      return modelAt(path, told);
    },
  );

/** A model in diffusers' layout, where one configuration says something else or more. */
const folderOf = (
  part: Part,
  more: Readonly<Record<string, unknown>>,
  after: string,
  right: Right,
): PublicInput =>
  input(
    `${part}: ${Object.entries(more)
      .map(([key, value]) => `${key} ${Array.isArray(value) ? `of ${value.length}` : JSON.stringify(value)}`)
      .join(', ')}`,
    after,
    right,
    async (folder) => {
      await writeFolder(folder, part, more);
      return modelAt(folder, {});
    },
  );

const tokenizer = (
  file: string,
  after: string,
  files: Readonly<Record<string, object>>,
  right: Right,
): PublicInput =>
  input(file, after, right, async (folder) => {
    writeTokenizer(folder, files);
    return `“a b” is ${(await openTokenizer(folder)).encode('a b', 8).join(' ')}`;
  });

const reference = (
  file: string,
  after: string,
  arrays: Parameters<typeof writeNpz>[0],
  right: Right,
): PublicInput =>
  input(file, after, right, async (folder) => {
    const path = join(folder, file);
    writeFileSync(path, await writeNpz(arrays));
    const { mu } = await readStatistics(path);
    return `${mu.length} features`;
  });

const doubles = (shape: readonly number[], ...values: number[]) => ({
  dtype: 'float64' as const,
  shape: [...shape],
  data: Float64Array.from(values),
});
const image = (value: number) =>
  encodePng({ data: new Uint8Array(64).fill(value), channels: 1, height: 8, width: 8 });

/** Images by their names in a folder, and a question about them. */
const images = (
  file: string,
  after: string,
  names: readonly string[],
  read: (folder: string) => Promise<string>,
  right: Right,
): PublicInput =>
  input(file, after, right, async (folder) => {
    for (const [i, name] of names.entries()) writeFileSync(join(folder, name), await image(i));
    return read(folder);
  });
const count = async (folder: string) => `${await countImages(folder)} images`;
const classes = async (folder: string) => {
  const found = [];
  for await (const { labels = [] } of readImages(folder)) found.push(...labels);
  return `classes ${found.join(' ')}`;
};

/** A text under the name of something else. */
const text = (file: string, after: string, content: string, right: Right): PublicInput =>
  input(file, after, right, async (folder) => {
    writeFileSync(join(folder, file), content);
    return modelAt(join(folder, file), {});
  });

/** What `fewstep validate` says of a spec over an exported U-Net of latents. */
async function validated(folder: string): Promise<string> {
  const { graph } = exportDenoiser(parseLatentCheckpoint(await stableDiffusion(), stableDiffusionTold));
  writeFileSync(join(folder, 'unet.onnx'), graph);
  writeFileSync(
    join(folder, 'spec.yaml'),
    `name: exported
dataset: { checkpoint: unet.onnx, onnx: { parametrization: eps, betas: { type: scaled_linear, start: 0.00085, end: 0.012 } } }
schedule: { type: polynomial }
student: { solver: euler, num_steps: 3 }
train: false
`,
  );
  const { code, stdout, stderr } = await fewstep(['validate', 'spec.yaml'], { cwd: folder });
  if (code !== 0) throw new Error(stderr.trim());
  return stdout.trim();
}

const half = (table: Tensors[string]): Tensors[string] => ({
  dtype: 'F16',
  shape: table.shape,
  data: Uint16Array.from(table.data as Float32Array, toHalf),
});
/** Of a number between 2⁻¹⁴ and 1: five bits of exponent, ten of fraction, rounded. */
function toHalf(value: number): number {
  const exponent = Math.floor(Math.log2(value));
  return ((exponent + 15) << 10) + Math.round((value / 2 ** exponent - 1) * 1024);
}
const halved = async () => {
  const all = await stableDiffusion();
  return { ...all, alphas_cumprod: half(all.alphas_cumprod!), betas: half(all.betas!) };
};
const latentUNet = { 'model.diffusion_model.input_blocks.0.0.weight': [320, 4, 3, 3] };

/** All of them, kind by kind. */
export const publicInputs: readonly PublicInput[] = [
  weights(
    'ema_0.9999_050000.safetensors',
    `${guided} without learn_sigma`,
    () => admOf(3, 3),
    {},
    {
      refuses: /family: adm.*family: cm|family: cm.*family: adm/,
    },
  ),
  weights('ema_0.9999_050000.safetensors', `${guided} without learn_sigma`, () => admOf(3, 3), admTold, {
    reads: /^adm, σ from 0\.01048 to 152\.2$/,
  }),
  weights(
    'model250000.safetensors',
    guided,
    adm,
    {},
    {
      refuses: /num_head_channels.*noise_schedule: linear \| cosine.*diffusion_steps/,
    },
  ),
  weights(
    'imagenet64_uncond.safetensors',
    improved,
    adm,
    { ...admTold, noise_schedule: 'cosine', diffusion_steps: 4000, rescale_timesteps: true },
    { reads: /^adm, σ from 0\.0031\d* to 8\d{4}.*4000 times/ },
  ),
  weights(
    '256x256_diffusion.pt',
    `${guided}, another network of that name`,
    adm,
    {},
    {
      refuses: /256x256_diffusion\.pt/,
    },
  ),
  weights('64_256_upsampler.pt', guided, () => admOf(6, 6), admTold, {
    refuses: /upsampler|another image/,
  }),
  weights('upscale.safetensors', guided, () => admOf(6, 6), admTold, { refuses: /another image/ }),
  weights(
    'cd_imagenet64_lpips.pt',
    'Consistency Models',
    () => admOf(3, 3),
    {},
    {
      refuses: /consistency model/i,
    },
  ),
  weights(
    'module.safetensors',
    'DistributedDataParallel',
    async () => Object.fromEntries(Object.entries(await adm()).map(([name, one]) => [`module.${name}`, one])),
    admTold,
    { reads: /^adm, / },
  ),
  weights(
    'opt250000.safetensors',
    guided,
    () => named({ 'state.0.exp_avg': [3], 'state.0.exp_avg_sq': [3] }),
    {},
    { refuses: /optimizer/ },
  ),
  weights('model.safetensors', 'ADM over latents', () => admOf(4, 8), admTold, {
    refuses: /latent|first stage/,
  }),

  weights(
    'model.safetensors',
    'Stable Diffusion, fine-tuned',
    stableDiffusion,
    {},
    {
      refuses: /family: stable-diffusion, num_head.*image_size.*parametrization: eps \| v \| x0/,
    },
  ),
  weights('model.safetensors', 'Stable Diffusion, fine-tuned', stableDiffusion, stableDiffusionTold, {
    reads: /^stable-diffusion, σ from 0\.02917 to 14\.61, 1000 times, gives eps$/,
  }),
  weights(
    'model.safetensors',
    'Stable Diffusion, velocity',
    stableDiffusion,
    { ...stableDiffusionTold, parametrization: 'v' },
    { reads: /gives v$/ },
  ),
  weights('half.safetensors', 'Stable Diffusion, .half()', halved, stableDiffusionTold, {
    refuses: /alphas_cumprod being of half precision.*linear_start: 0\.00085/,
  }),
  weights(
    'half.safetensors',
    'Stable Diffusion, .half()',
    halved,
    { ...stableDiffusionTold, linear_start: 0.00085, linear_end: 0.012 },
    { reads: /σ from 0\.02917 to 14\.61,/ },
  ),
  weights(
    'half.safetensors',
    'Stable Diffusion, .half()',
    halved,
    { ...stableDiffusionTold, linear_start: 0.0015, linear_end: 0.0195 },
    { refuses: /alphas_cumprod/ },
  ),
  weights(
    'v2-1_768-ema-pruned.safetensors',
    'Stable Diffusion 2.1',
    () => named({ ...latentUNet, 'cond_stage_model.model.token_embedding.weight': [2, 1024] }),
    {},
    { refuses: /Stable Diffusion 2\.x/ },
  ),
  weights(
    'sd_xl_base_1.0.safetensors',
    'Stable Diffusion XL',
    () => named({ ...latentUNet, 'conditioner.embedders.1.model.ln_final.weight': [1280] }),
    {},
    { refuses: /Stable Diffusion XL/ },
  ),
  weights(
    'cin256-v2.ckpt',
    'latent diffusion of classes',
    () => named({ ...latentUNet, 'cond_stage_model.embedding.weight': [1001, 512] }),
    {},
    { refuses: /cin256-v2/ },
  ),
  weights(
    'txt2img-f8-large.ckpt',
    'latent diffusion with BERT',
    () => named({ ...latentUNet, 'cond_stage_model.transformer.token_emb.weight': [30522, 1] }),
    {},
    { refuses: /text encoder of its own/ },
  ),
  weights(
    'control_sd15_canny.safetensors',
    'ControlNet',
    () => named({ 'control_model.time_embed.0.weight': [2, 2] }),
    {},
    {
      refuses: /ControlNet/,
    },
  ),
  weights(
    'pixel-art.safetensors',
    'kohya’s LoRA',
    () => named({ 'lora_unet_down_blocks_0_attentions_0_proj_in.lora_down.weight': [4, 320] }),
    {},
    { refuses: /LoRA/ },
  ),
  weights('vae-ft-mse.safetensors', 'a VAE of diffusers’', diffusersVae, {}, { refuses: /first_stage/ }),
  {
    file: 'vae-ft-mse.safetensors, as first_stage',
    after: 'a VAE of diffusers’',
    reads: /^stable-diffusion, /,
    async read(folder) {
      const [unet, vae] = [join(folder, 'model.safetensors'), join(folder, 'vae-ft-mse.safetensors')];
      const all = Object.entries(await stableDiffusion());
      save(unet, Object.fromEntries(all.filter(([name]) => !name.startsWith('first_stage_model.'))));
      save(vae, await diffusersVae());
      return model(await readCheckpoint(unet, { ...stableDiffusionTold, first_stage: vae }));
    },
  },

  folderOf('scheduler', { prediction_type: 'epsilon' }, 'Stable Diffusion v1-5', {
    reads: /σ from 0\.02917 to 14\.61, 1000 times, gives eps$/,
  }),
  folderOf('scheduler', { rescale_betas_zero_snr: true }, 'zero terminal SNR', {
    refuses: /rescale_betas_zero_snr/,
  }),
  folderOf(
    'scheduler',
    { trained_betas: Array.from({ length: 1000 }, (_, i) => 0.0001 + 0.0199 * (i / 999)) },
    'DDPM',
    { reads: /σ from 0\.01 to 157\.4, 1000 times/ },
  ),
  folderOf('scheduler', { prediction_type: 'v_prediction' }, 'Stable Diffusion 2.1', { reads: /gives v$/ }),
  folderOf('scheduler', { beta_schedule: 'squaredcos_cap_v2' }, 'DeepFloyd and Kandinsky', {
    reads: /1000 times/,
  }),
  folderOf('scheduler', { beta_schedule: 'sigmoid' }, 'GeoDiff', { refuses: /beta_schedule/ }),
  folderOf('scheduler', { thresholding: true }, 'Imagen', { refuses: /thresholding/ }),
  folderOf('scheduler', { timestep_spacing: 'trailing', steps_offset: 0 }, 'LCM, Turbo', {
    reads: /σ from 0\.02917 to 14\.61/,
  }),
  folderOf('unet', { class_embed_type: 'projection' }, 'Stable UnCLIP', { refuses: /class_embed_type/ }),
  folderOf('unet', { resnet_time_scale_shift: 'scale_shift' }, 'unconditional UNet2D', {
    refuses: /resnet_time_scale_shift/,
  }),
  folderOf('unet', { time_cond_proj_dim: 256 }, 'latent consistency models', {
    refuses: /time_cond_proj_dim/,
  }),
  folderOf('unet', { something_new: 1 }, 'a version to come', { refuses: /something_new/ }),
  folderOf('vae', { latents_mean: [0, 0, 0, 0] }, 'Stable Diffusion XL’s VAEs', { refuses: /latents_mean/ }),
  folderOf('vae', { shift_factor: 0.0609 }, 'Stable Diffusion 3’s VAE', { refuses: /shift_factor/ }),
  folderOf('text_encoder', { hidden_act: 'gelu_new' }, 'other text encoders', { refuses: /hidden_act/ }),

  tokenizer('tokenizer', 'Stable Diffusion v1-5', {}, { reads: /118 2 4 119 119 119 119 119$/ }),
  tokenizer(
    'tokenizer, pad_token “!” in special_tokens_map.json',
    'Stable Diffusion 2.1',
    {
      'special_tokens_map.json': { bos_token: '<|startoftext|>', eos_token: '<|endoftext|>', pad_token: '!' },
    },
    { reads: /118 2 4 119 0 0 0 0$/ },
  ),
  tokenizer(
    'tokenizer, pad_token as a map',
    'Optimum’s exports',
    { 'special_tokens_map.json': { pad_token: { content: '!', lstrip: false, normalized: false } } },
    { reads: /119 0 0 0 0$/ },
  ),
  tokenizer(
    'tokenizer, added_tokens.json',
    'textual inversion',
    { 'added_tokens.json': { '<cat-toy>': 120 } },
    { refuses: /<cat-toy>/ },
  ),

  reference(
    'fid-refs.npz',
    'EDM',
    { mu: doubles([2], 0, 1), sigma: doubles([2, 2], 1, 0, 0, 1), arr_0: doubles([1], 7) },
    { reads: /^2 features$/ },
  ),
  reference(
    'VIRTUAL.NPZ',
    guided,
    { mu: doubles([2], 0, 1), sigma: doubles([2, 2], 1, 0, 0, 1) },
    {
      reads: /^2 features$/,
    },
  ),
  reference('samples_50000x64x64x3.npz', guided, { arr_0: doubles([2], 0, 1) }, { refuses: /mu.*arr_0/ }),
  reference(
    'stats.npz',
    'keys m and s',
    { m: doubles([2], 0, 1), s: doubles([2, 2], 1, 0, 0, 1) },
    {
      refuses: /"mu" and "sigma".* m, s/,
    },
  ),
  reference(
    'row.npz',
    'a mean of one row',
    { mu: doubles([1, 2], 0, 1), sigma: doubles([2, 2], 1, 0, 0, 1) },
    {
      refuses: /\[1, 2\]/,
    },
  ),

  images(
    'dataset.json ends with a comma: FID',
    'EDM’s data sets',
    ['a.png'],
    withLabels(count, '{"labels": [["a.png", 0],]}'),
    {
      reads: /^1 images$/,
    },
  ),
  images(
    'dataset.json ends with a comma: classes',
    'EDM’s data sets',
    ['a.png'],
    withLabels(classes, '{"labels": [["a.png", 0],]}'),
    {
      refuses: /dataset\.json/,
    },
  ),
  images(
    'dataset.json lacks an image: classes',
    'StyleGAN’s data sets',
    ['a.png', 'b.png'],
    withLabels(classes, '{"labels": [["a.png", 0]]}'),
    {
      refuses: /b\.png/,
    },
  ),
  images(
    'dataset.json with a map: classes',
    'other tools',
    ['a.png'],
    withLabels(classes, '{"labels": {"a.png": 0}}'),
    {
      refuses: /dataset\.json/,
    },
  ),
  images(
    'a linked subfolder',
    'data sets by links',
    ['a.png', 'b.png'],
    async (folder) => {
      const set = join(folder, 'set');
      mkdirSync(set);
      writeFileSync(join(set, 'c.png'), await image(1));
      symlinkSync(folder.concat('/more'), join(set, 'more'));
      mkdirSync(join(folder, 'more'));
      writeFileSync(join(folder, 'more', 'd.png'), await image(2));
      return count(set);
    },
    { reads: /^2 images$/ },
  ),
  images('.DS_Store and ._a.png beside images', 'macOS', ['a.png', '.DS_Store', '._a.png'], count, {
    reads: /^1 images$/,
  }),
  images('b.bmp beside images', 'CIFAR-10 converters', ['a.png', 'b.bmp'], count, { refuses: /b\.bmp/ }),

  text(
    'model.safetensors',
    'a clone without Git LFS',
    'version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n',
    {
      refuses: /Git LFS/,
    },
  ),
  text('model.ckpt', 'a login page', '<!DOCTYPE html><title>Access denied</title>', { refuses: /page|HTML/ }),
  input(
    'unet.onnx without a decoder',
    'exports by Optimum',
    { refuses: /dataset\.checkpoint.*decoder/ },
    validated,
  ),
];

function withLabels(ask: (folder: string) => Promise<string>, labels: string) {
  return (folder: string) => {
    writeFileSync(join(folder, 'dataset.json'), labels);
    return ask(folder);
  };
}
