import { onnxFault } from '../errors.js';
import { refuseExternal } from './onnx-tensor.js';
import { messageOf, type ProtobufField, type ProtobufMessage, replaceFields } from './protobuf.js';

/** Graphs within attributes of nodes within graphs. */
const MAX_DEPTH = 16;

/** What a field becomes; where that is nothing, it stays as it is, bit for bit. */
type Rule = (field: ProtobufField, prefix: string, depth: number) => Uint8Array | undefined;
/** By the numbers of a message's fields; all others stay. */
type Rules = Readonly<Record<number, Rule>>;

const withPrefix = (message: ProtobufMessage, rules: Rules, prefix: string, depth: number): Uint8Array =>
  replaceFields(message, (field) => rules[field.number]?.(field, prefix, depth));

/** The empty name stands for nothing, and stays. */
const named: Rule = (field, prefix) => {
  const name = field.bytes();
  return name.length === 0 ? name : Buffer.concat([Buffer.from(prefix), name]);
};
const within =
  (rules: Rules): Rule =>
  (field, prefix, depth) =>
    withPrefix(field, rules, prefix, depth);
const graphWithin: Rule = (field, prefix, depth) => {
  if (depth === MAX_DEPTH) throw onnxFault(`its graphs are nested more than ${MAX_DEPTH} deep`);
  return withPrefix(field, graph, prefix, depth + 1);
};
const tensorWithin: Rule = (field) => void refuseExternal(field);
/** @throws ModelError `E_ONNX` */
export const refuseSparse = (): never => {
  throw onnxFault('it has sparse tensors, which are not supported: save it with dense ones');
};

const attribute: Rules = {
  5: tensorWithin, // t
  6: graphWithin, // g
  10: tensorWithin, // tensors
  11: graphWithin, // graphs
  22: refuseSparse, // sparse_tensor
  23: refuseSparse, // sparse_tensors
};
const node: Rules = {
  1: named, // input
  2: named, // output
  3: named, // name
  5: within(attribute),
};
const tensor: Rules = { 8: named };
const value: Rules = { 1: named };
const graph: Rules = {
  1: within(node),
  5: (field, ...rest) => tensorWithin(field, ...rest) ?? within(tensor)(field, ...rest), // initializer
  11: within(value), // input
  12: within(value), // output
  13: within(value), // value_info
  15: refuseSparse, // sparse_initializer
};

/**
 * A node with `prefix` before its name and those of all values that it reads and makes, in graphs within it too. All else stays
 * as it is, bit for bit.
 *
 * @throws ModelError `E_ONNX` where graphs are nested beyond measure, a tensor within is in another file, or is sparse
 */
export const nodeWithPrefix = (bytes: Uint8Array, prefix: string): Uint8Array =>
  withPrefix(messageOf(bytes), node, prefix, 0);

/** A tensor with `prefix` before its name. */
export const tensorWithPrefix = (bytes: Uint8Array, prefix: string): Uint8Array =>
  withPrefix(messageOf(bytes), tensor, prefix, 0);
