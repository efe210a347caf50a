import type { BetaSchedule } from '@fewstep/models';
import type { OnnxConfig } from './experiment.js';
import type { Spec } from './schema.js';

export type SpecOnnx = NonNullable<Spec['dataset']['onnx']>;

/** Whether a checkpoint is ONNX, and told by `onnx`. */
export const isOnnx = (dataset: Spec['dataset']): boolean => /\.onnx$/i.test(dataset.checkpoint ?? '');

/** What is told of an ONNX checkpoint; undefined for another one. */
export const onnxOf = (dataset: Spec['dataset']): SpecOnnx | undefined =>
  isOnnx(dataset) ? dataset.onnx : undefined;

/** Whether its network is told discrete times of a training. */
export const isDiscrete = (onnx: SpecOnnx | undefined): boolean =>
  onnx !== undefined && ['eps', 'v', 'x0'].includes(onnx.parametrization);

/** First and last β: of DDPM (arXiv:2006.11239) and of Stable Diffusion (arXiv:2112.10752). */
export const betaRange = {
  linear: { start: 0.0001, end: 0.02 },
  scaled_linear: { start: 0.00085, end: 0.012 },
} as const;

/** The same with every default filled in. */
export function onnxConfigOf({
  parametrization,
  betas,
  sigma_data,
  text_encoder,
  decoder,
  scale_factor,
  ...file
}: SpecOnnx): OnnxConfig {
  const signature = file as Omit<OnnxConfig, 'parametrization'>;
  switch (parametrization) {
    case 'denoiser':
      return { parametrization, ...(betas && { betas: betasOf(betas) }), ...signature };
    case 'edm':
      return { parametrization, sigmaData: sigma_data ?? 0.5, ...signature };
    default:
      return { parametrization, betas: betasOf(betas!), ...signature };
  }
}

function betasOf({
  type,
  steps = 1000,
  start,
  end,
  alphas_cumprod,
}: NonNullable<SpecOnnx['betas']>): BetaSchedule {
  switch (type) {
    case 'linear':
    case 'scaled_linear': {
      const range = betaRange[type];
      return { type, start: start ?? range.start, end: end ?? range.end, steps };
    }
    case 'cosine':
      return { type, steps };
    case 'explicit':
      return { type, alphasCumprod: alphas_cumprod! };
  }
}
