import { ModelError } from '../errors.js';
import { bytesOf, type ProtobufField } from './protobuf.js';

export const onnxFault = (message: string, evidence: Record<string, unknown> = {}) =>
  new ModelError('E_ONNX', message, evidence);

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** @throws ModelError `E_ONNX` where a field holds no text */
export function onnxText(field: ProtobufField): string {
  const bytes = bytesOf(field);
  try {
    return utf8.decode(bytes);
  } catch {
    throw onnxFault('it has a name that is no text');
  }
}

/** A whole number that is not negative. @throws ModelError `E_ONNX` where a field holds none */
export function onnxWhole(field: ProtobufField, what: string): number {
  const value = field.wire === 'varint' ? Number(BigInt.asIntN(64, field.value)) : -1;
  if (!(Number.isSafeInteger(value) && value >= 0))
    throw onnxFault(`it is no ONNX model: ${what} is ${field.wire === 'varint' ? value : field.wire}`);
  return value;
}
