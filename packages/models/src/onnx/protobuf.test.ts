import { describe, expect, it } from 'vitest';
import { ModelError } from '../errors.js';
import { integers, messageOf, type ProtobufField, replaceFields } from './protobuf.js';

const fieldsOf = (...bytes: number[]) => [...messageOf(Uint8Array.from(bytes)).fields()];
/** A field with what it holds: a number, or bytes. */
const read = (...bytes: number[]) =>
  fieldsOf(...bytes).map(({ number, wire, value, bytes }) =>
    wire === 'varint' ? { number, wire, value } : { number, wire, bytes: Uint8Array.from(bytes(wire)) },
  );
const faultOf = (...bytes: number[]) => {
  try {
    read(...bytes);
  } catch (error) {
    if (error instanceof ModelError)
      return { code: error.code, at: error.evidence.at, message: error.message };
    throw error;
  }
  return undefined;
};
const ones = (count: number) => new Array<number>(count).fill(255);

describe('fields of a message', () => {
  it('reads varints, fixed numbers and bytes in their order', () => {
    // the examples of the format's documentation: field 1 is 150, field 2 is "testing"
    expect(read(0x08, 0x96, 0x01, 0x12, 7, ...Buffer.from('testing'))).toEqual([
      { number: 1, wire: 'varint', value: 150n },
      { number: 2, wire: 'bytes', bytes: Uint8Array.from(Buffer.from('testing')) },
    ]);
    expect(read(0x1d, 1, 2, 3, 4, 0x21, 1, 2, 3, 4, 5, 6, 7, 8)).toEqual([
      { number: 3, wire: 'fixed32', bytes: Uint8Array.of(1, 2, 3, 4) },
      { number: 4, wire: 'fixed64', bytes: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8) },
    ]);
    expect(read()).toEqual([]);
  });

  it('reads numbers of 64 bits', () => {
    expect(read(0x08, ...ones(9), 1)).toEqual([{ number: 1, wire: 'varint', value: 2n ** 64n - 1n }]);
    expect(read(0x08, 0x80, 0x80, 0x80, 0x80, 0x01)).toEqual([
      { number: 1, wire: 'varint', value: 2n ** 28n },
    ]);
    expect(read(0xf8, 0xff, 0xff, 0xff, 0x0f, 0)).toEqual([
      { number: 2 ** 29 - 1, wire: 'varint', value: 0n },
    ]);
  });

  it('gives each field as a whole, too', () => {
    const bytes = [0x08, 0x96, 0x01, 0x12, 2, 65, 66, 0x1d, 1, 2, 3, 4];
    const wholes = fieldsOf(...bytes).map(({ whole }) => [...whole()]);
    expect(wholes).toEqual([bytes.slice(0, 3), bytes.slice(3, 7), bytes.slice(7)]);
  });

  it('gives views, not copies', () => {
    const message = Uint8Array.of(0x0a, 2, 7, 8);
    const [field] = messageOf(message).fields();
    const held = field!.bytes();
    expect(held).toEqual(Uint8Array.of(7, 8));
    message[2] = 9;
    expect(held).toEqual(Uint8Array.of(9, 8));
  });

  it('refuses a message cut short anywhere but between fields', () => {
    const whole = [0x08, 0x96, 0x01, 0x12, 2, 65, 66, 0x1d, 1, 2, 3, 4];
    const accepted = whole.map((_, length) => faultOf(...whole.slice(0, length)) === undefined);
    expect(accepted.flatMap((fine, length) => (fine ? length : []))).toEqual([0, 3, 7]);
  });

  it('names what is wrong and where', () => {
    const after = [0x08, 1];
    expect(faultOf(...after, 0x12, 3, 65, 66)).toEqual({
      code: 'E_ONNX',
      at: 2,
      message: 'no protocol buffer: byte 2: field 2 takes 3 bytes, but 2 follow',
    });
    // lengths near 2^64 and 2^53 don't wrap around
    expect(faultOf(0x12, ...ones(9), 1)?.message).toMatch(/takes 18446744073709552000 bytes, but 0 follow/);
    expect(faultOf(...after, 0x13)?.message).toMatch(/byte 2: field 2 has the wire type 3/);
    expect(faultOf(0x0c)?.message).toMatch(/wire type 4/);
    expect(faultOf(0x0e)?.message).toMatch(/wire type 6/);
    expect(faultOf(0x0f)?.message).toMatch(/wire type 7/);
    expect(faultOf(0x00, 0)?.message).toMatch(/there is no field 0/);
    expect(faultOf(0x80, 0x80, 0x80, 0x80, 0x10, 0)?.message).toMatch(/there is no field 536870912/);
    expect(faultOf(0x08, ...ones(10))?.message).toMatch(/byte 1: a number has more than 64 bits/);
    expect(faultOf(0x08, ...ones(9), 2)?.message).toMatch(/byte 1: a number has more than 64 bits/);
    expect(faultOf(0x08, 0x80)?.message).toMatch(/byte 1: a number is cut short/);
  });
});

describe('integers', () => {
  it('reads one or packed integers, with their sign', () => {
    expect(fieldsOf(0x08, 5, 0x08, ...ones(9), 1, 0x0a, 3, 0x96, 0x01, 7).map(integers)).toEqual([
      [5n],
      [-1n],
      [150n, 7n],
    ]);
  });

  it('refuses what is no integer', () => {
    expect(() => fieldsOf(0x0d, 0, 0, 0, 0).map(integers)).toThrow(/field 1 holds fixed32, no integers/);
    expect(() => fieldsOf(0x0a, 1, 0x80).map(integers)).toThrow(/cut short/);
  });
});

describe('replaceFields', () => {
  const message = Uint8Array.of(0x08, 0x96, 0x81, 0x00, 0x12, 2, 65, 66, 0x12, 0);

  it('keeps what it is not told to replace as it is, a number written longer than need be, too', () => {
    expect([...replaceFields(messageOf(message), () => undefined)]).toEqual([...message]);
  });

  it('puts other bytes in their place, whatever their length', () => {
    const long = new Uint8Array(200).fill(7);
    const replace = (field: ProtobufField) =>
      field.wire === 'bytes' && field.bytes().length > 0 ? long : undefined;
    const found = [...replaceFields(messageOf(message), replace)];
    expect(found).toEqual([0x08, 0x96, 0x81, 0x00, 0x12, 0xc8, 0x01, ...long, 0x12, 0]);
  });
});
