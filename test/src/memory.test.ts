import { spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { root } from './command-line.js';

const folder = mkdtempSync(join(tmpdir(), 'fewstep-memory-'));
afterAll(() => rmSync(folder, { recursive: true }));

const MIB = 2 ** 20;
const TENSORS = 24;
const EACH = 4 * MIB;

/** A file of a start, and tensors of 4 MiB each, of which `before` comes first. */
function saved(name: string, start: string | Uint8Array, tensors: number, before = ''): string {
  const path = join(folder, name);
  writeFileSync(path, start);
  const file = openSync(path, 'a');
  const elements = Buffer.alloc(EACH, 1);
  for (let i = 0; i < tensors; i++) {
    writeSync(file, Buffer.from(before, 'latin1'));
    writeSync(file, elements);
  }
  closeSync(file);
  return path;
}

function safetensors(tensors: number): string {
  const entry = (i: number) => ({ dtype: 'F32', shape: [MIB], data_offsets: [i * EACH, (i + 1) * EACH] });
  const header = JSON.stringify(
    Object.fromEntries(Array.from({ length: tensors }, (_, i) => [`t${i}`, entry(i)])),
  );
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  return saved(`${tensors}.safetensors`, Buffer.concat([length, Buffer.from(header)]), tensors);
}

/** PyTorch's legacy format: a dict of tensors that are the whole of a storage each. */
function legacy(tensors: number): string {
  const text = (s: string) => `X${String.fromCharCode(s.length)}\0\0\0${s}`;
  const size = 'J\0\0\x10\0';
  const keys = Array.from({ length: tensors }, (_, i) => String(i));
  const items = keys.map(
    (key) =>
      `${text(`t${key}`)}ctorch._utils\n_rebuild_tensor_v2\n((${text('storage')}ctorch\nFloatStorage\n${text(key)}` +
      `${text('cpu')}${size}NtQK\0${size}\x85K\x01\x85\x89NtR`,
  );
  const start = `\x80\x02\x8a\x0alü\x9cFù j¨P\x19.Mé\x03.}.}(${items.join('')}u.](${keys.map(text).join('')}e.`;
  return saved(`${tensors}.pt`, Buffer.from(start, 'latin1'), tensors, '\0\0\x10\0\0\0\0\0');
}

/** Peak memory of a process that reads a file's weights, in bytes, and how many bytes those are. */
function reading(path: string): { peak: number; weights: number } {
  const program = `
    import { readStateDict } from '@fewstep/models';
    const tensors = Object.values(await readStateDict(${JSON.stringify(path)}));
    const weights = tensors.reduce((sum, { data }) => sum + data.byteLength, 0);
    console.log(JSON.stringify({ peak: process.resourceUsage().maxRSS * 1024, weights }));`;
  const args = ['--input-type=module', '--eval', program];
  const { stdout, stderr } = spawnSync(process.execPath, args, { cwd: join(root, 'test'), encoding: 'utf8' });
  expect(stderr).toBe('');
  return JSON.parse(stdout);
}

it.each([
  ['safetensors', safetensors],
  ['PyTorch legacy', legacy],
])('weights are in memory once while they are read: %s', (_, make) => {
  const idle = reading(make(1));
  const { peak, weights } = reading(make(TENSORS));
  expect([idle.weights, weights]).toEqual([EACH, TENSORS * EACH]);
  expect(peak - idle.peak).toBeLessThan(1.2 * (TENSORS - 1) * EACH);
});
