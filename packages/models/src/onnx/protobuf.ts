import { PbfWriter } from 'pbf';
import { ModelError } from '../errors.js';
import { Cursor } from '../files/cursor.js';
import type { Source } from '../files/source.js';

/** A field of a message, in the order of its bytes; a repeated one comes as often as it is there. */
export type ProtobufField = {
  readonly number: number;
  /** All of it, its number and wire type among it; a view into the message, as `bytes`. */
  readonly whole: Uint8Array;
} /** Unsigned, 64 bits. */ & (
  | { readonly wire: 'varint'; readonly value: bigint }
  /** Four or eight bytes, or what the field says, such as text or a message within. */
  | { readonly wire: 'fixed32' | 'fixed64' | 'bytes'; readonly bytes: Uint8Array }
);

/** Wire types 3 and 4, groups, are of protocol buffers' first version; 6 and 7 are none. */
const wires: Readonly<Record<number, ProtobufField['wire']>> = {
  0: 'varint',
  1: 'fixed64',
  2: 'bytes',
  5: 'fixed32',
};
const lengths = { fixed32: 4, fixed64: 8 };

const MAX_FIELD = 2 ** 29 - 1;
const MAX_VARINT = 2n ** 64n - 1n;
const MAX_VARINT_BYTES = 10;
/** Of a field's number and its length, or value. */
const MAX_HEAD = 2 * MAX_VARINT_BYTES;

/**
 * Reads the fields of a message in protocol buffers' wire format, one after another; a message within is read when its
 * `bytes` are given to this function, so that depth is the caller's to bound.
 *
 * Fields before a fault have been given when the fault is found: a message is well-formed when all were read.
 *
 * Source: https://protobuf.dev/programming-guides/encoding.
 * @throws ModelError `E_ONNX` for a field that is cut short or reaches beyond the message, a group, an unknown wire
 *   type, the field number 0, or a number of more than 64 bits; `at` in `evidence` is its byte in the message.
 */
export function* protobufFields(message: Uint8Array): Generator<ProtobufField, undefined> {
  const cursor = { at: 0 };
  while (cursor.at < message.length) {
    const start = cursor.at;
    const { number, wire, value, length } = readHead(message, cursor, 0);
    if (length > message.length - cursor.at)
      throw cutShort(number, length, message.length - cursor.at, start);
    const bytes = message.subarray(cursor.at, cursor.at + length);
    cursor.at += length;
    const whole = message.subarray(start, cursor.at);
    yield wire === 'varint' ? { number, wire, value, whole } : { number, wire, bytes, whole };
  }
}

/** A message that need not be in memory. Of a field, it can be read until the next one is asked for. */
export interface ProtobufMessage {
  bytes(): Uint8Array;
  /** @throws as `protobufFields`; `at` is the byte in the source */
  fields(): Generator<ProtobufSpan, undefined>;
}

/** A field of such a message. What it holds may be a message, and is passed over where nobody reads it. */
export interface ProtobufSpan extends ProtobufMessage {
  readonly number: number;
  read(): ProtobufField;
  /** Where the bytes that it holds lie in the source. */
  place(): { readonly offset: number; readonly length: number };
}

export const messageIn = (source: Source): ProtobufMessage => ({
  bytes: () => source.read(0, source.length),
  fields: () => protobufSpans(new Cursor(source, 0), source.length),
});

function* protobufSpans(cursor: Cursor, end: number): Generator<ProtobufSpan, undefined> {
  while (cursor.at < end) {
    const whole = cursor.at;
    const head = { at: 0 };
    const { number, wire, length } = readHead(cursor.glance(Math.min(MAX_HEAD, end - whole)), head, whole);
    const start = whole + head.at;
    const next = start + length;
    if (next > end) throw cutShort(number, length, end - start, whole);
    const read = () => {
      cursor.at = whole;
      const [field] = protobufFields(cursor.take(next - whole));
      return field!;
    };
    const place = () => {
      if (wire !== 'bytes') throw noBytes(number, wire, whole);
      return { offset: start, length };
    };
    yield {
      number,
      read,
      place,
      bytes: () => bytesOf(read()),
      fields() {
        cursor.at = place().offset;
        return protobufSpans(cursor, next);
      },
    };
    cursor.at = next;
  }
}

/** A field's number and wire type, and the length of what follows; a number that it holds is read. */
function readHead(bytes: Uint8Array, cursor: { at: number }, base: number) {
  const start = base + cursor.at;
  const tag = readVarint(bytes, cursor, base);
  const number = Number(tag >> 3n);
  if (number < 1 || number > MAX_FIELD) throw fault(`there is no field ${number}`, start);
  const wire = wires[Number(tag & 7n)];
  if (wire === undefined) throw fault(`field ${number} has the wire type ${tag & 7n}`, start);
  const value = wire === 'varint' || wire === 'bytes' ? readVarint(bytes, cursor, base) : 0n;
  const length = wire === 'varint' ? 0 : wire === 'bytes' ? Number(value) : lengths[wire];
  return { number, wire, value, length };
}

/** What a field of that wire type holds. @throws ModelError `E_ONNX` where it is of another */
export function bytesOf(field: ProtobufField): Uint8Array {
  if (field.wire === 'bytes') return field.bytes;
  throw noBytes(field.number, field.wire, 0);
}

/** The messages, or texts, that a repeated field of a message holds. @throws as `protobufFields` */
export const partsOf = (message: Uint8Array, number: number): Uint8Array[] =>
  [...protobufFields(message)].filter((field) => field.number === number).map(bytesOf);

/**
 * The integers, signed, of a repeated field at one of its places: one, or as many as are packed there.
 *
 * @throws ModelError `E_ONNX` where they are no varints
 */
export function integersOf(field: ProtobufField): bigint[] {
  if (field.wire === 'varint') return [BigInt.asIntN(64, field.value)];
  if (field.wire !== 'bytes') throw fault(`field ${field.number} holds ${field.wire}, no integers`, 0);
  const integers: bigint[] = [];
  const cursor = { at: 0 };
  while (cursor.at < field.bytes.length) integers.push(BigInt.asIntN(64, readVarint(field.bytes, cursor)));
  return integers;
}

/**
 * A message with other `bytes` in some of its fields; where `replace` gives none, a field stays as it is, bit for bit.
 *
 * @throws as `protobufFields`
 */
export function replaceFields(
  message: Uint8Array,
  replace: (field: ProtobufField) => Uint8Array | undefined,
): Uint8Array {
  const parts: Uint8Array[] = [];
  for (const field of protobufFields(message)) {
    const bytes = replace(field);
    if (bytes === undefined) {
      parts.push(field.whole);
      continue;
    }
    const head = new PbfWriter();
    head.writeVarint(field.number * 8 + 2);
    head.writeVarint(bytes.length);
    parts.push(head.finish(), bytes);
  }
  return Buffer.concat(parts);
}

function readVarint(bytes: Uint8Array, cursor: { at: number }, base = 0): bigint {
  const start = base + cursor.at;
  // the first four bytes as a number: nearly all varints are short, and bigints are slow
  let low = 0;
  let value = 0n;
  for (let i = 0; i < MAX_VARINT_BYTES; i++) {
    const byte = bytes[cursor.at++];
    if (byte === undefined) throw fault('a number is cut short', start);
    if (i < 4) low |= (byte & 127) << (7 * i);
    else value |= BigInt(byte & 127) << BigInt(7 * i);
    if (byte < 128) {
      value |= BigInt(low);
      if (value > MAX_VARINT) break;
      return value;
    }
  }
  throw fault('a number has more than 64 bits', start);
}

const cutShort = (number: number, length: number, left: number, at: number) =>
  fault(`field ${number} takes ${length} bytes, but ${left} follow`, at);

const noBytes = (number: number, wire: string, at: number) =>
  fault(`field ${number} holds ${wire}, no bytes`, at);

const fault = (message: string, at: number) =>
  new ModelError('E_ONNX', `no protocol buffer: byte ${at}: ${message}`, { at });
