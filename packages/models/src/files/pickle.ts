import { ModelError } from '../errors.js';
import { Cursor } from './cursor.js';
import { escaped, MAX_TEXT, PickleText, type TextForm, utf8 } from './pickle-text.js';
import type { Source } from './source.js';

/**
 * What a pickle holds, as plain data. None is `null`; an int is a number where doubles hold it exactly, else a bigint;
 * lists are arrays and tuples frozen arrays; dicts are Maps, in order. Text of 4096 bytes or more is a `PickleText`.
 */
export type PickleValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | PickleText
  | Uint8Array
  | readonly PickleValue[]
  | Map<PickleValue, PickleValue>
  | Set<PickleValue>
  | PickleGlobal
  | PickleObject;

/** The name of a Python class or function. A label and nothing more: nothing is imported. */
export class PickleGlobal {
  constructor(
    readonly module: string,
    readonly name: string,
  ) {}

  toString(): string {
    return `${this.module}.${this.name}`;
  }
}

/** Base of what allow-listed constructors make; `setState` is Python's `__setstate__`. */
export abstract class PickleObject {
  abstract setState(state: PickleValue, machine: PickleMachine): void;
}

/** What an allow-listed Python callable makes of its arguments. It must `spend` what it copies or parses. */
export type PickleConstructor = (args: readonly PickleValue[], machine: PickleMachine) => PickleValue;

/** What constructors see of the machine that runs them. */
export interface PickleMachine {
  /** Shared with pickles inside of this one. */
  readonly budget: Budget;
  /** Counts work against the budget, so that a small file can't ask for much. */
  spend(amount: number): void;
  /** An error at the opcode being read. */
  fault(message: string, evidence?: Record<string, unknown>): ModelError;
}

export interface PickleOptions {
  /** By `module.name`. Whatever isn't here stays a label and is refused when called. */
  readonly constructors: Pick<ReadonlyMap<string, PickleConstructor>, 'get'>;
  /** Meaning of a persistent id; without it, one is refused. */
  readonly persistent?: PickleConstructor;
  /** Where the pickle starts in the source; 0 by default. */
  readonly start?: number;
  /** That of the source, unless the pickle is a part of something larger. */
  readonly budget?: Budget;
}

/**
 * What reading may cost. Opcodes are few whatever the weights: EDM's ImageNet network takes 2^17. An opcode can make
 * an object, so their number bounds the memory; elements and bytes copied are bounded by the file's length.
 */
export class Budget {
  private opcodes = 2 ** 20;
  private copies: number;

  constructor(bytes: number) {
    this.copies = 2 ** 20 + 8 * bytes;
  }

  /** False when they are used up. */
  spendOpcode(): boolean {
    return this.opcodes-- > 0;
  }

  /** False when they are used up. */
  spendCopies(amount: number): boolean {
    this.copies -= amount;
    return this.copies >= 0;
  }
}

/**
 * Runs one pickle (protocols 0–5) as a stack machine over plain data. No Python code exists here to be run: a global
 * is a label, and a call of one that isn't allow-listed is refused. Work and memory are bounded by the file's length.
 *
 * @returns the value, and the position after its STOP.
 * @throws ModelError `E_PICKLE`, with `offset`, `opcode` and, where it is about one, `global` in `evidence`.
 */
export function runPickle(source: Source, options: PickleOptions): { value: PickleValue; end: number } {
  return new Machine(source, options).run();
}

/** Longest integer in bytes: torch's magic number has 10, no checkpoint more. */
const MAX_INTEGER = 1024;
const MAX_MARKS = 10_000;

class Machine implements PickleMachine {
  private stack: PickleValue[] = [];
  private readonly marks: PickleValue[][] = [];
  private readonly memo = new Map<number, PickleValue>();
  readonly cursor: Cursor;
  readonly budget: Budget;
  private opcodeAt: number;
  private code: number | undefined;

  constructor(
    private readonly source: Source,
    private readonly options: PickleOptions,
  ) {
    this.budget = options.budget ?? new Budget(source.length);
    this.opcodeAt = options.start ?? 0;
    this.cursor = new Cursor(source, this.opcodeAt, (length, left) =>
      this.fault(`needs ${length} more bytes, ${left} are left; the file is cut short`),
    );
  }

  fault(message: string, evidence: Record<string, unknown> = {}): ModelError {
    const { code } = this;
    const opcode = code === undefined ? undefined : (opcodes.get(code)?.name ?? `0x${code.toString(16)}`);
    return new ModelError(
      'E_PICKLE',
      `pickle, byte ${this.opcodeAt}, opcode ${opcode ?? 'none'}: ${message}`,
      { offset: this.opcodeAt, opcode, ...evidence },
    );
  }

  spend(amount: number): void {
    if (!this.budget.spendCopies(amount)) throw this.fault(TOO_MUCH);
  }

  run(): { value: PickleValue; end: number } {
    for (;;) {
      this.opcodeAt = this.cursor.at;
      this.code = undefined;
      if (!this.budget.spendOpcode()) throw this.fault(TOO_MUCH);
      const code = this.cursor.u8();
      this.code = code;
      if (code === STOP) return { value: this.pop(), end: this.cursor.at };
      const opcode = opcodes.get(code);
      if (!opcode) throw this.fault('there is no such opcode; this is no pickle, or a damaged one');
      opcode.run(this);
    }
  }

  // Reading

  private glance(length: number): Buffer {
    this.cursor.need(length);
    if (length > MAX_TEXT) throw this.fault(`${length} bytes of text are refused; ${MAX_TEXT} are allowed`);
    return this.cursor.glance(length);
  }

  latin1(length: number): string {
    return this.glance(length).toString('latin1');
  }

  private lineLength(): number {
    const length = this.cursor.untilLineFeed();
    if (length === undefined) throw this.fault('its line has no end; the file is cut short');
    return length;
  }

  /** Up to the line's end; of protocols 0 and 1, as latin-1. */
  line(): string {
    const line = this.latin1(this.lineLength());
    this.cursor.at++;
    return line;
  }

  /** The same, of text that has escapes. */
  textLine(): string | PickleText {
    const text = this.text(this.lineLength(), escaped);
    this.cursor.at++;
    return text;
  }

  text(length: number, form: TextForm = utf8): string | PickleText {
    this.cursor.need(length);
    if (length >= SHORT) {
      const text = new PickleText(this.source, this.cursor.at, length, form);
      this.cursor.at += length;
      return text;
    }
    const text = form.text(this.cursor.glance(length));
    if (text === undefined) throw this.fault('its text is not UTF-8');
    return text;
  }

  integer(length: number): number | bigint {
    if (length > MAX_INTEGER)
      throw this.fault(`an integer of ${length} bytes is refused; ${MAX_INTEGER} are allowed`);
    let value = 0n;
    for (const byte of Uint8Array.from(this.glance(length)).reverse()) value = (value << 8n) | BigInt(byte);
    return narrow(BigInt.asIntN(length * 8, value));
  }

  decimal(text: string): number | bigint {
    const digits = text.replace(/L$/, '');
    if (!/^-?\d{1,2000}$/.test(digits)) throw this.fault(`"${text.slice(0, 40)}" is no integer`);
    return narrow(BigInt(digits));
  }

  float(text: string): number {
    const special = { inf: Infinity, '-inf': -Infinity, nan: Number.NaN }[text.trim()];
    const value = special ?? (text.trim() === '' ? Number.NaN : Number(text));
    if (special === undefined && Number.isNaN(value)) throw this.fault(`"${text.slice(0, 40)}" is no number`);
    return value;
  }

  // Stack

  push(value: PickleValue): void {
    this.stack.push(value);
  }

  pop(): PickleValue {
    const value = this.stack.pop();
    if (value === undefined) throw this.fault('it takes a value off an empty stack');
    return value;
  }

  top(): PickleValue {
    const value = this.stack.at(-1);
    if (value === undefined) throw this.fault('it needs a value on the stack, which is empty');
    return value;
  }

  mark(): void {
    if (this.marks.length === MAX_MARKS) throw this.fault(`it nests deeper than ${MAX_MARKS}`);
    this.marks.push(this.stack);
    this.stack = [];
  }

  popMark(): PickleValue[] {
    const outer = this.marks.pop();
    if (!outer) throw this.fault('it closes what no MARK opened');
    const items = this.stack;
    this.stack = outer;
    return items;
  }

  /** POP also takes a MARK when nothing lies above it. */
  discard(): void {
    if (this.stack.length === 0) this.popMark();
    else this.stack.pop();
  }

  put(key: number): void {
    this.memo.set(key, this.top());
  }

  memoize(): void {
    this.put(this.memo.size);
  }

  get(key: number): void {
    const value = this.memo.get(key);
    if (value === undefined) throw this.fault(`nothing was remembered as ${key}`);
    this.push(value);
  }

  // Containers and calls

  append(items: readonly PickleValue[]): void {
    const list = this.top();
    if (list instanceof Set) for (const item of items) list.add(item);
    else if (Array.isArray(list) && !Object.isFrozen(list)) for (const item of items) list.push(item);
    else throw this.fault(`it appends to ${describe(list)}`);
  }

  setItems(items: readonly PickleValue[]): void {
    const dict = this.top();
    if (!(dict instanceof Map)) throw this.fault(`it sets an item of ${describe(dict)}`);
    if (items.length % 2) throw this.fault('keys and values are no pairs');
    for (let i = 0; i < items.length; i += 2) {
      const key = items[i]!;
      // a key is found by its value
      if (key instanceof PickleText) throw this.fault(`its key is ${describe(key)}`);
      dict.set(key, items[i + 1]!);
    }
  }

  global(module: PickleValue, name: PickleValue): void {
    if (typeof module !== 'string' || typeof name !== 'string')
      throw this.fault(`a global's name is ${describe(module)} and ${describe(name)} where text is due`);
    this.push(new PickleGlobal(module, name));
  }

  call(callee: PickleValue, args: PickleValue): void {
    if (!(callee instanceof PickleGlobal)) throw this.fault(`it calls ${describe(callee)}`);
    if (!Array.isArray(args))
      throw this.fault(`it calls ${callee} with ${describe(args)} where a tuple is due`);
    const make = this.options.constructors.get(callee.toString());
    if (!make)
      throw this.fault(
        `it would call ${callee}, which is not among the constructors that checkpoints need; ` +
          'nothing in a checkpoint is executed, so it is refused',
        { global: callee.toString() },
      );
    this.push(make(args, this));
  }

  persistent(id: PickleValue): void {
    if (!this.options.persistent)
      throw this.fault('it refers to data outside of the pickle, and there is none');
    this.push(this.options.persistent([id], this));
  }

  build(): void {
    const state = this.pop();
    const object = this.top();
    if (object instanceof PickleObject) object.setState(state, this);
    // attributes set on a dict, such as a state_dict's _metadata, are not among its items
    else if (!(object instanceof Map)) throw this.fault(`it sets the state of ${describe(object)}`);
  }
}

/** Text shorter than that is read at once. */
const SHORT = 4096;
const TOO_MUCH =
  'the file asks for far more work than its size warrants; no checkpoint does, so it is refused';

/** An int as it is kept: a number where doubles hold it exactly. */
export const narrow = (value: bigint): number | bigint =>
  value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER ? Number(value) : value;

/** A value in words, for messages. */
export function describe(value: PickleValue | undefined): string {
  if (value === undefined || value === null) return 'None';
  if (Array.isArray(value)) return `a ${Object.isFrozen(value) ? 'tuple' : 'list'} of ${value.length}`;
  if (value instanceof Map) return `a dict of ${value.size}`;
  if (value instanceof Set) return `a set of ${value.size}`;
  if (value instanceof Uint8Array) return `${value.length} bytes`;
  if (value instanceof PickleText) return `a text of ${value.length} bytes`;
  if (value instanceof PickleGlobal) return `the name ${value}`;
  if (typeof value === 'object') return `a ${value.constructor.name}`;
  return typeof value === 'string' ? `the text "${value.slice(0, 40)}"` : `${value}`.slice(0, 40);
}

const tuple = (items: PickleValue[]): PickleValue => Object.freeze(items);

/** Protocol 0's quoted byte string, a Python literal. */
function unquote(machine: Machine, text: string): string {
  const quote = text[0];
  if (text.length < 2 || (quote !== "'" && quote !== '"') || text.at(-1) !== quote)
    throw machine.fault('its text is not quoted');
  const simple: Record<string, string> = { n: '\n', t: '\t', r: '\r', a: '\x07', b: '\b', f: '\f', v: '\v' };
  return text
    .slice(1, -1)
    .replace(/\\(?:x([0-9a-f]{2})|([0-7]{1,3})|(.))/gi, (_, hex?: string, octal?: string, char?: string) =>
      hex !== undefined
        ? String.fromCharCode(Number.parseInt(hex, 16))
        : octal !== undefined
          ? String.fromCharCode(Number.parseInt(octal, 8))
          : (simple[char!] ?? char!),
    );
}

const STOP = 0x2e;

interface Opcode {
  readonly name: string;
  run(machine: Machine): void;
}

const op = (code: string | number, name: string, run: (machine: Machine) => void): [number, Opcode] => [
  typeof code === 'string' ? code.charCodeAt(0) : code,
  { name, run },
];

const refused = (why: string) => (m: Machine) => {
  throw m.fault(why);
};

/** Every opcode but STOP, in the order of Python's documentation (pickletools). */
const opcodes: ReadonlyMap<number, Opcode> = new Map([
  op('I', 'INT', (m) => {
    const text = m.line();
    m.push(text === '00' ? false : text === '01' ? true : m.decimal(text));
  }),
  op('J', 'BININT', (m) => m.push(m.cursor.i32())),
  op('K', 'BININT1', (m) => m.push(m.cursor.u8())),
  op('M', 'BININT2', (m) => m.push(m.cursor.u16())),
  op('L', 'LONG', (m) => m.push(m.decimal(m.line()))),
  op(0x8a, 'LONG1', (m) => m.push(m.integer(m.cursor.u8()))),
  op(0x8b, 'LONG4', (m) => m.push(m.integer(m.cursor.u32()))),
  op('S', 'STRING', (m) => m.push(unquote(m, m.line()))),
  op('T', 'BINSTRING', (m) => m.push(m.latin1(m.cursor.u32()))),
  op('U', 'SHORT_BINSTRING', (m) => m.push(m.latin1(m.cursor.u8()))),
  op('B', 'BINBYTES', (m) => m.push(m.cursor.take(m.cursor.u32()))),
  op('C', 'SHORT_BINBYTES', (m) => m.push(m.cursor.take(m.cursor.u8()))),
  op(0x8e, 'BINBYTES8', (m) => m.push(m.cursor.take(m.cursor.u64()))),
  op(0x96, 'BYTEARRAY8', (m) => m.push(m.cursor.take(m.cursor.u64()))),
  op(0x97, 'NEXT_BUFFER', refused('it refers to a buffer outside of the pickle')),
  op(0x98, 'READONLY_BUFFER', refused('it refers to a buffer outside of the pickle')),
  op('N', 'NONE', (m) => m.push(null)),
  op(0x88, 'NEWTRUE', (m) => m.push(true)),
  op(0x89, 'NEWFALSE', (m) => m.push(false)),
  op('V', 'UNICODE', (m) => m.push(m.textLine())),
  op(0x8c, 'SHORT_BINUNICODE', (m) => m.push(m.text(m.cursor.u8()))),
  op('X', 'BINUNICODE', (m) => m.push(m.text(m.cursor.u32()))),
  op(0x8d, 'BINUNICODE8', (m) => m.push(m.text(m.cursor.u64()))),
  op('F', 'FLOAT', (m) => m.push(m.float(m.line()))),
  op('G', 'BINFLOAT', (m) => m.push(m.cursor.f64())),
  op(']', 'EMPTY_LIST', (m) => m.push([])),
  op('a', 'APPEND', (m) => m.append([m.pop()])),
  op('e', 'APPENDS', (m) => m.append(m.popMark())),
  op('l', 'LIST', (m) => m.push(m.popMark())),
  op(')', 'EMPTY_TUPLE', (m) => m.push(tuple([]))),
  op('t', 'TUPLE', (m) => m.push(tuple(m.popMark()))),
  op(0x85, 'TUPLE1', (m) => m.push(tuple([m.pop()]))),
  op(0x86, 'TUPLE2', (m) => m.push(tuple([m.pop(), m.pop()].reverse()))),
  op(0x87, 'TUPLE3', (m) => m.push(tuple([m.pop(), m.pop(), m.pop()].reverse()))),
  op('}', 'EMPTY_DICT', (m) => m.push(new Map())),
  op('d', 'DICT', (m) => {
    const items = m.popMark();
    m.push(new Map());
    m.setItems(items);
  }),
  op('s', 'SETITEM', (m) => m.setItems([m.pop(), m.pop()].reverse())),
  op('u', 'SETITEMS', (m) => m.setItems(m.popMark())),
  op(0x8f, 'EMPTY_SET', (m) => m.push(new Set())),
  op(0x90, 'ADDITEMS', (m) => m.append(m.popMark())),
  op(0x91, 'FROZENSET', (m) => m.push(new Set(m.popMark()))),
  op('0', 'POP', (m) => m.discard()),
  op('2', 'DUP', (m) => m.push(m.top())),
  op('(', 'MARK', (m) => m.mark()),
  op('1', 'POP_MARK', (m) => void m.popMark()),
  op('g', 'GET', (m) => m.get(Number(m.decimal(m.line())))),
  op('h', 'BINGET', (m) => m.get(m.cursor.u8())),
  op('j', 'LONG_BINGET', (m) => m.get(m.cursor.u32())),
  op('p', 'PUT', (m) => m.put(Number(m.decimal(m.line())))),
  op('q', 'BINPUT', (m) => m.put(m.cursor.u8())),
  op('r', 'LONG_BINPUT', (m) => m.put(m.cursor.u32())),
  op(0x94, 'MEMOIZE', (m) => m.memoize()),
  op(0x82, 'EXT1', refused('it names a class by a number that only the writing program knows')),
  op(0x83, 'EXT2', refused('it names a class by a number that only the writing program knows')),
  op(0x84, 'EXT4', refused('it names a class by a number that only the writing program knows')),
  op('c', 'GLOBAL', (m) => m.global(m.line(), m.line())),
  op(0x93, 'STACK_GLOBAL', (m) => {
    const name = m.pop();
    m.global(m.pop(), name);
  }),
  op('R', 'REDUCE', (m) => {
    const args = m.pop();
    m.call(m.pop(), args);
  }),
  op('b', 'BUILD', (m) => m.build()),
  op('i', 'INST', (m) => {
    m.global(m.line(), m.line());
    const name = m.pop();
    m.call(name, tuple(m.popMark()));
  }),
  op('o', 'OBJ', (m) => {
    const [callee = null, ...args] = m.popMark();
    m.call(callee, tuple(args));
  }),
  op(0x81, 'NEWOBJ', (m) => {
    const args = m.pop();
    m.call(m.pop(), args);
  }),
  op(0x92, 'NEWOBJ_EX', (m) => {
    const named = m.pop();
    const args = m.pop();
    if (!(named instanceof Map) || named.size > 0) throw m.fault('it passes arguments by name');
    m.call(m.pop(), args);
  }),
  op(0x80, 'PROTO', (m) => {
    const protocol = m.cursor.u8();
    if (protocol > 5) throw m.fault(`protocol ${protocol} is unknown; 0 to 5 are read`);
  }),
  op(0x95, 'FRAME', (m) => void m.cursor.u64()),
  op('P', 'PERSID', (m) => m.persistent(m.line())),
  op('Q', 'BINPERSID', (m) => m.persistent(m.pop())),
]);
