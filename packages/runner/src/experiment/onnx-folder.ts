import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Complain } from './grid.js';
import { guidanceNames, isRead } from './guidances.js';
import { displayPath } from './problem.js';
import { type Dict, entryAt, graft, toJs, treeOf } from './tree.js';

/** What a folder says, as the keys of a dataset by their paths. */
type Told = Readonly<Record<string, unknown>>;

/**
 * Lays what a folder of ONNX files says beneath what is written of the dataset whose checkpoint it is: its network takes the
 * folder's place, and the keys that are left out are those of its configuration. What that holds is judged as if it
 * were written.
 *
 * - As `fewstep models export` writes it: `denoiser`, `decoder`, `text-encoder`, each with `model.onnx` and `info.json`.
 * - As Optimum exports Stable Diffusion: `unet`, `vae_decoder`, `text_encoder`, `scheduler`, `tokenizer`.
 */
export function completeOnnxFolder(
  tree: Dict,
  { specFolder, cwd }: { readonly specFolder: string; readonly cwd: string },
  complain: Complain,
): Dict {
  const written = entryAt(tree, ['dataset', 'checkpoint'])?.value;
  const checkpoint = written && toJs(written);
  if (typeof checkpoint !== 'string') return tree;
  const folder = resolve(specFolder, checkpoint);
  const say = (sentence: string) => complain(written!.place, 'dataset.checkpoint', sentence);
  const at = (...names: string[]) => {
    const path = join(folder, ...names);
    const config = existsSync(path) ? objectIn(path) : {};
    if (config) return config;
    say(`${displayPath(path, cwd)} is no JSON object: export the folder again.`);
    return {};
  };
  const has = (...names: string[]) => existsSync(join(folder, ...names));
  const file = (...names: string[]) => (has(...names) ? join(checkpoint, ...names) : undefined);

  let network: string;
  let told: Told;
  if (has('denoiser', 'model.onnx')) {
    network = 'denoiser';
    told = exportedByUs(at('denoiser', 'info.json'), file);
  } else if (has('unet', 'model.onnx') && !readdirSync(join(folder, 'unet')).some(isOfTorch)) {
    network = 'unet';
    const unet = at('unet', 'config.json');
    const vae = at('vae_decoder', 'config.json');
    told = exportedByOptimum({ unet, vae, scheduler: at('scheduler', 'scheduler_config.json') }, file);
  } else return tree;

  const { place } = written!;
  const lay = (onto: Dict, path: string, value: unknown): Dict =>
    graft(onto, path.split('.'), { keys: [place], value: treeOf(value, place) }) ?? onto;
  const guidance = entryAt(tree, ['guidance', 'type'])?.value;
  const type = guidance && guidanceNames.find((name) => name === toJs(guidance));
  return Object.entries(told)
    .filter(([key, value]) => value !== undefined && isRead(`dataset.${key}`, type))
    .filter(([key]) => !entryAt(tree, ['dataset', ...key.split('.')]))
    .reduce(
      (onto, [key, value]) => lay(onto, `dataset.${key}`, value),
      lay(tree, 'dataset.checkpoint', join(checkpoint, network, 'model.onnx')),
    );
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

/** Words of diffusers' configurations. */
const parametrizations: Told = { epsilon: 'eps', v_prediction: 'v', sample: 'x0' };
const betaTypes: Told = { linear: 'linear', scaled_linear: 'scaled_linear', squaredcos_cap_v2: 'cosine' };

function exportedByOptimum(
  { unet, vae, scheduler }: { unet: Told; vae: Told; scheduler: Told },
  file: FileOf,
): Told {
  const decoder = file('vae_decoder', 'model.onnx');
  const type = betaTypes[String(scheduler.beta_schedule)];
  const ends = type === 'cosine' ? {} : { start: scheduler.beta_start, end: scheduler.beta_end };
  // betas that are listed, or made to end in noise alone, are for people to write
  const isKnown = type !== undefined && !scheduler.trained_betas && !scheduler.rescale_betas_zero_snr;
  return {
    'onnx.parametrization': type && parametrizations[String(scheduler.prediction_type ?? 'epsilon')],
    'onnx.betas': isKnown ? defined({ type, ...ends, steps: scheduler.num_train_timesteps }) : undefined,
    'onnx.channels': unet.in_channels,
    'onnx.resolution': unet.sample_size,
    'onnx.text_encoder': file('text_encoder', 'model.onnx'),
    'onnx.decoder': decoder,
    'onnx.scale_factor': decoder && vae.scaling_factor,
    tokenizer: file('tokenizer'),
  };
}

const defined = (values: Told): Told =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));

/** The JSON object that a file holds; undefined where it holds none. */
function objectIn(path: string): Told | undefined {
  try {
    const value: unknown = JSON.parse(readFileSync(path, 'utf8'));
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Told) : undefined;
  } catch {
    return undefined;
  }
}
