import { alphasCumprod, type ExportedDenoiser, importDenoiser, type Preconditioning } from '@fewstep/models';
import { RunnerError } from '../errors.js';
import type { OnnxConfig } from '../spec/experiment.js';

/**
 * The denoiser of an ONNX file.
 *
 * @throws RunnerError (E_MODEL) for a network that attends to a prompt; the errors of `importDenoiser`
 */
export async function importOnnx(path: string, onnx: OnnxConfig): Promise<ExportedDenoiser> {
  const denoiser = await importDenoiser(path, { ...onnx, preconditioning: preconditioningOf(onnx) });
  if (!denoiser.info.condition) return denoiser;
  throw new RunnerError(
    'E_MODEL',
    'the network attends to a condition, and prompts are encoded for latent diffusion’s checkpoints alone: take the .ckpt, .safetensors or folder that it was exported from, or export it with the condition inside.',
    { evidence: { condition: denoiser.info.condition } },
  );
}

function preconditioningOf(onnx: OnnxConfig): Preconditioning {
  switch (onnx.parametrization) {
    case 'edm':
      return { type: 'edm', sigmaData: onnx.sigmaData };
    case 'denoiser':
      return { type: 'denoiser' };
    default:
      return { type: 'ldm', alphasCumprod: alphasCumprod(onnx.betas), predicts: onnx.parametrization };
  }
}
