import { cp, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { readStatistics, writeStatistics } from '@fewstep/metrics/npz';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runJson } from '../command-json.js';
import { fewstep, start } from '../command-line.js';
import { withExternalWeights } from '../external-weights.js';
import { computingProcess, hasWritten } from './processes.js';
import { enlarged, pictures, picturesAt, zipOfPictures } from './small-data.js';
import { age, digits, overwrite, plain, removeAll, within } from './small-store.js';

const spec = plain({ checkpoint: 'digits.pkl' });

const files = ['network.onnx', 'network.weights', 'digits.pkl', 'images.zip', 'images/0.png', 'ref.npz'];
let base: string;
beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), 'fewstep-'));
  const dir = join(base, 'inputs');
  const network = withExternalWeights(await readFile(digits.features), 'network.weights');
  await picturesAt(join(dir, 'images'), 4, 2);
  await writeFile(join(dir, 'network.onnx'), network.graph);
  await writeFile(join(dir, 'network.weights'), network.weights);
  await cp(digits.checkpoint, join(dir, 'digits.pkl'));
  await writeFile(join(dir, 'images.zip'), await zipOfPictures(4, 1));
  await writeFile(join(dir, 'spec.yaml'), spec);
  const args = [
    'fid',
    'ref',
    'images',
    '--features',
    'network.onnx',
    '--dest',
    'ref.npz',
    '--store',
    '../ref',
  ];
  expect((await fewstep(args, { cwd: dir })).code).toBe(0);
  for (const file of files) await age(join(dir, file));
});
afterAll(() => removeAll([base]));

/** Weights in the middle of a checkpoint, a few thousand of them four times as large or small. */
const otherWeights = (bytes: Buffer) => {
  const middle = bytes.length >> 1;
  return Buffer.from(bytes.map((byte, i) => (i > middle && i < middle + 20_000 ? byte ^ 1 : byte)));
};
const otherStatistics = async (bytes: Buffer) => {
  const { mu, sigma } = await readStatistics(bytes, 'ref.npz');
  return Buffer.from(await writeStatistics({ mu: mu.map((value) => value + 1), sigma }));
};

const calc = (images: string) => ['fid', 'calc', images, '--ref', 'ref.npz', '--features', 'network.onnx'];
const commands = { run: ['run', 'spec.yaml'], 'fid calc': calc('images.zip'), 'of a folder': calc('images') };
type Command = keyof typeof commands;

/** What a command found: a distance, or where the samples are by their content. */
const found = (stdout: string): unknown =>
  JSON.parse(stdout).sets?.[0].fid ?? basename(runJson(stdout).points[0]!.artifacts.samples[0]!);

/**
 * A folder for a test of its own, in which a command reads a file: its content can be put in place of another of equal
 * size, the time kept, and back.
 */
async function replacement(
  command: Command,
  file: string,
  change: (bytes: Buffer) => Buffer | Promise<Buffer>,
) {
  const dir = await mkdtemp(join(base, 'inputs-'));
  await cp(join(base, 'inputs'), dir, { recursive: true, preserveTimestamps: true });
  const path = join(dir, file);
  const original = await readFile(path);
  const other = await change(original);
  expect(other.equals(original)).toBe(false);
  const args = (store: string) => [...commands[command], '--json', '--store', store];
  return {
    dir,
    put: () => overwrite(path, other),
    restore: () => overwrite(path, original),
    async outcome(store = '.fewstep') {
      const { code, stdout, stderr } = await fewstep(args(store), { cwd: dir });
      expect(code, stderr).toBe(0);
      return found(stdout);
    },
    /** Starts it and stops the process that computes, before that has read anything; what it will read has its digest. */
    async stopped(store: string) {
      const { child, finished } = start(args(store), { cwd: dir });
      const pid = await computingProcess(child);
      process.kill(pid, 'SIGSTOP');
      return { child, finished, pid };
    },
  };
}

const otherZip = () => zipOfPictures(4, 3);
const otherImage = async () => (await pictures(1, 4))[0]!;

describe('a file put over another of equal size, the time kept', () => {
  it.concurrent.each([
    ['a zip of images', 'images.zip', otherZip, 'fid calc'],
    ['a checkpoint', 'digits.pkl', otherWeights, 'run'],
    ['weights beside a network', 'network.weights', enlarged, 'fid calc'],
    ['an image of a folder', 'images/0.png', otherImage, 'of a folder'],
    ['reference statistics', 'ref.npz', otherStatistics, 'of a folder'],
  ] as const)('is seen: %s', async (_, file, change, command) => {
    const { put, restore, outcome } = await replacement(command, file, change);
    const before = await outcome();
    await put();
    expect(await outcome()).not.toBe(before);
    await restore();
    expect(await outcome()).toBe(before);
  });
});

describe.skipIf(process.platform !== 'linux')('a file replaced while a task reads it (Linux)', () => {
  it.concurrent.each([
    ['a zip of images', 'images.zip', otherZip, 'fid calc'],
    ['a checkpoint', 'digits.pkl', otherWeights, 'run'],
  ] as const)('leaves no wrong result: %s', async (_, file, change, command) => {
    const { put, restore, outcome, stopped } = await replacement(command, file, change);
    const before = await outcome();
    const { pid, ...started } = await stopped('store');
    await put();
    process.kill(pid, 'SIGCONT');
    const { code, stdout, stderr, inTime } = await within(60, started);
    const after = await outcome('store');
    expect(inTime).toBe(true);
    expect(after).not.toBe(before);
    if (code === 0) expect(found(stdout)).toBe(after);
    else expect(stderr).toContain('E_INPUT_CHANGED');
    await restore();
    expect(await outcome('store')).toBe(before);
  });

  it.concurrent('leaves none where it is put back before the task ends', async () => {
    const { dir, put, restore, outcome, stopped } = await replacement('fid calc', 'images.zip', otherZip);
    const before = await outcome();
    const { pid, ...started } = await stopped('store');
    await put();
    await sleep(500); // the job is sent
    process.kill(started.child.pid!, 'SIGSTOP');
    process.kill(pid, 'SIGCONT');
    await hasWritten(join(dir, 'store'));
    await restore();
    process.kill(started.child.pid!, 'SIGCONT');
    const { code, stdout, stderr, inTime } = await within(60, started);
    expect(inTime).toBe(true);
    if (code === 0) expect(found(stdout)).toBe(before);
    else expect(stderr).toContain('E_INPUT_CHANGED');
    expect(await outcome('store')).toBe(before);
  });
});
