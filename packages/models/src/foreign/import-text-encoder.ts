import { onnxFault, withPath } from '../errors.js';
import type { OnnxFile } from '../onnx/onnx-file.js';
import { type OpenedOnnx, openOnnx } from '../onnx/open-onnx.js';
import type { ExportedTextEncoder } from '../text-encoder.js';
import { endsOf, importPart } from './onnx-part.js';
import { shownValue, size, sizesOf, whole } from './onnx-values.js';

const WHAT = 'a text encoder';
/** CLIP's: Radford et al. 2021, section 2.4, arXiv:2103.00020, and the token that a prompt starts with. */
const CLIP_POSITIONS = 77;

/**
 * Takes the text encoder in an ONNX file into a graph with the input and the output that `exportTextEncoder` gives.
 *
 * - Its one input is numbers of tokens [n, positions], int64 or int32; its output `last_hidden_state`, `hidden`, or the
 *   first [n, positions, width], of float32, float16, bfloat16 or float64. Of positions that the file leaves open there
 *   are CLIP's 77; a width that it leaves open is found by a run on the CPU.
 * - Operators are of opset 13 or later; a batch size that the file fixes is `info.batch`. Weights may be in files beside it.
 *
 * @throws ModelError `E_ONNX`, with `path` in `evidence`, for what is no ONNX model, or no such network in it;
 *   `E_ENGINE` where it doesn't run
 */
export const importTextEncoder = (path: string): Promise<ExportedTextEncoder> =>
  withPath(path, async () => textEncoderOf(openOnnx(path)));

/**
 * A text encoder's input and output, the positions of a prompt, and its width or a name for it.
 *
 * @throws ModelError `E_ONNX` for what is none
 */
export function textEncoderEnds(file: OnnxFile) {
  const ends = endsOf(file, { what: WHAT, types: whole, outputs: ['last_hidden_state', 'hidden'] });
  const [, open] = sizesOf(file, ends.input, 2, 'an input [n, positions] of tokens');
  const positions = typeof open === 'number' ? open : CLIP_POSITIONS;
  const [, encoded, width] = sizesOf(file, ends.output, 3, 'an output [n, positions, width]');
  size(ends.output, encoded!, positions, 'positions');
  return { ends, positions, width: width! };
}

async function textEncoderOf(opened: OpenedOnnx): Promise<ExportedTextEncoder> {
  const { ends, positions, width } = textEncoderEnds(opened.file);
  const found = await importPart(opened, {
    what: WHAT,
    ...ends,
    given: { name: 'tokens', shape: [positions], type: 'int64' },
    gives: { name: 'hidden', shape: [positions, width] },
  });
  if (found.shape[0] !== positions)
    throw onnxFault(
      `its output ${shownValue(ends.output)} of ${positions} tokens has the positions ${found.shape[0]}`,
    );
  const { graph, batch, shape } = found;
  return { graph, info: { positions, width: shape[1]!, ...(batch !== undefined && { batch }) } };
}
