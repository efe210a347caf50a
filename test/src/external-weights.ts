/** A field of protocol buffers: its number, its wire type, and what it holds, undecoded. */
interface Field {
  readonly number: number;
  readonly wire: number;
  readonly bytes: Buffer;
}

const VARINT = 0;
const BYTES = 2;

function varint(value: number): number[] {
  return value < 128 ? [value] : [128 + (value % 128), ...varint(Math.floor(value / 128))];
}

function* fieldsOf(message: Buffer): Generator<Field> {
  let at = 0;
  const read = () => {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = message[at++]!;
      value += (byte % 128) * factor;
      if (byte < 128) return value;
    }
  };
  while (at < message.length) {
    const tag = read();
    const start = at;
    const length = { [VARINT]: () => 0, 1: () => 8, [BYTES]: read, 5: () => 4 }[tag % 8]!();
    const from = tag % 8 === BYTES ? at : start;
    if (tag % 8 === VARINT) read();
    else at = from + length;
    yield { number: tag >> 3, wire: tag % 8, bytes: message.subarray(from, at) };
  }
}

const field = ({ number, wire, bytes }: Field): Buffer =>
  Buffer.concat([
    Buffer.from(varint(number * 8 + wire)),
    ...(wire === BYTES ? [Buffer.from(varint(bytes.length))] : []),
    bytes,
  ]);

const held = (number: number, ...parts: readonly (Buffer | string)[]): Buffer =>
  field({ number, wire: BYTES, bytes: Buffer.concat(parts.map((part) => Buffer.from(part as string))) });

const changed = (message: Buffer, change: (field: Field) => Buffer | undefined): Buffer =>
  Buffer.concat([...fieldsOf(message)].map((one) => change(one) ?? field(one)));

/** Smaller ones stay inside, such as shapes. */
const least = 1024;

/** The same ONNX model with its weights in a file beside it, one after another. */
export function withExternalWeights(model: Buffer, location: string): { graph: Buffer; weights: Buffer } {
  const parts: Buffer[] = [];
  let offset = 0;
  const entry = (key: string, value: string) => held(13, held(1, key), held(2, value));
  const outside = (tensor: Buffer): Buffer =>
    changed(tensor, ({ number, bytes }) => {
      if (number !== 9 || bytes.length < least) return undefined;
      parts.push(bytes);
      const told = { location, offset: `${offset}`, length: `${bytes.length}` };
      offset += bytes.length;
      return Buffer.concat([
        ...Object.entries(told).map(([key, value]) => entry(key, value)),
        field({ number: 14, wire: VARINT, bytes: Buffer.of(1) }),
      ]);
    });
  const graph = changed(model, ({ number, bytes }) =>
    number === 7
      ? held(
          7,
          changed(bytes, (one) => (one.number === 5 ? held(5, outside(one.bytes)) : undefined)),
        )
      : undefined,
  );
  return { graph, weights: Buffer.concat(parts) };
}
