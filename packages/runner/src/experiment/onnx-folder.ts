import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type Config, type ConfigKind, refusalsIn, trainingOf } from '@fewstep/models/configs';
import type { Complain } from './grid.js';
import { guidanceNames, isRead } from './guidances.js';
import { displayPath } from './problem.js';
import { type Dict, entryAt, graft, toJs, treeOf } from './tree.js';

/** What a folder says, as the keys of a dataset by their paths. */
type Told = Readonly<Record<string, unknown>>;

/** Keys of a dataset that come before keys of a folder's configurations. */
const before: Readonly<Record<string, readonly string[]>> = {
  'onnx.parametrization': ['prediction_type', 'predict_epsilon'],
  'onnx.betas': [
    'beta_schedule',
    'beta_start',
    'beta_end',
    'num_train_timesteps',
    'trained_betas',
    'rescale_betas_zero_snr',
  ],
  'onnx.channels': ['in_channels'],
  'onnx.resolution': ['sample_size'],
  'onnx.scale_factor': ['scaling_factor'],
};

/**
 * Lays what a folder of ONNX files says beneath what is written of the dataset whose checkpoint it is: its network takes the
 * folder's place, and the keys that are left out are those of its configurations. Of these every key is used, known to
 * change nothing, or complained of.
 *
 * - As `fewstep models export` writes it: `denoiser`, `decoder`, `text-encoder`, each with `model.onnx` and `info.json`.
 * - As Optimum exports Stable Diffusion: `unet`, `vae_decoder`, `text_encoder`, `scheduler`, `tokenizer`.
 */
export function completeOnnxFolder(
  tree: Dict,
  { specFolder, cwd }: { readonly specFolder: string; readonly cwd: string },
  complain: Complain,
): Dict {
  const entry = entryAt(tree, ['dataset', 'checkpoint'])?.value;
  const checkpoint = entry && toJs(entry);
  if (typeof checkpoint !== 'string') return tree;
  const folder = resolve(specFolder, checkpoint);
  const say = (sentence: string) => complain(entry!.place, 'dataset.checkpoint', sentence);
  const at = (...names: string[]) => {
    const path = join(folder, ...names);
    const config = existsSync(path) ? objectIn(path) : {};
    if (config) return config;
    say(`${displayPath(path, cwd)} is no JSON object: export the folder again.`);
    return {};
  };
  const has = (...names: string[]) => existsSync(join(folder, ...names));
  const written = (key: string) => entryAt(tree, ['dataset', ...key.split('.')]);
  /** A configuration of diffusers' without what is not read, which is complained of where the spec doesn't say it. */
  const config = (kind: ConfigKind, ...names: string[]): Config => {
    const said = at(...names);
    const refusals = refusalsIn(kind, said, true);
    for (const { key, sentence } of refusals) {
      const instead = Object.keys(before).find((path) => before[path]!.includes(key));
      if (instead && written(instead)) continue;
      const remedy = instead ? `; dataset.${instead} comes before it` : '';
      say(`${displayPath(join(folder, ...names), cwd)} ${sentence}${remedy}.`);
    }
    return Object.fromEntries(
      Object.entries(said).filter(([name]) => refusals.every(({ key }) => key !== name)),
    );
  };
  const file = (...names: string[]) => (has(...names) ? join(checkpoint, ...names) : undefined);

  let network: string;
  let told: Told;
  if (has('denoiser', 'model.onnx')) {
    network = 'denoiser';
    told = exportedByUs(at('denoiser', 'info.json'), file);
  } else if (has('unet', 'model.onnx') && !readdirSync(join(folder, 'unet')).some(isOfTorch)) {
    network = 'unet';
    config('model_index', 'model_index.json');
    config('text_encoder', 'text_encoder', 'config.json');
    const second = ['text_encoder_2', 'tokenizer_2'].find((name) => has(name));
    if (second !== undefined)
      say(
        `${displayPath(join(folder, second), cwd)}: Stable Diffusion XL and its kin encode prompts twice, and are not read; Stable Diffusion 1.x and 2.x are.`,
      );
    const unet = config('unet', 'unet', 'config.json');
    const vae = config('vae', 'vae_decoder', 'config.json');
    const scheduler = config('scheduler', 'scheduler', 'scheduler_config.json');
    told = exportedByOptimum({ unet, vae, scheduler }, file);
  } else return tree;

  const { place } = entry!;
  const lay = (onto: Dict, path: string, value: unknown): Dict =>
    graft(onto, path.split('.'), { keys: [place], value: treeOf(value, place) }) ?? onto;
  const guidance = entryAt(tree, ['guidance', 'type'])?.value;
  const type = guidance && guidanceNames.find((name) => name === toJs(guidance));
  return Object.entries(told)
    .filter(([key, value]) => value !== undefined && isRead(`dataset.${key}`, type))
    .filter(([key]) => !written(key))
    .reduce(
      (onto, [key, value]) => lay(onto, `dataset.${key}`, value),
      lay(tree, 'dataset.checkpoint', join(checkpoint, network, 'model.onnx')),
    );
}

/** A folder of ONNX files by itself: what it says, and where of that. */
export interface OnnxFolder {
  /** Keys of a dataset, those of `onnx` without that. */
  readonly options: Told;
  /** A part is a file, and the rest is of configurations. */
  readonly sources: Readonly<Record<string, 'file' | 'config'>>;
  /** Files of its graphs. */
  readonly parts: readonly string[];
  /** What keeps it from being read. */
  readonly problem?: string;
}

/** Options that are files of graphs. */
const graphs = ['checkpoint', 'text_encoder', 'decoder'];

/** What a folder of ONNX files says without a spec; undefined for what is none. */
export function inspectOnnxFolder(folder: string): OnnxFolder | undefined {
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory()) return undefined;
  const place = { file: folder, line: 0, column: 0, layer: 0 } as const;
  const spec = { dataset: { checkpoint: folder }, guidance: { type: 'cfg' } };
  const problems: string[] = [];
  const cwd = process.cwd();
  const tree = completeOnnxFolder(
    treeOf(spec, place) as Dict,
    { specFolder: cwd, cwd },
    (_, _path, sentence) => problems.push(sentence),
  );
  const { checkpoint, onnx = {}, ...others } = (toJs(tree) as { dataset: Told }).dataset;
  if (checkpoint === folder) return undefined;
  const options: Told = { checkpoint, ...(onnx as Told), ...others };
  return {
    options,
    sources: Object.fromEntries(
      Object.keys(options).map((name) => [name, [...graphs, 'tokenizer'].includes(name) ? 'file' : 'config']),
    ),
    parts: graphs.flatMap((name) => (typeof options[name] === 'string' ? [options[name]] : [])),
    ...(problems.length > 0 && { problem: problems.join(' ') }),
  };
}

/** Where a folder in diffusers' own layout has the weights of a network. */
const isOfTorch = (name: string) => /\.(?:safetensors|bin|safetensors\.index\.json)$/.test(name);

type FileOf = (...names: string[]) => string | undefined;

function exportedByUs({ alphasCumprod, sigmaMin, sigmaMax }: Told, file: FileOf): Told {
  const decoder = file('decoder', 'model.onnx');
  return {
    'onnx.parametrization': 'denoiser',
    ...(alphasCumprod === undefined
      ? { sigma_min: sigmaMin, sigma_max: sigmaMax }
      : { 'onnx.betas': { type: 'explicit', alphas_cumprod: alphasCumprod } }),
    'onnx.text_encoder': file('text-encoder', 'model.onnx'),
    'onnx.decoder': decoder,
    'onnx.scale_factor': decoder && 1,
  };
}

function exportedByOptimum(
  { unet, vae, scheduler }: { unet: Config; vae: Config; scheduler: Config },
  file: FileOf,
): Told {
  const decoder = file('vae_decoder', 'model.onnx');
  const { parametrization, betas } = trainingOf(scheduler);
  // what a configuration leaves out is its class's default
  const { scaling_factor = vae._class_name === 'AutoencoderKL' ? 0.18215 : undefined } = vae;
  return {
    'onnx.parametrization': betas && parametrization,
    'onnx.betas':
      betas &&
      (betas.type === 'explicit' ? { type: betas.type, alphas_cumprod: betas.alphasCumprod } : betas),
    'onnx.channels': unet.in_channels,
    'onnx.resolution': unet.sample_size,
    'onnx.text_encoder': file('text_encoder', 'model.onnx'),
    'onnx.decoder': decoder,
    'onnx.scale_factor': decoder && scaling_factor,
    tokenizer: file('tokenizer'),
  };
}

/** A configuration takes a few thousand bytes. */
const mostConfigBytes = 2 ** 20;

/** The JSON object that a file holds; undefined where it holds none. */
function objectIn(path: string): Told | undefined {
  try {
    const stats = statSync(path);
    if (!stats.isFile() || stats.size > mostConfigBytes) return undefined;
    const value: unknown = JSON.parse(readFileSync(path, 'utf8'));
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Told) : undefined;
  } catch {
    return undefined;
  }
}
