import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { crc32, deflateRawSync } from 'node:zlib';
import { encodePng, readImages } from '@fewstep/metrics/images';
import { readStatistics, writeStatistics } from '@fewstep/metrics/npz';
import {
  openTokenizer,
  parseOfficialPredictor,
  readCheckpoint,
  readStateDict,
  type Tensors,
  writeSafetensors,
} from '@fewstep/models';
import { parseExperiment } from '@fewstep/runner';
import sharp from 'sharp';
import { root } from '../command-line.js';
import type { Arrays, FuzzedReader } from './readers.js';

/** A zip of these files, stored or compressed. */
export function zipOf(files: Readonly<Record<string, Uint8Array>>, compress: boolean): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let at = 0;
  for (const [name, bytes] of Object.entries(files)) {
    const data = compress ? deflateRawSync(bytes) : Buffer.from(bytes);
    const facts = Buffer.alloc(26);
    facts.writeUInt16LE(20, 0);
    facts.writeUInt16LE(compress ? 8 : 0, 4);
    facts.writeUInt32LE(crc32(bytes), 10);
    facts.writeUInt32LE(data.length, 14);
    facts.writeUInt32LE(bytes.length, 18);
    facts.writeUInt16LE(name.length, 22);
    const rest = Buffer.alloc(14);
    rest.writeUInt32LE(at, 10);
    const local = Buffer.concat([Buffer.from('PK\x03\x04'), facts, Buffer.from(name), data]);
    directory.push(Buffer.from('PK\x01\x02\x14\0'), facts, rest, Buffer.from(name));
    parts.push(local);
    at += local.length;
  }
  const end = Buffer.alloc(18);
  end.writeUInt16LE(directory.length / 4, 4);
  end.writeUInt16LE(directory.length / 4, 6);
  end.writeUInt32LE(Buffer.concat(directory).length, 8);
  end.writeUInt32LE(at, 12);
  return Buffer.concat([...parts, ...directory, Buffer.from('PK\x05\x06'), end]);
}

/** Writes files below a folder, and gives the path of it. */
function written(folder: string, files: Readonly<Record<string, string | Uint8Array>>): string {
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(join(folder, name, '..'), { recursive: true });
    writeFileSync(join(folder, name), content);
  }
  return folder;
}

/** The images of a set, and their labels, each as an array. */
async function imagesOf(path: string): Promise<Arrays> {
  const found: Record<string, Arrays[string]> = {};
  for await (const { data, names, labels, channels, height, width } of readImages(path)) {
    const size = data.length / names.length;
    for (const [i, name] of names.entries()) {
      found[name] = { shape: [channels, height, width], data: data.slice(i * size, (i + 1) * size) };
      const label = [labels?.[i] ?? []].flat();
      if (label.length > 0) found[`label of ${name}`] = { shape: [label.length], data: label };
    }
  }
  return found;
}

const vocabulary = {
  '<|startoftext|>': 0,
  '<|endoftext|>': 1,
  a: 2,
  'a</w>': 3,
  c: 4,
  't</w>': 5,
  ca: 6,
  'cat</w>': 7,
};
const merges = '#version: 0.2\nc a\nca t</w>\n';

async function tokens(
  folder: string,
  vocab: string | Uint8Array,
  text: string | Uint8Array,
): Promise<Arrays> {
  const tokenizer = await openTokenizer(
    written(join(folder, 'tokenizer'), { 'vocab.json': vocab, 'merges.txt': text }),
  );
  return { tokens: { shape: [9], data: tokenizer.encode('a cat, a Cat', 9) } };
}

/** Stable Diffusion's parts in diffusers' layout, as small as they come. */
const configurations = {
  'unet/config.json': {
    _class_name: 'UNet2DConditionModel',
    act_fn: 'silu',
    attention_head_dim: 4,
    block_out_channels: [32, 32],
    norm_eps: 1e-5,
    sample_size: 16,
  },
  'vae/config.json': { _class_name: 'AutoencoderKL', norm_num_groups: 32, scaling_factor: 0.18215 },
  'text_encoder/config.json': { hidden_act: 'quick_gelu', layer_norm_eps: 1e-5, num_attention_heads: 4 },
  'scheduler/scheduler_config.json': {
    beta_start: 0.00085,
    beta_end: 0.012,
    beta_schedule: 'scaled_linear',
    num_train_timesteps: 1000,
    prediction_type: 'epsilon',
  },
};
const weightsOf = {
  'unet/diffusion_pytorch_model.safetensors': 'model.diffusion_model.',
  'vae/diffusion_pytorch_model.safetensors': 'first_stage_model.',
  'text_encoder/model.safetensors': 'cond_stage_model.transformer.',
};

async function diffusers(): Promise<readonly FuzzedReader[]> {
  const all = Object.entries(await readStateDict(join(root, 'packages/models/fixtures/sd-tiny.ckpt')));
  const weights = Object.fromEntries(
    Object.entries(weightsOf).map(([file, prefix]) => {
      const own = all.flatMap(([name, tensor]): [string, Tensors[string]][] =>
        name.startsWith(prefix) ? [[name.slice(prefix.length), tensor]] : [],
      );
      return [file, writeSafetensors(Object.fromEntries(own))];
    }),
  );
  const configs = Object.fromEntries(
    Object.entries(configurations).map(([file, config]) => [file, JSON.stringify(config)]),
  );
  return Object.entries(configs).map(
    ([file, text]): FuzzedReader => ({
      name: file,
      original: Buffer.from(text),
      guards: 'length',
      async read(bytes, folder) {
        const path = join(folder, 'diffusers');
        if (!existsSync(path)) written(path, weights);
        written(path, { ...configs, [file]: bytes });
        const { 'out.2.bias': bias } = (await readCheckpoint(path)).weights;
        return { ...(bias && { bias: { shape: bias.shape, data: bias.data } }) };
      },
    }),
  );
}

const spec = `name: fuzzed
dataset: digits
schedule: { type: time_uniform, rho: 1 }
student: { solver: dpmpp, num_steps: 4 }
train: false
evaluate: [fid, rmse_to_teacher]
grid:
  student.num_steps: [3, &four 4]
reference: { solver: heun, num_steps: 20 }
sample: { seeds: 0-3, batch: *four }
`;

/** How many points a spec has. */
async function pointsOf(text: string, folder: string): Promise<Arrays> {
  const { points } = await parseExperiment(text, join(folder, 'fuzzed.yaml'), {
    cwd: folder,
    models: join(root, 'experiments'),
  });
  return { points: { shape: [points.length], data: points.map((_, i) => i) } };
}

/** A sampler of two evaluations as a table. */
const sampler = {
  ...{ format: 'fewstep-sampler', version: 1, nfe: 2, depth: 2 },
  table: { sigmas: [80, 2.5], rows: [[80], [2.5, 0.97], [0.002, -0.3, 1.3]] },
  model: { dataset: 'digits', shape: [1, 32, 32], sigma_min: 0.002, sigma_max: 80, latents: false },
  schedule: { type: 'explicit', sigmas: [80, 2.5, 0.002] },
  student: { solver: 'ipndm', max_order: 2, num_steps: 3, afs: false, denoise_to_zero: false },
  source: 'itself',
};

/** What a spec that names a file as its sampler is sampled with. */
async function tableOf(bytes: Buffer, folder: string): Promise<Arrays> {
  writeFileSync(join(folder, 'sampler.json'), bytes);
  const text = 'name: fuzzed\ndataset: digits\nsampler: sampler.json';
  const options = { cwd: folder, models: join(root, 'experiments') };
  const { points } = await parseExperiment(text, join(folder, 'fuzzed.yaml'), options);
  const { sigmas, rows } = points[0]!.table!.sampler.table;
  return Object.fromEntries([sigmas, ...rows].map((data, i) => [String(i), { shape: [data.length], data }]));
}

/** A predictor as a run writes it. */
async function predictor(): Promise<Buffer> {
  const { weights } = await parseOfficialPredictor(
    readFileSync(join(root, 'packages/models/fixtures/official-predictor.pkl')),
  );
  const settings = {
    schedule: { type: 'time_uniform', rho: 1 },
    student: { solver: 'amed', num_steps: 4, afs: true, scale_dir: 0.01, scale_time: 0 },
    teacher: { solver: 'heun', M: 1 },
    dataset: { sigma_min: 0.002, sigma_max: 80 },
    train: { total_kimg: 1, batch: 8, lr: 0.005, loss_weight: 'official', seed: 0 },
  };
  const metadata = Object.entries(settings).map(([name, told]) => [name, JSON.stringify(told)]);
  return Buffer.from(writeSafetensors(weights, { ...Object.fromEntries(metadata), format: '1' }));
}

/** What is read of folders or by a spec, and what is text. */
export async function folderReaders(): Promise<readonly FuzzedReader[]> {
  const pixels = (seed: number) => Uint8Array.from({ length: 4 * 4 * 3 }, (_, i) => (i * seed) % 256);
  const image = (seed: number) => encodePng({ data: pixels(seed), channels: 3, height: 4, width: 4 });
  const [one, two] = [await image(5), await image(7)];
  const raw = { raw: { width: 4, height: 4, channels: 3 } } as const;
  const encoded = {
    png: one,
    jpg: await sharp(pixels(3), raw).jpeg().toBuffer(),
    webp: await sharp(pixels(3), raw).webp({ lossless: true }).toBuffer(),
    tiff: await sharp(pixels(3), raw).tiff({ compression: 'lzw' }).toBuffer(),
  };
  const labels = JSON.stringify({
    labels: [
      ['a/1.png', 3],
      ['a/2.png', 0],
    ],
  });
  const set = { 'a/1.png': one, 'a/2.png': two, 'dataset.json': Buffer.from(labels) };
  const sigma = Float64Array.of(4, 1, 0, 1, 9, 2, 0, 2, 5);
  const vocab = JSON.stringify(vocabulary);
  return [
    ...[false, true].map(
      (compress): FuzzedReader => ({
        name: compress ? 'images-compressed' : 'images',
        original: zipOf(set, compress),
        guards: 'values',
        read: (bytes, folder) => imagesOf(join(written(folder, { 'set.zip': bytes }), 'set.zip')),
      }),
    ),
    ...Object.entries(encoded).map(
      ([ending, bytes]): FuzzedReader => ({
        name: ending,
        original: Buffer.from(bytes),
        guards: 'nothing',
        read: (image, folder) => imagesOf(written(join(folder, ending), { [`1.${ending}`]: image })),
      }),
    ),
    {
      name: 'dataset.json',
      original: Buffer.from(labels),
      guards: 'length',
      read: (bytes, folder) => imagesOf(written(join(folder, 'labels'), { ...set, 'dataset.json': bytes })),
    },
    {
      name: 'statistics',
      original: Buffer.from(await writeStatistics({ mu: Float64Array.of(1, 2, 3), sigma })),
      guards: 'everything',
      async read(bytes) {
        const { mu, sigma } = await readStatistics(bytes);
        return {
          mu: { shape: [mu.length], data: mu },
          sigma: { shape: [mu.length, mu.length], data: sigma },
        };
      },
    },
    {
      name: 'vocab.json',
      original: Buffer.from(vocab),
      guards: 'length',
      read: (bytes, folder) => tokens(folder, bytes, merges),
    },
    {
      name: 'merges.txt',
      original: Buffer.from(merges),
      guards: 'nothing',
      read: (bytes, folder) => tokens(folder, vocab, bytes),
    },
    ...(await diffusers()),
    {
      name: 'spec',
      original: Buffer.from(spec),
      guards: 'nothing',
      read: (bytes, folder) => pointsOf(bytes.toString(), folder),
    },
    {
      name: 'sampler',
      original: Buffer.from(JSON.stringify(sampler, null, 1)),
      guards: 'length',
      read: (bytes, folder) => tableOf(bytes, folder),
    },
    {
      name: 'own-predictor',
      original: await predictor(),
      guards: 'length',
      read(bytes, folder) {
        written(folder, { 'predictor.safetensors': bytes });
        return pointsOf('name: fuzzed\ndataset: digits\npredictor: predictor.safetensors\n', folder);
      },
    },
  ];
}
