import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeSafetensors } from './safetensors.js';
import { memorySource } from './source.js';
import { openStateDict, readStateDict } from './state-dict.js';
import { type Tensors, toNumbers } from './tensor.js';
import { openZip } from './zip.js';
import { zipOf } from './zip-of.test.support.js';

const fixture = (name: string) => new URL(`../../fixtures/${name}`, import.meta.url).pathname;
const expected: Record<string, { shape: number[]; values: number[] }> = JSON.parse(
  readFileSync(fixture('tensors.json'), 'utf8'),
).state_dict;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fewstep-models-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function saved(name: string, bytes: Uint8Array | string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, bytes);
  return path;
}
const plain = (tensors: Tensors) =>
  Object.entries(tensors).map(([name, t]) => [
    name,
    { shape: [...t.shape], values: Array.from(toNumbers(t), Number) },
  ]);
const all = Object.entries(expected).map(([name, { shape, values }]) => [name, { shape, values }]);
/** The files of a checkpoint of PyTorch's zip format. */
const filesOf = async (name: string) =>
  new Map(
    (await openZip(memorySource(readFileSync(fixture(name))))).map((entry) => [entry.name, entry.read()]),
  );
const edited = (bytes: Uint8Array, text: string, replacement: string) =>
  Buffer.from(Buffer.from(bytes).toString('latin1').replace(text, replacement), 'latin1');

describe('readStateDict', () => {
  it.each([
    ['tensors.zip.pt', 'PyTorch zip'],
    ['tensors.zip-protocol4.pt', 'PyTorch zip'],
    ['tensors.legacy.pt', 'PyTorch legacy'],
    ['tensors.p2.pkl', 'pickle'],
    ['tensors.p4.pkl', 'pickle'],
  ])('reads every element type, view and shared storage: %s', async (file, format) => {
    expect(plain(await readStateDict(fixture(file)))).toEqual(all);
    const dict = await openStateDict(fixture(file));
    expect(dict.format).toBe(format);
    dict.close();
  });

  it.each([
    [1, 'L119547037146038801333356L\n.'],
    [3, '\x80\x03\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.'],
    [4, '\x80\x04\x95\x0d\0\0\0\0\0\0\0\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.'],
  ])('knows PyTorch’s legacy format by its magic number in protocol %d', async (protocol, magic) => {
    const rest = readFileSync(fixture('tensors.legacy.pt')).subarray(15);
    const path = await saved(`legacy-${protocol}.pt`, Buffer.concat([Buffer.from(magic, 'latin1'), rest]));
    expect(plain(await readStateDict(path))).toEqual(all);
  });

  it('reads weights that were on a GPU', async () => {
    const tensors = await readStateDict(fixture('tensors.cuda-location.pt'));
    expect(Object.values(tensors).map(({ shape }) => shape)).toEqual([
      [2, 3],
      [3, 4],
    ]);
  });

  it('shares memory between views of a storage', async () => {
    const { shared, view_offset } = await readStateDict(fixture('tensors.zip.pt'));
    expect(shared!.data.buffer).toBe(view_offset!.data.buffer);
  });

  it('copies transposed weights that are much larger than the pickle which names them', async () => {
    const [rows, columns] = [1040, 1024];
    const int = (n: number) => `J${String.fromCharCode(n & 255, (n >> 8) & 255, n >> 16, 0)}`;
    const storage = `(X\x07\0\0\0storagectorch\nByteStorage\nX\x01\0\0\x007X\x03\0\0\0cpu${int(rows * columns)}tQ`;
    const view = `(${storage}K\0(${int(rows)}${int(columns)}t(K\x01${int(rows)}t\x89Nt`;
    const pickle = `\x80\x02}X\x01\0\0\0wctorch._utils\n_rebuild_tensor_v2\n${view}Rs.`;
    const files = [
      ['it/data.pkl', Buffer.from(pickle, 'latin1')],
      ['it/data/7', Uint8Array.from({ length: rows * columns }, (_, i) => i % rows)],
    ] as const;
    const { w } = await readStateDict(await saved('transposed.pt', await zipOf(files)));
    expect(w!.shape).toEqual([rows, columns]);
    // row r, column c is element c · rows + r
    expect(w!.data.subarray(7 * columns, 7 * columns + 3)).toEqual(Uint8Array.of(7, 7, 7));
  });

  it('takes one prefix, and names without it', async () => {
    const tensors = await readStateDict(fixture('tensors.zip.pt'), { prefix: 'view_' });
    expect(Object.keys(tensors)).toEqual(['offset']);
    expect(Array.from(toNumbers(tensors.offset!))).toEqual(expected.view_offset!.values);
  });

  it.each([0, 1, 2, 3, 4, 5])('reads numpy arrays of protocol %d', async (protocol) => {
    expect(plain(await readStateDict(fixture(`numpy.p${protocol}.pkl`)))).toEqual([
      ['f4', { shape: [2, 3], values: [0, 1, 2, 3, 4, 5] }],
      ['order', { shape: [2, 3], values: [0, 1, 2, 3, 4, 5] }],
      ['half', { shape: [2], values: [1.5, -2] }],
      ['flags', { shape: [2], values: [1, 0] }],
      ['empty', { shape: [0, 2], values: [] }],
    ]);
  });

  it.each([true, false])('reads a checkpoint in a zip, compressed: %s', async (compress) => {
    const inner = readFileSync(fixture('tensors.zip.pt'));
    const bytes = await zipOf(
      [
        ['README.md', Buffer.from('words')],
        ['out/model.ckpt', inner],
      ],
      compress,
    );
    const path = await saved('nested.zip', bytes);
    expect(plain(await readStateDict(path))).toEqual(all);
    const dict = await openStateDict(path);
    expect(dict.format).toBe('zip of PyTorch zip');
    dict.close();
  });

  it('reads PyTorch’s zip where another program compressed its files', async () => {
    const path = await saved('compressed.pt', await zipOf(await filesOf('tensors.zip.pt'), true));
    expect(plain(await readStateDict(path))).toEqual(all);
  });

  it('takes foreign classes that are only labels, as keys of Lightning’s callbacks', async () => {
    const files = await filesOf('tensors.cuda-location.pt');
    const name = 'tensors.cuda-location/data.pkl';
    const tensors = Buffer.from(files.get(name)!).toString('latin1').slice(2, -1);
    const lightning =
      `\x80\x02}(X\x09\0\0\0callbacks}cpytorch_lightning.callbacks.model_checkpoint\nModelCheckpoint\n}s` +
      `X\x0a\0\0\0state_dict${tensors}u.`;
    files.set(name, Buffer.from(lightning, 'latin1'));
    const dict = await openStateDict(await saved('lightning.ckpt', await zipOf(files)));
    expect([...dict.tensors.values()]).toMatchObject([{ shape: [2, 3] }, { shape: [3, 4] }]);
    dict.close();
  });

  it('has averaged weights beside those under state_dict, and in lists', async () => {
    const files = await filesOf('tensors.cuda-location.pt');
    const name = 'tensors.cuda-location/data.pkl';
    const tensors = Buffer.from(files.get(name)!).toString('latin1').slice(2, -1);
    // { state_dict: T, ema: { shadow_params: [T] }, epoch: {} }
    const both =
      `\x80\x02}(X\x0a\0\0\0state_dict${tensors}X\x03\0\0\0ema}X\x0d\0\0\0shadow_params]${tensors}as` +
      `X\x05\0\0\0epoch}u.`;
    files.set(name, Buffer.from(both, 'latin1'));
    const dict = await openStateDict(await saved('averaged.ckpt', await zipOf(files)));
    const own = [...(await openStateDict(fixture('tensors.cuda-location.pt'))).tensors.keys()];
    expect([...dict.tensors.keys()]).toEqual([
      ...own.map((one) => `state_dict.${one}`),
      ...own.map((one) => `ema.shadow_params.0.${one}`),
    ]);
    dict.close();
  });

  it('reads safetensors, and shards by their index', async () => {
    const f32 = (...values: number[]): Tensors[string] => ({
      dtype: 'F32',
      shape: [values.length],
      data: Float32Array.from(values),
    });
    const one = await saved('model-1.safetensors', writeSafetensors({ 'a.w': f32(1, 2), 'b.w': f32(3) }));
    await saved('model-2.safetensors', writeSafetensors({ 'a.v': f32(4) }));
    expect(await readStateDict(one)).toEqual({ 'a.w': f32(1, 2), 'b.w': f32(3) });

    const index = (map: Record<string, unknown>) =>
      saved('model.safetensors.index.json', JSON.stringify({ metadata: {}, weight_map: map }));
    const map = {
      'a.v': 'model-2.safetensors',
      'a.w': 'model-1.safetensors',
      'b.w': 'model-1.safetensors',
    };
    expect(await readStateDict(await index(map), { prefix: 'a.' })).toEqual({ v: f32(4), w: f32(1, 2) });

    await expect(readStateDict(await index({ ...map, c: 'model-2.safetensors' }))).rejects.toMatchObject({
      code: 'E_CHECKPOINT',
      evidence: { missing: ['c'], unexpected: [] },
    });
    await expect(
      readStateDict(await index({ 'a.w': 'model-1.safetensors', 'b.w': 'model-1.safetensors' })),
    ).resolves.toEqual({ 'a.w': f32(1, 2), 'b.w': f32(3) });
    await expect(readStateDict(await index({ 'a.w': 'model-1.safetensors' }))).rejects.toMatchObject({
      evidence: { missing: [], unexpected: ['b.w'] },
    });
    for (const file of ['../model-1.safetensors', '/etc/passwd', '..', 7, '.hidden'])
      await expect(readStateDict(await index({ a: file }))).rejects.toThrow(/no name of a file beside/);
    await expect(readStateDict(await index({ a: 'absent.safetensors' }))).rejects.toThrow(/ENOENT/);
  });
});

describe('openStateDict', () => {
  it('knows types and shapes before anything is read', async () => {
    const dict = await openStateDict(fixture('tensors.zip.pt'));
    expect(dict.tensors.get('bf16')).toEqual({ dtype: 'BF16', shape: [4] });
    expect(dict.tensors.get('expanded')).toEqual({ dtype: 'F32', shape: [2, 3] });
    dict.close();
  });

  it('names a file that is not there', async () => {
    await expect(openStateDict('missing.pt')).rejects.toMatchObject({
      code: 'E_CHECKPOINT',
      message: expect.stringMatching(/missing\.pt can't be read: ENOENT/),
      evidence: { path: 'missing.pt' },
    });
  });

  it.runIf(process.platform !== 'win32')('opens nothing that is no file', async () => {
    const pipe = join(folder, 'pipe.pt');
    execFileSync('mkfifo', [pipe]);
    await mkdir(join(folder, 'folder.pt'));
    for (const [path, found] of [
      [pipe, 'a pipe'],
      ['/dev/zero', 'a device'],
      [join(folder, 'folder.pt'), 'a folder'],
    ] as const)
      await expect(openStateDict(path)).rejects.toMatchObject({
        code: 'E_CHECKPOINT',
        evidence: { path, found },
      });
  });

  it('refuses a checkpoint stored in a zip whose bytes do not match their checksum', async () => {
    const inner = readFileSync(fixture('tensors.legacy.pt'));
    const bytes = await zipOf([['model.ckpt', inner]]);
    const path = await saved('stored.zip', bytes);
    expect(plain(await readStateDict(path))).toEqual(all);
    bytes[bytes.indexOf(inner) + inner.length - 3]! ^= 1; // among the elements, which nothing else covers
    await saved('stored.zip', bytes);
    await expect(openStateDict(path)).rejects.toMatchObject({ code: 'E_ZIP', evidence: { path } });
  });

  it('refuses every cut of a checkpoint', async () => {
    for (const [file, code] of [
      ['tensors.zip.pt', 'E_ZIP'],
      ['tensors.legacy.pt', 'E_PICKLE'],
    ] as const) {
      const whole = readFileSync(fixture(file));
      for (let length = 20; length < whole.length; length += 97) {
        const path = await saved('cut.pt', whole.subarray(0, length));
        await expect(openStateDict(path)).rejects.toMatchObject({ code, evidence: { path } });
      }
    }
  });

  it('refuses elements that do not match their checksum', async () => {
    const whole = readFileSync(fixture('tensors.zip.pt'));
    const elements = (await filesOf('tensors.zip.pt')).get('tensors.zip/data/12')!;
    whole[whole.indexOf(elements) + 7]! ^= 1;
    const path = await saved('damaged.pt', whole);
    const dict = await openStateDict(path);
    expect(() => dict.read()).toThrow(expect.objectContaining({ code: 'E_ZIP', evidence: { path } }));
    expect(Object.keys(dict.read('f16'))).toEqual(['']);
    dict.close();
  });

  const torch = 'tensors.cuda-location';
  const changes: [string, (files: Map<string, Uint8Array>) => void, string | RegExp][] = [
    ['storage', (f) => f.delete(`${torch}/data/1`), /no elements of storage "1"/],
    ['elements', (f) => f.set(`${torch}/data/1`, new Uint8Array(95)), /holds 95 bytes, the pickle says 96/],
    ['byte order', (f) => f.set(`${torch}/byteorder`, Buffer.from('big')), /its byte order is "big"/],
    [
      'call',
      (f) => f.set(`${torch}/data.pkl`, Buffer.from("cos\nsystem\n(S'true'\ntR.")),
      /would call os\.system/,
    ],
    [
      'type',
      (f) => f.set(`${torch}/data.pkl`, edited(f.get(`${torch}/data.pkl`)!, 'Float', 'QInt8')),
      /type/,
    ],
    [
      'loop',
      (f) => f.set(`${torch}/data.pkl`, Buffer.from('}q\0X\x01\0\0\0ah\0s.', 'latin1')),
      /at another place/,
    ],
    [
      'depth',
      (f) => f.set(`${torch}/data.pkl`, Buffer.from(`${'}K\x01'.repeat(1e5)}N${'s'.repeat(1e5)}.`, 'latin1')),
      /nested deeper/,
    ],
    ['list', (f) => f.set(`${torch}/data.pkl`, Buffer.from('].')), /a list of 0 where a dict/],
    [
      'program',
      (f) =>
        f.set(
          `${torch}/data.pkl`,
          Buffer.from('c__torch__\nA\n)\x81}X\x01\0\0\0acos\nsystem\n)Rsb.', 'latin1'),
        ),
      /would call os\.system/,
    ],
    [
      'module’s state',
      (f) => f.set(`${torch}/data.pkl`, Buffer.from('c__torch__\nA\n)\x81Nb.', 'latin1')),
      /the state of a module is None, no dict/,
    ],
    [
      'module within itself',
      (f) => f.set(`${torch}/data.pkl`, Buffer.from('c__torch__\nA\n)\x81q\0}X\x01\0\0\0ah\0sb.', 'latin1')),
      /at another place/,
    ],
  ];
  it.each(changes)('refuses another %s than there should be', async (_, change, message) => {
    const files = await filesOf('tensors.cuda-location.pt');
    change(files);
    const path = await saved('changed.pt', await zipOf(files));
    await expect(openStateDict(path)).rejects.toMatchObject({
      name: 'ModelError',
      message: expect.stringMatching(message),
      evidence: { path },
    });
  });

  const one = (name: string) => [[name, Buffer.from('N.')]] as const;
  const archives: [string, () => Promise<Uint8Array>, RegExp][] = [
    ['of pictures', () => zipOf(one('1.png')), /without a checkpoint; its files are "1\.png"$/],
    [
      'of many pictures',
      () => zipOf(Array.from({ length: 10 }, (_, i) => one(`${i}.png`)[0])),
      /its files are "0\.png", .*"7\.png" and 2 more$/,
    ],
    [
      'of two',
      () => zipOf([...one('a.pt'), ...one('b.pt')]),
      /2 checkpoints; unpack it and name one: "a\.pt"/,
    ],
    ['in a zip in a zip', async () => zipOf([['a.pt', await zipOf(one('1.png'))]]), /a zip in a zip/],
    ['bomb', () => zipOf([['a.pt', new Uint8Array(2 ** 25)]], true), /would grow from \d+ bytes to 33554432/],
    ['with one name twice', () => zipOf([...one('a.pt'), ...one('a.pt')]), /same name/],
    [
      'whose files share bytes',
      async () => {
        const zip = await zipOf([...one('a.pt'), ...one('b.pt')]);
        // the second entry of the directory, at its 42nd byte, says where its file lies
        zip.writeUInt32LE(0, zip.lastIndexOf('PK\x01\x02', undefined, 'latin1') + 42);
        return zip;
      },
      /share byte 0/,
    ],
    [
      'longer than it says',
      async () => {
        const zip = await zipOf([['a.pt', Buffer.alloc(1000)]], true);
        zip.writeUInt32LE(999, zip.lastIndexOf('PK\x01\x02', undefined, 'latin1') + 24);
        return zip;
      },
      /E_ZIP|too many bytes/,
    ],
  ];
  it.each(archives)('refuses a zip %s', async (_, make, message) => {
    const path = await saved('archive.zip', await make());
    await expect(openStateDict(path)).rejects.toMatchObject({
      name: 'ModelError',
      message: expect.stringMatching(message),
      evidence: { path },
    });
  });

  it.each([
    ['image', '\x89PNG\r\n\x1a\n', /it is a PNG image/],
    ['page', '<!DOCTYPE html>', /an HTML or XML page/],
    ['nothing', '', /an empty file/],
    ['text', 'hello\n', /pickle, byte 0/],
  ])('says what a foreign file is: %s', async (name, content, message) => {
    await expect(openStateDict(await saved(name, Buffer.from(content, 'latin1')))).rejects.toThrow(message);
  });
});
