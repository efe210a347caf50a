import {
  alphasCumprod,
  type ExportedDecoder,
  type ExportedDenoiser,
  type ExportedTextEncoder,
  importDecoder,
  importDenoiser,
  importTextEncoder,
  type Preconditioning,
} from '@fewstep/models';
import type { OnnxConfig } from '../experiment/experiment.js';

/** Files that belong to a network of latents, or one that attends to prompts. */
interface OnnxParts {
  readonly textEncoder: string | undefined;
  readonly decoder: string | undefined;
  /** Of the decoder's latents. */
  readonly scaleFactor: number | undefined;
}

interface ImportedModel {
  readonly denoiser: ExportedDenoiser;
  readonly textEncoder: ExportedTextEncoder | undefined;
  readonly decoder: ExportedDecoder | undefined;
}

/**
 * The model of an ONNX file, and of those that belong to it.
 *
 * @throws the errors of `importDenoiser` and its like
 */
export async function importOnnx(path: string, onnx: OnnxConfig, parts: OnnxParts): Promise<ImportedModel> {
  const textEncoder =
    parts.textEncoder === undefined ? undefined : await importTextEncoder(parts.textEncoder);
  const denoiser = await importDenoiser(path, {
    ...onnx,
    preconditioning: preconditioningOf(onnx),
    ...(textEncoder && { condition: textEncoder.info }),
  });
  const { channels, resolution } = denoiser.info;
  const decoder =
    parts.decoder === undefined
      ? undefined
      : await importDecoder(parts.decoder, { scaleFactor: parts.scaleFactor ?? 1, channels, resolution });
  return { denoiser, textEncoder, decoder };
}

function preconditioningOf(onnx: OnnxConfig): Preconditioning {
  switch (onnx.parametrization) {
    case 'edm':
      return { type: 'edm', sigmaData: onnx.sigmaData };
    case 'denoiser':
      return { type: 'denoiser', ...(onnx.betas && { alphasCumprod: alphasCumprod(onnx.betas) }) };
    default:
      return { type: 'ldm', alphasCumprod: alphasCumprod(onnx.betas), predicts: onnx.parametrization };
  }
}
