import { PbfWriter } from 'pbf';
import { onnxFault } from '../errors.js';
import { Cursor } from '../files/cursor.js';
import type { Source } from '../files/source.js';

/** A message in protocol buffers' wire format, which need not be in memory. */
export interface ProtobufMessage {
  /** @throws ModelError `E_ONNX` where it is a field that holds none */
  bytes(): Uint8Array;
  /**
   * Its fields in the order of their bytes; a repeated one comes as often as it is there. Those before a fault have been
   * given when the fault is found: a message is well-formed when all were read.
   *
   * Source: https://protobuf.dev/programming-guides/encoding.
   * @throws ModelError `E_ONNX` for a field that is cut short or reaches beyond the message, a group, an unknown wire
   *   type, the field number 0, or a number of more than 64 bits; `at` in `evidence` is its byte in the source.
   */
  fields(): Generator<ProtobufField, undefined>;
}

/** A field of a message. What it holds may be a message, and is passed over where nobody reads it. */
export interface ProtobufField extends ProtobufMessage {
  readonly number: number;
  readonly wire: Wire;
  /** Of a varint: unsigned, 64 bits. */
  readonly value: bigint;
  /** As of a message; of a fixed number where it is asked for. */
  bytes(wire?: Wire): Uint8Array;
  /** All of it, its number and wire type among it. */
  whole(): Uint8Array;
  /** Where the bytes that it holds lie in the source. @throws ModelError `E_ONNX` where it is of another wire type */
  place(): { readonly offset: number; readonly length: number };
}

type Wire = 'varint' | 'fixed64' | 'bytes' | 'fixed32';

/** Wire types 3 and 4, groups, are of protocol buffers' first version; 6 and 7 are none. */
const wires: Readonly<Record<number, Wire>> = { 0: 'varint', 1: 'fixed64', 2: 'bytes', 5: 'fixed32' };
const lengths = { varint: 0, fixed32: 4, fixed64: 8 };

const MAX_FIELD = 2 ** 29 - 1;
const MAX_VARINT = 2n ** 64n - 1n;
const MAX_VARINT_BYTES = 10;
/** Of a field's number and its length, or value. */
const MAX_HEAD = 2 * MAX_VARINT_BYTES;

/** The message that a source is. */
export function messageIn(source: Source): ProtobufMessage {
  const cursor: Cursor = new Cursor(source, 0, (length, left) =>
    fault(`${length} bytes are due, ${left} follow`, cursor.at),
  );
  const read: Read = (start, end) => {
    cursor.at = start;
    return cursor.take(end - start);
  };
  return { bytes: () => source.read(0, source.length), fields: () => fieldsIn(read, 0, source.length) };
}

/** The message that bytes are; what it gives are views. */
export const messageOf = (bytes: Uint8Array): ProtobufMessage => ({
  bytes: () => bytes,
  fields: () => fieldsIn((start, end) => bytes.subarray(start, end), 0, bytes.length),
});

type Read = (start: number, end: number) => Uint8Array;

function* fieldsIn(read: Read, from: number, end: number): Generator<ProtobufField, undefined> {
  for (let at = from; at < end; ) {
    const start = at;
    const head = readHead(read(start, Math.min(start + MAX_HEAD, end)), start);
    const { number, wire, value, length } = head;
    const offset = start + head.size;
    const stop = offset + length;
    if (stop > end) throw fault(`field ${number} takes ${length} bytes, but ${end - offset} follow`, start);
    const place = (wanted: Wire = 'bytes') => {
      if (wire !== wanted) throw fault(`field ${number} holds ${wire}, no ${wanted}`, start);
      return { offset, length };
    };
    yield {
      number,
      wire,
      value,
      place,
      whole: () => read(start, stop),
      bytes: (wanted) => read(place(wanted).offset, stop),
      fields: () => fieldsIn(read, place().offset, stop),
    };
    at = stop;
  }
}

/** A field's number and wire type, a number that it holds, the bytes that all this takes, and of what follows. */
function readHead(bytes: Uint8Array, base: number) {
  const cursor = { at: 0 };
  const tag = readVarint(bytes, cursor, base);
  const number = Number(tag >> 3n);
  if (number < 1 || number > MAX_FIELD) throw fault(`there is no field ${number}`, base);
  const wire = wires[Number(tag & 7n)];
  if (wire === undefined) throw fault(`field ${number} has the wire type ${tag & 7n}`, base);
  const value = wire === 'varint' || wire === 'bytes' ? readVarint(bytes, cursor, base) : 0n;
  return { number, wire, value, size: cursor.at, length: wire === 'bytes' ? Number(value) : lengths[wire] };
}

/** How a field is read, and whether it may come more than once. */
interface Known<T, R extends boolean> {
  readonly number: number;
  readonly read: (field: ProtobufField) => T;
  readonly repeated: R;
}
type Declare<R extends boolean> = <T>(number: number, read: (field: ProtobufField) => T) => Known<T, R>;
/** Declares a field that counts where it comes last. */
export const one: Declare<false> = (number, read) => ({ number, read, repeated: false });
/** Declares a repeated field. */
export const many: Declare<true> = (number, read) => ({ number, read, repeated: true });

type Found<F> = {
  [N in keyof F]: F[N] extends Known<infer T, infer R> ? (R extends true ? T[] : T | undefined) : never;
};

/** Most parts of a message; the largest networks have some ten thousand nodes. */
const MAX_PARTS = 2 ** 20;

/** Reads what a message holds of the fields that are declared, by their names. @throws ModelError `E_ONNX` */
export function message<F extends Readonly<Record<string, Known<unknown, boolean>>>>(
  declared: F,
): (message: ProtobufMessage) => Found<F> {
  const fields = Object.entries(declared);
  const byNumber = new Map(fields.map(([name, known]) => [known.number, { name, ...known }]));
  return (message) => {
    const found: Record<string, unknown> = {};
    for (const [name, { repeated }] of fields) found[name] = repeated ? [] : undefined;
    let count = 0;
    for (const field of message.fields()) {
      if (++count > MAX_PARTS) throw onnxFault(`it has more than ${MAX_PARTS} parts`);
      const known = byNumber.get(field.number);
      if (known?.repeated) (found[known.name] as unknown[]).push(known.read(field));
      else if (known) found[known.name] = known.read(field);
    }
    return found as Found<F>;
  };
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** @throws ModelError `E_ONNX` where a field holds no text */
export function text(field: ProtobufField): string {
  const bytes = field.bytes();
  try {
    return utf8.decode(bytes);
  } catch {
    throw onnxFault('it has a name that is no text');
  }
}

/** Reads a whole number that is not negative. @throws ModelError `E_ONNX` where a field holds none */
export const whole =
  (what: string) =>
  ({ wire, value }: ProtobufField): number => {
    const number = wire === 'varint' ? Number(BigInt.asIntN(64, value)) : -1;
    if (!(Number.isSafeInteger(number) && number >= 0))
      throw onnxFault(`it is no ONNX model: ${what} is ${wire === 'varint' ? number : wire}`);
    return number;
  };

export const bytes = (field: ProtobufField): Uint8Array => field.bytes();

/**
 * The integers, signed, of a repeated field at one of its places: one, or as many as are packed there.
 *
 * @throws ModelError `E_ONNX` where they are no varints
 */
export function integers(field: ProtobufField): bigint[] {
  if (field.wire === 'varint') return [BigInt.asIntN(64, field.value)];
  if (field.wire !== 'bytes') throw fault(`field ${field.number} holds ${field.wire}, no integers`, 0);
  const packed = field.bytes();
  const found: bigint[] = [];
  const cursor = { at: 0 };
  while (cursor.at < packed.length) found.push(BigInt.asIntN(64, readVarint(packed, cursor, 0)));
  return found;
}

/** The same of float32, as their bytes. @throws ModelError `E_ONNX` where they are none */
export function floats(field: ProtobufField): Uint8Array {
  if (field.wire === 'fixed32') return field.bytes('fixed32');
  const packed = field.bytes();
  if (packed.length % 4 !== 0) throw fault(`field ${field.number} holds no floats`, 0);
  return packed;
}

/**
 * A message with other `bytes` in some of its fields; where `replace` gives none, a field stays as it is, bit for bit.
 *
 * @throws as `ProtobufMessage.fields`
 */
export function replaceFields(
  message: ProtobufMessage,
  replace: (field: ProtobufField) => Uint8Array | undefined,
): Uint8Array {
  const parts: Uint8Array[] = [];
  for (const field of message.fields()) {
    const bytes = replace(field);
    if (bytes === undefined) {
      parts.push(field.whole());
      continue;
    }
    const head = new PbfWriter();
    head.writeVarint(field.number * 8 + 2);
    head.writeVarint(bytes.length);
    parts.push(head.finish(), bytes);
  }
  return Buffer.concat(parts);
}

function readVarint(bytes: Uint8Array, cursor: { at: number }, base: number): bigint {
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

const fault = (message: string, at: number) =>
  onnxFault(`no protocol buffer: byte ${at}: ${message}`, { at });
