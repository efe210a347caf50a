import type { Checkpoint } from './checkpoints/checkpoint.js';
import { type EngineOptions, openSession } from './engines/open-session.js';
import { checkpointFault, engineFault } from './errors.js';
import type { FirstStageOptions } from './networks/first-stage-decoder.js';
import { firstStageDecoder } from './networks/first-stage-decoder.js';
import { type EncodedOnnx, encodeOnnx } from './onnx/onnx-model.js';
import { OnnxOps } from './onnx/onnx-ops.js';

/** What a caller must know of a decoder graph; plain JSON, to be kept beside it. */
export interface DecoderInfo {
  /** Of a latent, which is [channels, resolution, resolution]. */
  readonly channels: number;
  readonly resolution: number;
  /** Of a picture. */
  readonly imageChannels: number;
  readonly imageResolution: number;
  /** Vectors of the codebook; 0: there is none, and the graph has no output `codes`. */
  readonly codebook: number;
  /** The only batch size that the graph takes; undefined where it takes any. */
  readonly batch?: number;
}

/** A decoder as a graph, and what a caller must know of it. */
export interface ExportedDecoder extends EncodedOnnx {
  readonly info: DecoderInfo;
}

/**
 * Writes the decoder of a checkpoint's first stage, or of one by itself, as an ONNX graph of float32, any batch size n.
 *
 * - Input: `latents` [n, c, r, r], as the denoiser has them; their scale is undone inside.
 * - Outputs: `images` [n, C, R, R], -1 black to 1 white, not clipped; with a codebook `codes` [n, r, r], int64, the
 *   number of each position's vector.
 *
 * @throws ModelError `E_CHECKPOINT` when the checkpoint has none
 */
export function exportDecoder({
  resolution,
  decoder,
  scaleFactor = 1,
}: Pick<Checkpoint, 'resolution' | 'decoder' | 'scaleFactor'>): ExportedDecoder {
  if (!decoder) throw checkpointFault('the model denoises images: it has no decoder to export');
  const { options, weights } = decoder;
  const { embed_dim: channels, out_ch: imageChannels, n_embed: codebook } = options;
  const ops = new OnnxOps(weights);
  const latents = ops.affine(ops.input('latents', [channels, resolution, resolution]), 1 / scaleFactor, 0);
  const { images, codes } = firstStageDecoder(ops, options, latents);
  return {
    ...encodeOnnx(ops.model({ images, ...(codes && { codes }) }, ['codes'])),
    info: { channels, resolution, imageChannels, imageResolution: imageSize(options, resolution), codebook },
  };
}

const imageSize = ({ ch_mult }: FirstStageOptions, resolution: number) =>
  resolution * 2 ** (ch_mult.length - 1);

/** A decoder that is ready to run. */
export interface LoadedDecoder {
  readonly info: DecoderInfo;
  /**
   * Pictures [n × C·R·R] of latents [n × c·r·r]; with a codebook also the number of each position's vector [n × r·r].
   *
   * @throws ModelError `E_ENGINE` when the latents are no whole number of samples.
   */
  decode(latents: Float64Array): Promise<{ images: Float64Array; codes?: Int32Array }>;
  close(): Promise<void>;
}

/** Pixels of pictures that go through the decoder of one device at once. */
const MAX_PIXELS = 2 ** 19;

/** Opens a decoder graph, as `exportDecoder` writes it. @throws as `openDenoiser`. */
export async function openDecoder(
  graph: string | Uint8Array,
  info: DecoderInfo,
  options: EngineOptions = {},
): Promise<LoadedDecoder> {
  const { channels, resolution, imageChannels, imageResolution, codebook } = info;
  const outputs = codebook > 0 ? ['images', 'codes'] : ['images'];
  const session = await openSession(graph, { what: 'a decoder', inputs: ['latents'], outputs }, options);
  const shape = [channels, resolution, resolution];
  const size = channels * resolution ** 2;
  const imageSize = imageChannels * imageResolution ** 2;
  const batch = info.batch ?? Math.max(1, Math.floor(MAX_PIXELS / imageResolution ** 2));
  return {
    info,
    async decode(latents) {
      const n = latents.length / size;
      if (!Number.isInteger(n))
        throw engineFault(
          `there are ${latents.length} values, which are no whole number of latents [${shape}]`,
          {
            length: latents.length,
          },
        );
      const images = new Float64Array(n * imageSize);
      const codes = codebook > 0 ? new Int32Array(n * resolution ** 2) : undefined;
      for (let start = 0; start < n; start += batch) {
        const rows = Math.min(batch, n - start);
        // where the graph takes no fewer, zeros stand for those that aren't there
        const run = info.batch === undefined ? rows : batch;
        const data = new Float32Array(run * size);
        data.set(latents.subarray(start * size, (start + rows) * size));
        const found = await session.run({ latents: { data, shape } }, run);
        images.set((found.images as Float32Array).subarray(0, rows * imageSize), start * imageSize);
        codes?.set(Array.from(found.codes as BigInt64Array, Number), start * resolution ** 2);
      }
      return codes ? { images, codes } : { images };
    },
    close: () => session.close(),
  };
}
