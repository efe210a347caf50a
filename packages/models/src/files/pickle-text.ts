import { ModelError } from '../errors.js';
import { endAligned, type Source } from './source.js';

/**
 * A long text of a pickle: where it is in the file, which is read when somebody asks for it. Protocols 0 to 2 have no
 * bytes, so that what they hold of weights is such a text and a call that encodes it.
 */
export class PickleText {
  constructor(
    private readonly source: Source,
    private readonly start: number,
    /** Bytes in the file. */
    readonly length: number,
    private readonly form: TextForm,
  ) {}

  /** @throws ModelError `E_PICKLE` where it is no text, or longer than texts can be */
  toString(): string {
    if (this.length > MAX_TEXT)
      throw this.fault(0, `${this.length} bytes of text are refused; ${MAX_TEXT} are allowed`);
    const text = this.form.text(this.source.read(this.start, this.length));
    if (text === undefined) throw this.fault(0, 'its text is not UTF-8');
    return text;
  }

  /**
   * Its characters as bytes of latin-1, decoded piece by piece. Aligned as what a source reads.
   *
   * @throws ModelError `E_PICKLE` where it has others, or is no text
   */
  latin1(): Uint8Array {
    let length = 0;
    for (const piece of this.pieces()) length += piece.length;
    const bytes = endAligned(length);
    let at = 0;
    for (const piece of this.pieces()) {
      bytes.set(piece, at);
      at += piece.length;
    }
    return bytes;
  }

  /** Each to be used before the next. */
  private *pieces(): Generator<Uint8Array, undefined> {
    const [buffer, into] = [new Uint8Array(PIECE), new Uint8Array(PIECE)];
    for (let at = 0; at < this.length; ) {
      const piece = buffer.subarray(0, this.length - at);
      this.source.readInto(this.start + at, piece);
      const { read, written } = this.form.latin1(piece, into);
      if (read === 0) throw this.fault(at, 'its text has a character that is none of latin-1');
      yield into.subarray(0, written);
      at += read;
    }
  }

  private fault(at: number, message: string): ModelError {
    const offset = this.start + at;
    return new ModelError('E_PICKLE', `pickle, byte ${offset}: ${message}`, { offset });
  }
}

/** How text is written. */
export interface TextForm {
  /** Undefined for what is no text. */
  text(bytes: Uint8Array): string | undefined;
  /**
   * Writes characters into bytes of latin-1, as many as there are. Stops before one that is none, is no text, or is cut
   * off by the end.
   */
  latin1(bytes: Uint8Array, into: Uint8Array): { readonly read: number; readonly written: number };
}

/** Longest text in bytes. V8's strings end at twice that. */
export const MAX_TEXT = 2 ** 28;
const PIECE = 2 ** 16;

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export const utf8: TextForm = {
  text(bytes) {
    try {
      return decoder.decode(bytes);
    } catch {
      return undefined;
    }
  },
  latin1(bytes, into) {
    let read = 0;
    let written = 0;
    while (read < bytes.length) {
      const byte = bytes[read]!;
      if (byte < 0x80) {
        into[written++] = byte;
        read++;
      } else if ((byte & 0xfe) === 0xc2 && (bytes[read + 1]! & 0xc0) === 0x80) {
        into[written++] = (byte << 6) | (bytes[read + 1]! & 0x3f);
        read += 2;
      } else break;
    }
    return { read, written };
  },
};

const [BACKSLASH, SHORT, LONG] = [...Buffer.from('\\uU')] as [number, number, number];

/** Latin-1, but for \u and \U and as many hexadecimal digits: protocol 0's. */
export const escaped: TextForm = {
  text: (bytes) =>
    Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
      .toString('latin1')
      .replace(/\\u([0-9a-f]{4})|\\U(0010[0-9a-f]{4}|000[0-9a-f]{5})/gi, (_, short?: string, long?: string) =>
        String.fromCodePoint(Number.parseInt(short ?? long!, 16)),
      ),
  latin1(bytes, into) {
    let read = 0;
    let written = 0;
    while (read < bytes.length) {
      const byte = bytes[read]!;
      if (byte !== BACKSLASH) {
        into[written++] = byte;
        read++;
        continue;
      }
      const kind = bytes[read + 1];
      const end = read + (kind === SHORT ? 6 : kind === LONG ? 10 : 0);
      let code = end > read ? 0 : Number.NaN;
      for (let at = read + 2; at < end; at++) code = 16 * code + digitOf(bytes[at]);
      if (!(code < 256)) break;
      into[written++] = code;
      read = end;
    }
    return { read, written };
  },
};

/** NaN for what is no hexadecimal digit. */
function digitOf(byte = 0): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const letter = byte | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : Number.NaN;
}
