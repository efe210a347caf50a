import type { Source } from './source.js';

/** Bytes read at a time where few are asked for. */
const WINDOW = 2 ** 16;
/** Fewer are copied from those that were read already. */
const SHORT = 4096;

/** Reads a source from front to back. */
export class Cursor {
  private window: DataView = new DataView(new ArrayBuffer(0));
  /** Where the window lies in the source. */
  private start = 0;

  constructor(
    private readonly source: Source,
    public at: number,
    /** Makes the error of asking for more bytes than are left. */
    private readonly cutShort: (length: number, left: number) => Error,
  ) {}

  get left(): number {
    return this.source.length - this.at;
  }

  need(length: number): void {
    if (length > this.left) throw this.cutShort(length, this.left);
  }

  u8 = (): number => this.number(1, (window, at) => window.getUint8(at));
  u16 = (): number => this.number(2, (window, at) => window.getUint16(at, true));
  u32 = (): number => this.number(4, (window, at) => window.getUint32(at, true));
  i32 = (): number => this.number(4, (window, at) => window.getInt32(at, true));
  /** Big-endian, as pickles have it. */
  f64 = (): number => this.number(8, (window, at) => window.getFloat64(at, false));
  u64 = (): number => this.number(8, (window, at) => Number(window.getBigUint64(at, true)));

  /** The next bytes, to be used before the cursor moves on. */
  glance(length: number): Buffer {
    const at = this.reach(length);
    this.at += length;
    return this.seen(at, length);
  }

  /** The next bytes, to be kept. A file's are aligned at their end, so that elements need no other copy. */
  take(length: number): Uint8Array {
    if (length < SHORT) return new Uint8Array(this.glance(length));
    this.need(length);
    const bytes = this.source.read(this.at, length);
    this.at += length;
    return bytes;
  }

  /** Bytes up to the next line feed; undefined where none comes. */
  untilLineFeed(): number | undefined {
    const from = this.at;
    try {
      while (this.left > 0) {
        const at = this.reach(1);
        const ahead = this.window.byteLength - at;
        const found = this.seen(at, ahead).indexOf(10);
        if (found >= 0) return this.at + found - from;
        this.at += ahead;
      }
      return undefined;
    } finally {
      this.at = from;
    }
  }

  private seen(at: number, length: number): Buffer {
    return Buffer.from(this.window.buffer as ArrayBuffer, this.window.byteOffset + at, length);
  }

  private number(size: number, get: (window: DataView, at: number) => number): number {
    const at = this.reach(size);
    const value = get(this.window, at);
    this.at += size;
    return value;
  }

  /** Makes the window hold the next `length` bytes, and says where. */
  private reach(length: number): number {
    const at = this.at - this.start;
    if (at >= 0 && at + length <= this.window.byteLength) return at;
    this.need(length);
    const bytes = this.source.read(this.at, Math.min(Math.max(length, WINDOW), this.left));
    this.window = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.start = this.at;
    return 0;
  }
}
