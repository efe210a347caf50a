import { cleanCaption } from './caption.js';
import { type ClipNetwork, type ClipTold, openClipCheckpoint } from './checkpoints/clip-checkpoint.js';
import type { OnnxSession } from './engines/onnx-session.js';
import { openEncoded } from './engines/open-encoded.js';
import type { EngineOptions } from './engines/open-session.js';
import { engineFault } from './errors.js';
import type { Tensors } from './files/tensor.js';
import { clipTextEmbedding } from './networks/clip-text-encoder.js';
import { clipImageEmbedding } from './networks/clip-vision-encoder.js';
import { type EncodedOnnx, encodeOnnx } from './onnx/onnx-model.js';
import { OnnxOps } from './onnx/onnx-ops.js';
import type { ByteImages } from './pixels.js';
import { checkTokens } from './text-encoder.js';
import { openTokenizer, type Tokenizer } from './tokenizer.js';

/** On what it computes, what its weights don't show, and how texts become tokens. */
export interface ClipOptions extends EngineOptions, ClipTold {
  /** CLIP's own by default. */
  readonly tokenizer?: Tokenizer;
}

/** Both encoders of a CLIP, ready to run. The cosine of an image and a text is the product of their embeddings. */
export interface Clip {
  /** Entries of an embedding. */
  readonly dim: number;
  /** Height and width of the images that it takes, in pixels. */
  readonly imageSize: number;
  /**
   * Embeddings [n × dim] of n images, each of length 1.
   *
   * Images of another size are to be made so before, as the networks were trained: the shorter side becomes S =
   * `imageSize` by Pillow's bicubic filter, the longer S·long/short without its fraction, and of that the S in the middle
   * are taken, from (length − S)/2 on, rounded to even where it is a half: `clipImages` of @fewstep/metrics.
   *
   * @throws ModelError `E_ENGINE` when the images have another size, or there are other bytes than it says
   */
  embedImages(images: ByteImages): Promise<Float32Array>;
  /**
   * Embeddings [n × dim] of n texts, each of length 1. What is too long is cut off.
   *
   * @throws ModelError `E_ENGINE` when the tokenizer gives tokens that the network doesn't have
   */
  embedTexts(texts: readonly string[]): Promise<Float32Array>;
  close(): Promise<void>;
}

/** Pixels of images, and texts, that go through the encoder of one device at once. */
const MAX_PIXELS = 2 ** 20;
const MAX_TEXTS = 64;

/**
 * Opens a CLIP with vision transformer from its file: of OpenCLIP (`open_clip_model.safetensors`,
 * `open_clip_pytorch_model.bin`), of OpenAI (`ViT-L-14.pt`), or of Hugging Face's transformers (`model.safetensors`).
 *
 * - Sizes are read off the weights. What they don't show, `activation`, `vision_heads` and `text_heads`, is known of
 *   OpenCLIP's ViT-g/14 and ViT-bigG/14 and of OpenAI's own files; of others the activation must be told, and the heads
 *   where the network is none of ViT-B, L and H.
 * - Computes in float32, whatever the file's precision is.
 * - Memory: weights as float32, and those of one encoder twice as it is opened; those of more than 2 GiB go through a
 *   file in the system's temporary folder, as large as they are.
 * - Source: Radford et al. 2021, arXiv:2103.00020.
 *
 * @throws ModelError `E_CHECKPOINT`, with `asked` in `evidence` where something must be told, or with the lists `missing`,
 *   `unexpected` and `wrongShape`; as `openStateDict` and `openTokenizer`; `E_ENGINE` when the engine or the device is not
 *   there
 */
export async function openClip(path: string, options: ClipOptions = {}): Promise<Clip> {
  const { device, threads, tokenizer = await openTokenizer(), ...told } = options;
  const engine = { ...(device && { device }), ...(threads !== undefined && { threads }) };
  const checkpoint = await openClipCheckpoint(path, told);
  const { network } = checkpoint;
  const open: OnnxSession[] = [];
  try {
    // one after the other, so that the weights of one are in memory twice at most
    for (const encoder of ['vision', 'text'] as const) {
      const { write, signature } = encoders[encoder];
      open.push(await openEncoded(write(network, checkpoint.read(encoder)), signature, engine));
    }
  } catch (error) {
    for (const session of open) await session.close();
    throw error;
  } finally {
    checkpoint.close();
  }
  const [vision, text] = open as [OnnxSession, OnnxSession];
  const {
    projection_dim: dim,
    vision: { image_size: imageSize },
  } = network;
  return {
    dim,
    imageSize,
    embedImages: (images) => embedImages(vision, network, images),
    embedTexts: (texts) => embedTexts(text, network, texts, tokenizer),
    async close() {
      await vision.close();
      await text.close();
    },
  };
}

const encoders = {
  vision: {
    signature: { what: 'an image encoder', inputs: ['images'], outputs: ['embeddings'] },
    write({ vision, projection_dim }: ClipNetwork, weights: Tensors): EncodedOnnx {
      const ops = new OnnxOps(weights);
      const images = ops.input('images', [3, vision.image_size, vision.image_size]);
      return encodeOnnx(
        ops.model({ embeddings: clipImageEmbedding(ops, { ...vision, projection_dim }, images) }),
      );
    },
  },
  text: {
    signature: { what: 'a text encoder', inputs: ['tokens', 'ends'], outputs: ['embeddings'] },
    write({ text, projection_dim }: ClipNetwork, weights: Tensors): EncodedOnnx {
      const ops = new OnnxOps(weights);
      const inputs = {
        numbers: ops.input('tokens', [text.max_position_embeddings], 'int64'),
        ends: ops.input('ends', [text.max_position_embeddings]),
      };
      return encodeOnnx(
        ops.model({ embeddings: clipTextEmbedding(ops, { ...text, projection_dim }, inputs) }),
      );
    },
  },
} as const;

async function embedImages(
  session: OnnxSession,
  { vision, projection_dim }: ClipNetwork,
  images: ByteImages,
) {
  const { data, n, channels, height, width } = images;
  const { image_size: size } = vision;
  if ((channels !== 3 && channels !== 1) || height !== size || width !== size)
    throw engineFault(
      `the images are ${width}×${height} of ${channels} channels, and this CLIP takes ${size}×${size} of 3, or of 1 for grey: resize the shorter side to ${size} by Pillow's bicubic filter, and cut out the middle`,
      { channels, height, width, size },
    );
  const pixels = size ** 2;
  if (data.length !== n * channels * pixels)
    throw engineFault(
      `${n} images [${channels}, ${size}, ${size}] are ${n * channels * pixels} bytes, and there are ${data.length}`,
      { n, length: data.length },
    );
  const batch = Math.max(1, Math.floor(MAX_PIXELS / pixels));
  return inBatches(n, batch, projection_dim, async (start, rows) => {
    const scaled = new Float32Array(rows * 3 * pixels);
    for (let plane = 0; plane < rows * 3; plane++) {
      const [image, channel] = [start + Math.floor(plane / 3), plane % 3];
      const from = (image * channels + (channels === 3 ? channel : 0)) * pixels;
      const table = normalised[channel]!;
      for (let i = 0; i < pixels; i++) scaled[plane * pixels + i] = table[data[from + i]!]!;
    }
    return session.run({ images: { data: scaled, shape: [3, size, size] } }, rows);
  });
}

/** Of a byte in each channel, in the steps and with the roundings of float32: over 255, less the mean, over the deviation. */
const normalised = (
  [
    [0.48145466, 0.26862954],
    [0.4578275, 0.26130258],
    [0.40821073, 0.27577711],
  ] as const
).map(([mean, deviation]) =>
  Float32Array.from({ length: 256 }, (_, byte) => {
    const less = Math.fround(Math.fround(byte / 255) - Math.fround(mean));
    return less / Math.fround(deviation);
  }),
);

async function embedTexts(
  session: OnnxSession,
  { text, projection_dim }: ClipNetwork,
  texts: readonly string[],
  tokenizer: Tokenizer,
) {
  const { max_position_embeddings: positions, vocab_size: vocabulary } = text;
  const prompts = texts.map((one) => tokenizer.encode(cleanCaption(one), positions));
  for (const tokens of prompts) checkTokens(tokens, { positions, vocabulary });
  return inBatches(texts.length, MAX_TEXTS, projection_dim, (start, rows) => {
    const tokens = prompts.slice(start, start + rows);
    const ends = new Float32Array(rows * positions);
    // the end token has the highest number; what comes after its first one changes nothing before it
    for (const [row, numbers] of tokens.entries())
      ends[row * positions + numbers.indexOf(Math.max(...numbers))] = 1;
    return session.run(
      {
        tokens: { data: BigInt64Array.from(tokens.flat(), BigInt), shape: [positions] },
        ends: { data: ends, shape: [positions] },
      },
      rows,
    );
  });
}

/** Embeddings of n samples, some at a time, each divided by its length. */
async function inBatches(
  n: number,
  batch: number,
  dim: number,
  run: (start: number, rows: number) => ReturnType<OnnxSession['run']>,
): Promise<Float32Array> {
  const all = new Float32Array(n * dim);
  for (let start = 0; start < n; start += batch) {
    const { embeddings } = await run(start, Math.min(batch, n - start));
    all.set(embeddings as Float32Array, start * dim);
  }
  for (let start = 0; start < all.length; start += dim) {
    const one = all.subarray(start, start + dim);
    const length = Math.sqrt(one.reduce((sum, v) => sum + v * v, 0));
    one.forEach((v, i) => {
      one[i] = v / length;
    });
  }
  return all;
}
