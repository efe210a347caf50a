import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ModelError } from '../errors.js';
import { PythonInstance } from './constructors.js';
import type { NumpyArray } from './numpy-constructors.js';
import { PickleGlobal, type PickleValue } from './pickle.js';
import { readPickle } from './read-pickle.js';
import { toNumbers } from './tensor.js';
import { TensorView } from './torch-storage.js';

const fixture = (name: string) => readFileSync(new URL(`../../fixtures/${name}`, import.meta.url));
/** A pickle by its latin-1 text, which its printable opcodes make readable. */
const pickle = (text: string) => Uint8Array.from(Buffer.from(text, 'latin1'));
const read = (text: string) => readPickle(pickle(text));
const u32 = (n: number) => String.fromCharCode(n & 255, (n >> 8) & 255, (n >> 16) & 255, (n >> 24) & 255);
const map = (object: Record<string, PickleValue>) =>
  new Map<PickleValue, PickleValue>(Object.entries(object));
const refusal = (evidence: Record<string, unknown>) =>
  expect.objectContaining({ code: 'E_PICKLE', evidence: expect.objectContaining(evidence) });

const codeOf = (run: () => void): unknown => {
  try {
    run();
    return undefined;
  } catch (error) {
    return error instanceof ModelError ? error.code : error;
  }
};

describe('readPickle', () => {
  it('reads protocol 0, whose opcodes are text', () => {
    const text =
      "(dp0\nS'a\\x41\\n\\''\np1\n(lp2\nI1\naI01\naL12345678901234567890L\naF2.5\naVé\\u4e2d\naNasS'b'\n(I1\nI2\nts.";
    expect(read(text)).toEqual(
      map({ "aA\n'": [1, true, 12345678901234567890n, 2.5, 'é中', null], b: [1, 2] }),
    );
  });

  it('reads integers, sets, bytes and shared references of protocol 4', () => {
    const text =
      '\x80\x04\x95\0\0\0\0\0\0\0\0(K\xffM\xff\xffJ\xff\xff\xff\xff\x8a\0\x8a\x02\0\x80\x8a\x09\0\0\0\0\0\0\0\0@' +
      'C\x02\xff\x00\x8f(K\x01K\x02\x90\x94h\0)\x85t.';
    const value = read(text) as PickleValue[];
    expect(value).toEqual([
      255,
      65535,
      -1,
      0,
      -32768,
      1180591620717411303424n,
      Uint8Array.of(255, 0),
      new Set([1, 2]),
      new Set([1, 2]),
      [[]],
    ]);
    expect(value[7]).toBe(value[8]);
  });

  it.each(['tensors.p2.pkl', 'tensors.p4.pkl'])('reads what PyTorch wrote: %s', (file) => {
    const expected = JSON.parse(fixture('tensors.json').toString());
    const root = readPickle(fixture(file)) as Map<string, Map<string, PickleValue>>;
    const tensors = [...root.get('state_dict')!].map(
      ([name, view]) => [name, (view as TensorView).tensor()] as const,
    );
    expect(
      Object.fromEntries(
        tensors.map(([name, t]) => [name, { shape: t.shape, values: Array.from(toNumbers(t), Number) }]),
      ),
    ).toEqual(
      Object.fromEntries(
        Object.entries<{ shape: number[]; values: number[] }>(expected.state_dict).map(
          ([name, { shape, values }]) => [name, { shape, values }],
        ),
      ),
    );
    const meta = root.get('meta')!;
    expect(meta.get('huge')).toBe(BigInt(expected.meta.huge));
    expect([...(meta.get('bytes') as Uint8Array)]).toEqual(expected.meta.bytes);
    expect(meta.get('np')).toBe(1.5);
    expect(meta.get('unicode')).toBe('é中');
    expect(meta.get('list')).toEqual(expected.meta.list);
  });

  it('reads numpy arrays, in row-major and column-major order', () => {
    const array = (order: string) =>
      `cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\nK\0\x85C\x01btR(K\x01K\x02K\x03\x86cnumpy\ndtype\n` +
      `(X\x02\0\0\0i2K\0K\x01tR(K\x03X\x01\0\0\0<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\0tb${order}C\x0c\x01\0\x02\0\x03\0\x04\0\x05\0\x06\0tb.`;
    const values = (order: string) => {
      const { view } = read(array(order)) as unknown as { view: TensorView };
      return [...(view.tensor().data as Int16Array)];
    };
    expect(values('\x89')).toEqual([1, 2, 3, 4, 5, 6]);
    expect(values('\x88')).toEqual([1, 3, 5, 2, 4, 6]);
  });

  it('reads numpy arrays of Python 2, whose bytes are text', () => {
    const array = (bytes: string) =>
      `\x80\x02}U\x04datacnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\0\x85U\x01b\x87R(K\x01K\x02K\x02\x86cnumpy\ndtype\n` +
      `U\x02u1K\0K\x01\x87R(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\0tb\x89${bytes}tbs.`;
    const root = read(array(`T${u32(4)}\x00\x80\xffA`)) as Map<string, NumpyArray>;
    expect(root.get('data')!.view!.tensor()).toEqual({
      dtype: 'U8',
      shape: [2, 2],
      data: Uint8Array.of(0, 128, 255, 65),
    });
    expect(() => read(array('X\x05\0\0\0ab\xe4\xb8\xad'))).toThrow(/numpy data needs a dtype and bytes/);
  });

  it('reads numpy scalars as the numbers that they are, integers as those of Python', () => {
    const scalar = (type: string, bytes: string) =>
      read(
        `cnumpy.core.multiarray\nscalar\n(cnumpy\ndtype\n(X\x02\0\0\0${type}K\0K\x01tR(K\x03X\x01\0\0\0<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\0tb` +
          `C${String.fromCharCode(bytes.length)}${bytes}tR.`,
      );
    expect(scalar('i8', `\xfd${'\xff'.repeat(7)}`)).toBe(-3);
    expect(scalar('u8', '\xff'.repeat(8))).toBe(2n ** 64n - 1n);
    expect(scalar('f4', '\0\0\x20\x40')).toBe(2.5);
    expect(scalar('f2', '\0\x3e')).toBe(1.5);
    expect(scalar('b1', '\x01')).toBe(true);
  });

  it('takes the options of a data set that came as an EasyDict for a dict', () => {
    expect(read('\x80\x02cdnnlib.util\nEasyDict\n)\x81(X\x01\0\0\0kK\x07u.')).toEqual(map({ k: 7 }));
  });

  it('keeps an unknown name as a label, and refuses to call it', () => {
    expect(read('cos\nsystem\n.')).toEqual(new PickleGlobal('os', 'system'));
    for (const call of [
      "cos\nsystem\n(S'true'\ntR.",
      "(S'true'\nios\nsystem\n.",
      "(cos\nsystem\nS'true'\no.",
      'cos\nsystem\n)\x81.',
    ])
      expect(() => read(call)).toThrow(refusal({ global: 'os.system' }));
    expect(() => read('\x80\x04\x8c\x08builtins\x8c\x04eval\x93\x8c\x011\x85R.')).toThrow(
      refusal({ global: 'builtins.eval', opcode: 'REDUCE', offset: 23 }),
    );
  });

  it('does not look constructors up on a prototype', () => {
    expect(() => read('cconstructor\n__proto__\n)R.')).toThrow(refusal({ global: 'constructor.__proto__' }));
  });

  it('never runs the source text of a persistent object', () => {
    const text =
      'ctorch_utils.persistence\n_reconstruct_persistent_obj\n(dS"type"\nS"class"\nsS"class_name"\nS"Net"\nsS"module_src"\nS"raise"\nsS"state"\n(dS"k"\nI1\nss\x85R.';
    const value = read(text) as PythonInstance;
    expect(value).toBeInstanceOf(PythonInstance);
    expect([value.className, value.state]).toEqual(['Net', map({ k: 1 })]);
  });

  const hostile: [string, string][] = [
    ['nothing', ''],
    ['an unknown opcode', '\xff.'],
    ['protocol 9', '\x80\x09N.'],
    ['a length beyond the end', `X${u32(0x7fffffff)}abc.`],
    ['a length of 2^63', 'B\x8e\xff\xff\xff\xff\xff\xff\xff\x7f.'],
    ['an integer of a megabyte', `\x8b${u32(2 ** 20)}${'\x01'.repeat(2 ** 20)}.`],
    ['a decimal of a megabyte', `L${'9'.repeat(2 ** 20)}L\n.`],
    ['a value off an empty stack', '.'],
    ['a tuple of nothing', '\x85.'],
    ['a mark that was never set', 't.'],
    ['marks without end', '('.repeat(1e6)],
    ['a memo entry that was never put', 'h\x07.'],
    ['an item without value', '}(K\x01u.'],
    ['an item of a list', ']K\x01K\x02s.'],
    ['appending to a tuple', ')K\x01a.'],
    ['a call of a number', 'K\x01)R.'],
    ['a global named by numbers', 'K\x01K\x02\x93.'],
    ['state for a number', 'K\x01}b.'],
    ['text that is not UTF-8', `X${u32(1)}\xff.`],
    ['a persistent id', 'K\x01Q.'],
    ['an extension code', '\x82\x01.'],
    ['an out-of-band buffer', '\x97.'],
  ];
  it.each(hostile)('refuses %s', (_, text) => {
    expect(() => read(text)).toThrow(refusal({}));
  });

  it('refuses every cut of a real checkpoint with E_PICKLE', () => {
    const bytes = fixture('tensors.p4.pkl');
    for (let length = 0; length < bytes.length; length += 7)
      expect(codeOf(() => readPickle(bytes.subarray(0, length)))).toBe('E_PICKLE');
  });

  it('answers damage anywhere with E_PICKLE or a value, nothing else', () => {
    const whole = fixture('tensors.p4.pkl');
    let state = 1;
    const random = (below: number) => (state = (state * 48271) % 2147483647) % below;
    let refused = 0;
    for (let i = 0; i < 2000; i++) {
      const bytes = Uint8Array.from(whole);
      for (let flips = 0; flips < 3; flips++) bytes[random(bytes.length)] = random(256);
      const code = codeOf(() => readPickle(bytes));
      if (code !== undefined) expect(code).toBe('E_PICKLE');
      if (code !== undefined) refused++;
    }
    expect(refused).toBeGreaterThan(1000);
  });

  it('keeps to memory and time in proportion to the file', () => {
    // each of many calls would copy a set of a thousand
    const items = 'K\x01'.repeat(1000);
    const calls = 'h\x01h\0\x85R0'.repeat(2e5);
    const started = process.cpuUsage();
    expect(() => read(`cbuiltins\nset\nq\x010](${items}eq\x000${calls}N.`)).toThrow(/far more work/);
    expect(process.cpuUsage(started).user).toBeLessThan(2e6);
  });

  it.each([
    ['numpy.dtype', 'cnumpy\ndtype\n'],
    ['_codecs.encode', 'c_codecs\nencode\n'],
    ['copyreg._reconstructor', 'ccopyreg\n_reconstructor\n'],
    ['torch.Size', 'ctorch\nSize\n'],
  ])('does not spell out what doubles 200 times for %s', (_, callee) => {
    const doubled = `]q\0${'0h\0h\0\x86q\0'.repeat(200)}0`;
    expect(codeOf(() => read(`${doubled}${callee}(h\0h\0tR.`))).toBe(
      callee.includes('Size') ? undefined : 'E_PICKLE',
    );
  });

  it('makes no more objects than any checkpoint needs, however long the file', () => {
    expect(() => read(`${'N'.repeat(2 ** 21)}.`)).toThrow(/far more work/);
  });

  it('reads a type that has no storage class of its own, and refuses a negative view', () => {
    const typed = (type: string, metadata = 'N') =>
      `ctorch._utils\n_rebuild_tensor_v3\n(${untyped(8)}K\x01K\x03\x85K\x01\x85\x89N${type}${metadata}tR.`;
    const view = read(typed('ctorch\nuint16\n')) as TensorView;
    expect(view.tensor()).toEqual({ dtype: 'U16', shape: [3], data: Uint16Array.of(0x0302, 0x0504, 0x0706) });
    expect(() => read(typed('ctorch\ncomplex64\n'))).toThrow(/of type the name torch\.complex64/);
    expect(() => read(typed('ctorch\nuint16\n', '}X\x03\0\0\0neg\x88s'))).toThrow(/negative or conjugate/);
  });

  it('takes lists that hold themselves, and doubling references, as what they are', () => {
    const self = read(']q\0h\0a.') as PickleValue[];
    expect(self[0]).toBe(self);
    expect(read(`]${'q\0h\0h\0\x86'.repeat(200)}.`)).toHaveLength(2);
  });

  /** A storage in the legacy format, as pickles have it; `view` says which part of it is meant. */
  const stored = (type: string, numel: number, count: number, data: string, view = 'N') => {
    const id = `(X\x07\0\0\0storagec${type}\nX\x01\0\0\x000X\x03\0\0\0cpuK${String.fromCharCode(numel)}${view}tq\0Q.`;
    const file = `\x8a\x0alü\x9cFù j¨P\x19.Mé\x03.}.${id}](X\x01\0\0\x000e.${u32(count)}\0\0\0\0${data}`;
    return `ctorch.storage\n_load_from_bytes\nB${u32(file.length)}${file}\x85R`;
  };
  const storage = (numel: number, type = 'FloatStorage', view = 'N') =>
    stored(`torch\n${type}`, numel, 2, '\0\0\x80?\0\0\0@', view);
  const untyped = (numel: number) =>
    stored('torch.storage\nUntypedStorage', numel, numel, '\0\x01\x02\x03\x04\x05\x06\x07');
  const tensor = (tail: string, numel = 2) =>
    `ctorch._utils\n_rebuild_tensor_v2\n(${storage(numel)}${tail}\x89NtR.`;

  it.each(['ComplexFloatStorage', 'constructor'])('refuses storages of type %s', (type) => {
    expect(() => read(`${storage(2, type)}.`)).toThrow(/no known element type/);
  });

  it('reads a storage that is a part of another', () => {
    const part = (offset: string, length: string) =>
      storage(2, 'FloatStorage', `(X\x01\0\0\x001K${offset}K${length}t`);
    const view = read(
      `ctorch._utils\n_rebuild_tensor_v2\n(${part('\x01', '\x01')}K\0K\x01\x85K\x01\x85\x89NtR.`,
    ) as TensorView;
    expect([...(view.tensor().data as Float32Array)]).toEqual([2]);
    expect(() => read(`${part('\x01', '\x02')}.`)).toThrow(/lies outside/);
  });

  it('reads a strided view, and refuses one that leaves its storage', () => {
    const view = read(tensor('K\x01K\x02\x85J\0\0\0\0\x85')) as TensorView;
    expect(view).toBeInstanceOf(TensorView);
    expect([...(view.tensor().data as Float32Array)]).toEqual([2, 2]);
    for (const outside of [
      'K\x01K\x02\x85K\x01\x85', // offset 1, two elements
      'K\0K\x02\x85K\x02\x85', // stride 2
      'K\0K\x02\x85J\xff\xff\xff\xff\x85', // stride -1
      'K\0J\xff\xff\xff\xff\x85K\x01\x85', // size -1
      'K\0K\x02\x85)', // no stride
      `K\0${'J\xff\xff\xff\x7f'.repeat(3)}\x87K\0K\0K\0\x87`, // 2^93 elements of one
    ])
      expect(() => read(tensor(outside))).toThrow(refusal({}));
    expect(() => read(tensor('K\0K\x02\x85K\x01\x85', 3))).toThrow(refusal({}));
  });
});
