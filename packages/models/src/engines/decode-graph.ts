import { type DecodedOnnx, decodeOnnx } from '../onnx/decode-onnx.js';
import { openOnnx, openOnnxBytes } from '../onnx/open-onnx.js';
import { checkNames, type OnnxSignature } from './onnx-session.js';

/**
 * A graph as an engine computes it: its nodes in order and its constants, whose elements are read when they are asked
 * for.
 *
 * @param graph the path of a file, or bytes that hold their weights
 * @throws ModelError `E_ONNX` for what is no model, or has constants other than of float32, int64, int32 and truth
 *   values; `E_CHECKPOINT` for a file that can't be read; `E_ENGINE` when it has other names than `signature`
 */
export function decodeGraph(graph: string | Uint8Array, signature: OnnxSignature): DecodedOnnx {
  const model = decodeOnnx(typeof graph === 'string' ? openOnnx(graph) : openOnnxBytes(graph));
  checkNames(graph, signature, model);
  return model;
}
