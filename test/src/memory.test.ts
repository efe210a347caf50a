import { execFileSync, spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodePng } from '@fewstep/metrics/images';
import { afterAll, expect, it } from 'vitest';
import { root, start } from './command-line.js';
import { zipOf } from './fuzz/folders.js';

const folder = mkdtempSync(join(tmpdir(), 'fewstep-memory-'));
afterAll(() => rmSync(folder, { recursive: true }));

const MIB = 2 ** 20;
const TENSORS = 24;
const EACH = 4 * MIB;

const u32 = (n: number) => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(n);
  return bytes.toString('latin1');
};

/** Elements of a tensor: 4 MiB, half of whose bytes take two in UTF-8. */
const elements = Buffer.alloc(
  EACH,
  Uint8Array.from({ length: 256 }, (_, i) => i),
).toString('latin1');

/** A file of these parts, text in latin-1. */
function saved(name: string, parts: Iterable<string>): string {
  const path = join(folder, name);
  const file = openSync(path, 'w');
  for (const part of parts) writeSync(file, part, null, 'latin1');
  closeSync(file);
  return path;
}

function safetensors(tensors: number): string {
  const entry = (i: number) => ({ dtype: 'F32', shape: [MIB], data_offsets: [i * EACH, (i + 1) * EACH] });
  const header = JSON.stringify(
    Object.fromEntries(Array.from({ length: tensors }, (_, i) => [`t${i}`, entry(i)])),
  );
  return saved(`${tensors}.safetensors`, [
    `${u32(header.length)}\0\0\0\0${header}`,
    ...new Array<string>(tensors).fill(elements),
  ]);
}

const text = (s: string) => `X${u32(s.length)}${s}`;

/** PyTorch's legacy format: a dict of tensors that are the whole of a storage each. */
function legacy(tensors: number): string {
  const size = `J${u32(MIB)}`;
  const keys = Array.from({ length: tensors }, (_, i) => String(i));
  const items = keys.map(
    (key) =>
      `${text(`t${key}`)}ctorch._utils\n_rebuild_tensor_v2\n((${text('storage')}ctorch\nFloatStorage\n${text(key)}` +
      `${text('cpu')}${size}NtQK\0${size}\x85K\x01\x85\x89NtR`,
  );
  return saved(`${tensors}.pt`, [
    `\x80\x02\x8a\x0alü\x9cFù j¨P\x19.Mé\x03.}.}(${items.join('')}u.](${keys.map(text).join('')}e.`,
    ...keys.flatMap(() => [u32(MIB), '\0\0\0\0', elements]),
  ]);
}

/** A pickle: a dict of numpy's arrays, whose bytes are `data`, which is remembered as Python's pickler does. */
const numpy = (name: string, data: string) => (tensors: number) => {
  const array =
    `cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\nK\0\x85C\x01btR(K\x01J${u32(MIB)}\x85cnumpy\ndtype\n` +
    `(X\x02\0\0\0f4K\0K\x01tR(K\x03X\x01\0\0\0<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\0tb\x89`;
  const keys = Array.from({ length: tensors }, (_, i) => text(`t${i}`));
  return saved(`${name}.${tensors}.pkl`, ['}(', ...keys.flatMap((key) => [key, array, data, 'tb']), 'u.']);
};
const encoded = (string: string) => `c_codecs\nencode\n(${string}r${u32(300)}X\x06\0\0\0latin1tRr${u32(301)}`;
/** Text as protocol 0 has it. */
const escaped = elements.replaceAll('\\', '\\u005c').replaceAll('\n', '\\u000a');

/** What a program says in the end, as JSON, and the peak memory of its process in bytes. */
function running<T>(program: string): T & { readonly peak: number } {
  const whole = `
    import * as models from '@fewstep/models';
    const said = await (async () => { ${program} })();
    console.log(JSON.stringify({ ...said, peak: process.resourceUsage().maxRSS * 1024 }));`;
  const args = ['--input-type=module', '--eval', whole];
  const { stdout, stderr } = spawnSync(process.execPath, args, { cwd: join(root, 'test'), encoding: 'utf8' });
  expect(stderr).toBe('');
  return JSON.parse(stdout);
}

/** Reads a file's weights, and says how many bytes those are. */
const reading = (path: string) =>
  running<{ readonly weights: number }>(`
    const tensors = Object.values(await models.readStateDict(${JSON.stringify(path)}));
    return { weights: tensors.reduce((sum, { data }) => sum + data.byteLength, 0) };`);

it.each([
  ['safetensors', safetensors],
  ['PyTorch legacy', legacy],
  ['a pickle with text of protocol 0', numpy('0', encoded(`V${escaped}\n`))],
  ['a pickle with text of protocol 2', numpy('2', encoded(text(Buffer.from(elements).toString('latin1'))))],
  ['a pickle with bytes', numpy('3', `B${u32(EACH)}${elements}q\x01`)],
])('weights are in memory once while they are read: %s', (_, make) => {
  const idle = reading(make(1));
  const { peak, weights } = reading(make(TENSORS));
  expect([idle.weights, weights]).toEqual([EACH, TENSORS * EACH]);
  expect(peak - idle.peak).toBeLessThan(1.2 * (TENSORS - 1) * EACH);
});

it('a checkpoint is in memory once while it is found out what it is, and read', () => {
  const small = readFileSync(join(root, 'packages/models/fixtures/edm-adm-cond.pkl'), 'latin1');
  // beside what is there already, in the same dict
  const made = (parts: number) =>
    saved(`edm.${parts}.pkl`, [
      small.slice(0, -1),
      ...Array.from({ length: parts }, (_, i) => `${text(`t${i}`)}B${u32(EACH)}${elements}s`),
      '.',
    ]);
  const peakOf = (path: string) =>
    running<{ readonly family: string }>(`
      const { family } = await models.readCheckpoint(${JSON.stringify(path)});
      return { family };`);
  const idle = peakOf(made(1));
  const { peak, family } = peakOf(made(TENSORS));
  expect([idle.family, family]).toEqual(['edm', 'edm']);
  expect(peak - idle.peak).toBeLessThan(1.2 * (TENSORS - 1) * EACH);
});

/** What reading says, by an error's code, and the peak memory beside what a process takes that only loads the package. */
const readingOf = (call: string) =>
  running<{ readonly said: string }>(`
    const metrics = { ...(await import('@fewstep/metrics/images')), ...(await import('@fewstep/metrics/npz')) };
    const said = await (async () => ${call})().then(() => 'read', ({ code }) => code);
    return { said };`);

/** A .npy file of zeros. */
function zeros(code: string, shape: readonly number[], bytes: number): Uint8Array {
  const header = `{'descr': '<${code}', 'fortran_order': False, 'shape': (${shape.join(', ')},), }\n`;
  const start = Buffer.from(`\x93NUMPY\x01\0${u32(header.length).slice(0, 2)}${header}`, 'latin1');
  return Buffer.concat([start, new Uint8Array(bytes)]);
}

it('files of a few kilobytes that would fill memory do not', async () => {
  const path = (name: string, files: Readonly<Record<string, Uint8Array>>) => {
    writeFileSync(join(folder, name), zipOf(files, true));
    return JSON.stringify(join(folder, name));
  };
  const image = await encodePng({ data: new Uint8Array(4), channels: 1, height: 2, width: 2 });
  const padded = Buffer.concat([image, new Uint8Array(48 * MIB)]);
  const images = path('padded.zip', { '1.png': padded, '2.png': padded });
  const n = 2500;
  const single = path('single.npz', {
    'mu.npy': zeros('f4', [n], 4 * n),
    'sigma.npy': zeros('f4', [n, n], 4 * n ** 2),
  });
  const idle = readingOf('null');
  const refused = readingOf(`{ for await (const _ of metrics.readImages(${images})); }`);
  const read = readingOf(`{ await metrics.readStatistics(${single}); }`);
  expect([idle.said, refused.said, read.said]).toEqual(['read', 'E_IMAGES', 'read']);
  // the first file whole, to know how large its image is, as a stream gives it
  expect(refused.peak - idle.peak).toBeLessThan(96 * MIB);
  // in single precision, and in double
  expect(read.peak - idle.peak).toBeLessThan(12 * n ** 2 + 64 * MIB);
});

it.runIf(process.platform !== 'win32')('a command waits for no pipe', async () => {
  const pipe = join(folder, 'pipe');
  execFileSync('mkfifo', [pipe]);
  const store = ['--store', join(folder, 'store')];
  for (const [args, said] of [
    [['validate', pipe], 'E_SPEC'],
    [['models', 'inspect', pipe], 'E_CHECKPOINT'],
    [['fid', 'calc', pipe, '--ref', pipe, '--features', pipe, ...store], 'E_IMAGES'],
  ] as const) {
    const { code, stderr } = await start(args).finished;
    expect(stderr).toContain(said);
    expect([1, 2]).toContain(code);
  }
});
