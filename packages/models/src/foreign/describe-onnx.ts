import { withPath } from '../errors.js';
import type { Condition } from '../export-denoiser.js';
import { externalFilesOf, readOnnxFile } from '../onnx/open-onnx.js';
import { decoderEnds } from './import-decoder.js';
import { textEncoderEnds } from './import-text-encoder.js';
import { type OnnxSignatureOptions, signatureOf } from './onnx-signature.js';

/** What an ONNX file is wanted for; a denoiser with what is told of it beside. */
export type OnnxRole = 'decoder' | 'text-encoder' | OnnxSignatureOptions;

/** What is known of an ONNX file before it is imported. */
export interface OnnxDescription {
  /** Names of the files beside it that its weights are in. */
  readonly external: readonly string[];
  /** Of a denoiser that attends to a prompt, and of a text encoder; sizes are left out that only a run tells. */
  readonly condition?: Partial<Condition>;
  /** Of what a denoiser denoises. */
  readonly channels?: number;
}

/**
 * Tells whether an ONNX file can be what it is wanted for, by its outline: operators, inputs, outputs. Neither weights
 * beside it are read nor is anything computed.
 *
 * @throws ModelError `E_ONNX`, with `path` in `evidence`, for what `importDenoiser` and its like refuse of an outline;
 *   `E_CHECKPOINT` for a file that can't be read
 */
export function describeOnnx(path: string, role: OnnxRole): OnnxDescription {
  const file = readOnnxFile(path);
  const external = externalFilesOf(file.initializers);
  return withPath(path, () => {
    if (role === 'decoder') {
      decoderEnds(file);
      return { external };
    }
    if (role === 'text-encoder') {
      const { positions, width } = textEncoderEnds(file);
      return { external, condition: { positions, ...(typeof width === 'number' && { width }) } };
    }
    const { condition: told, channels } = signatureOf(file, role);
    if (!told) return { external, channels };
    const { name: _, type: __, ...condition } = told;
    return { external, channels, condition };
  });
}
