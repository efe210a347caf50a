import type { Checkpoint } from './checkpoints/checkpoint.js';
import { type EngineOptions, openSession } from './engines/open-session.js';
import { checkpointFault, engineFault } from './errors.js';
import { clipTextEncoder } from './networks/clip-text-encoder.js';
import { type EncodedOnnx, encodeOnnx } from './onnx/onnx-model.js';
import { OnnxOps } from './onnx/onnx-ops.js';

/** What a caller must know of a text encoder graph; plain JSON, to be kept beside it. */
export interface TextEncoderInfo {
  /** Numbers of tokens go from 0 to below this; undefined where that is not known. */
  readonly vocabulary?: number;
  /** Tokens of a prompt, start, end and padding among them. */
  readonly positions: number;
  /** Entries that encode one. */
  readonly width: number;
  /** The only batch size that the graph takes; undefined where it takes any. */
  readonly batch?: number;
}

/** A text encoder as a graph, and what a caller must know of it. */
export interface ExportedTextEncoder extends EncodedOnnx {
  readonly info: TextEncoderInfo;
}

/**
 * Writes a checkpoint's text encoder as an ONNX graph of float32, any batch size n.
 *
 * - Input: `tokens` [n, positions], int64.
 * - Output: `hidden` [n, positions, width], the last hidden states after the final layer norm: the condition of the
 *   denoiser.
 *
 * @throws ModelError `E_CHECKPOINT` when the checkpoint has none
 */
export function exportTextEncoder({ textEncoder }: Checkpoint): ExportedTextEncoder {
  if (!textEncoder) throw checkpointFault('the model is unconditional: it has no text encoder to export');
  const { options, weights } = textEncoder;
  const { vocab_size: vocabulary, max_position_embeddings: positions, hidden_size: width } = options;
  const ops = new OnnxOps(weights);
  const hidden = clipTextEncoder(ops, options, ops.input('tokens', [positions], 'int64'));
  return { ...encodeOnnx(ops.model({ hidden })), info: { vocabulary, positions, width } };
}

/** A text encoder that is ready to run. */
export interface LoadedTextEncoder {
  readonly info: TextEncoderInfo;
  /**
   * Conditions [n × positions·width] of n prompts, each as numbers of tokens.
   *
   * @throws ModelError `E_ENGINE` when a prompt has another length, or a number that is no token's.
   */
  encode(prompts: readonly (readonly number[])[]): Promise<Float64Array>;
  close(): Promise<void>;
}

/** Opens a text encoder graph, as `exportTextEncoder` writes it. @throws as `openDenoiser`. */
export async function openTextEncoder(
  graph: string | Uint8Array,
  info: TextEncoderInfo,
  options: EngineOptions = {},
): Promise<LoadedTextEncoder> {
  const { vocabulary = Infinity, positions, width, batch } = info;
  const signature = { what: 'a text encoder', inputs: ['tokens'], outputs: ['hidden'] };
  const session = await openSession(graph, signature, options);
  return {
    info,
    async encode(prompts) {
      for (const tokens of prompts) checkTokens(tokens, { positions, vocabulary });
      const each = batch ?? prompts.length;
      const conditions = new Float64Array(prompts.length * positions * width);
      for (let start = 0; start < prompts.length; start += each) {
        const rows = prompts.slice(start, start + each);
        const data = new BigInt64Array(each * positions);
        data.set(BigInt64Array.from(rows.flat(), BigInt));
        const { hidden } = await session.run({ tokens: { data, shape: [positions] } }, each);
        const taken = (hidden as Float32Array).subarray(0, rows.length * positions * width);
        conditions.set(taken, start * positions * width);
      }
      return conditions;
    },
    close: () => session.close(),
  };
}

/** @throws ModelError `E_ENGINE` when a prompt has another length, or a number that is no token's */
export function checkTokens(
  tokens: readonly number[],
  { positions, vocabulary }: Required<Pick<TextEncoderInfo, 'positions' | 'vocabulary'>>,
): void {
  if (tokens.length !== positions)
    throw engineFault(`a prompt has ${positions} tokens, not ${tokens.length}; pad it`, {
      length: tokens.length,
    });
  const wrong = tokens.find((t) => !(Number.isInteger(t) && t >= 0 && t < vocabulary));
  if (wrong !== undefined)
    throw engineFault(
      `there is no token ${wrong}; they go from 0 to ${vocabulary - 1}. Is this tokenizer the model's?`,
      { token: wrong },
    );
}
