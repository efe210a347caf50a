import { onnxFault } from './onnx-fault.js';
import { refuseExternal } from './onnx-tensor.js';
import { bytesOf, type ProtobufField, replaceFields } from './protobuf.js';

/** Graphs within attributes of nodes within graphs. */
const MAX_DEPTH = 16;

/**
 * A node with `prefix` before its name and those of all values that it reads and makes, in graphs within it too. All else stays
 * as it is, bit for bit.
 *
 * @throws ModelError `E_ONNX` where graphs are nested beyond measure, a tensor within is in another file, or is sparse
 */
export function nodeWithPrefix(node: Uint8Array, prefix: string, depth = 0): Uint8Array {
  if (depth > MAX_DEPTH) throw onnxFault(`its graphs are nested more than ${MAX_DEPTH} deep`);
  return replaceFields(node, (field) => {
    switch (field.number) {
      case 1: // input
      case 2: // output
      case 3: // name
        return prefixed(bytesOf(field), prefix);
      case 5: // attribute
        return replaceFields(bytesOf(field), (part) => attributeWithPrefix(part, prefix, depth));
      default:
        return undefined;
    }
  });
}

function attributeWithPrefix(field: ProtobufField, prefix: string, depth: number): Uint8Array | undefined {
  switch (field.number) {
    case 5: // t
    case 10: // tensors
      refuseExternal(bytesOf(field));
      return undefined;
    case 6: // g
    case 11: // graphs
      return replaceFields(bytesOf(field), (part) => graphWithPrefix(part, prefix, depth + 1));
    case 22: // sparse_tensor
    case 23: // sparse_tensors
      throw sparse();
    default:
      return undefined;
  }
}

function graphWithPrefix(field: ProtobufField, prefix: string, depth: number): Uint8Array | undefined {
  switch (field.number) {
    case 1: // node
      return nodeWithPrefix(bytesOf(field), prefix, depth);
    case 5: // initializer
      refuseExternal(bytesOf(field));
      return named(bytesOf(field), 8, prefix);
    case 11: // input
    case 12: // output
    case 13: // value_info
      return named(bytesOf(field), 1, prefix);
    case 15: // sparse_initializer
      throw sparse();
    default:
      return undefined;
  }
}

export const sparse = () =>
  onnxFault('it has sparse tensors, which are not supported: save it with dense ones');

/** A tensor with `prefix` before its name. */
export const tensorWithPrefix = (tensor: Uint8Array, prefix: string): Uint8Array => named(tensor, 8, prefix);

const named = (message: Uint8Array, number: number, prefix: string): Uint8Array =>
  replaceFields(message, (field) => (field.number === number ? prefixed(bytesOf(field), prefix) : undefined));

/** The empty name stands for nothing, and stays. */
const prefixed = (name: Uint8Array, prefix: string): Uint8Array =>
  name.length === 0 ? name : Buffer.concat([Buffer.from(prefix), name]);
