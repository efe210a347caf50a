import type { DecoderInfo, ExportedDecoder } from '../decoder.js';
import { onnxFault, withPath } from '../errors.js';
import type { OnnxFile } from '../onnx/onnx-file.js';
import { type OpenedOnnx, openOnnx } from '../onnx/open-onnx.js';
import { endsOf, importPart } from './onnx-part.js';
import { floats, shownValue, size, sizesOf } from './onnx-values.js';

/** What a decoder in an ONNX file is given. */
export interface OnnxDecoderOptions extends Pick<DecoderInfo, 'channels' | 'resolution'> {
  /** What latents are multiplied by for the denoiser; 1 where the file undoes that itself. */
  readonly scaleFactor: number;
}

const WHAT = 'a decoder of latents';

/**
 * Takes the decoder of latents in an ONNX file into a graph with the input and the output that `exportDecoder` gives.
 *
 * - Its one input is [n, c, r, r], its output `sample`, `images`, or the first [n, C, R, R], −1 black to 1 white; of
 *   float32, float16, bfloat16 or float64. Sizes of pictures that the file leaves open are found by a run on the CPU.
 * - Operators are of opset 13 or later; a batch size that the file fixes is `info.batch`. Weights may be in files beside it.
 *
 * @throws ModelError `E_ONNX`, with `path` in `evidence`, for what is no ONNX model, or no such network in it;
 *   `E_ENGINE` where it doesn't run
 */
export const importDecoder = (path: string, options: OnnxDecoderOptions): Promise<ExportedDecoder> =>
  withPath(path, async () => decoderOf(openOnnx(path), options));

/** A decoder's input and output, and their sizes, of one sample. @throws ModelError `E_ONNX` for what is none */
export function decoderEnds(file: OnnxFile) {
  const ends = endsOf(file, { what: WHAT, types: floats, outputs: ['sample', 'images'] });
  const [, ...latent] = sizesOf(file, ends.input, 4, 'an input [n, c, r, r] of latents');
  const [, ...image] = sizesOf(file, ends.output, 4, 'an output [n, C, R, R] of pictures');
  return { ends, latent, image };
}

async function decoderOf(
  opened: OpenedOnnx,
  { scaleFactor, channels, resolution }: OnnxDecoderOptions,
): Promise<ExportedDecoder> {
  const { ends, latent, image } = decoderEnds(opened.file);
  const shape = [channels, resolution, resolution];
  for (const [i, key] of ['channels', 'resolution', 'resolution'].entries())
    size(ends.input, latent[i]!, shape[i], key);
  const found = await importPart(opened, {
    what: WHAT,
    ...ends,
    given: { name: 'latents', shape, type: 'float32' },
    told: (ops, latents) => ops.affine(latents, 1 / scaleFactor, 0),
    gives: { name: 'images', shape: image },
  });
  const [imageChannels = 0, imageResolution = 0, width] = found.shape;
  if ((imageChannels !== 1 && imageChannels !== 3) || imageResolution !== width)
    throw onnxFault(
      `pictures are square, of 1 or 3 channels, and its output ${shownValue(ends.output)} of latents [${shape}] is [${found.shape}]`,
    );
  const { graph, batch } = found;
  const info = { channels, resolution, imageChannels, imageResolution, codebook: 0 };
  return { graph, info: { ...info, ...(batch !== undefined && { batch }) } };
}
