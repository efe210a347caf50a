import { cp, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readStatistics, writeStatistics } from '@fewstep/metrics';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runJson } from '../command-json.js';
import { fewstep, start } from '../command-line.js';
import { withExternalWeights } from '../external-weights.js';
import { computingProcess, idle } from './processes.js';
import { enlarged, pictures, picturesAt, zipOfPictures } from './small-data.js';
import { age, digits, overwrite, plain, removeAll, within } from './small-store.js';

const spec = plain({
  checkpoint: 'digits.pkl, reference_data: images.zip, feature_network: network.onnx',
  more: 'evaluate: [fid]\n',
});

let dir: string;
const at = (name: string) => join(dir, name);
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'fewstep-'));
  const network = withExternalWeights(await readFile(digits.features), 'network.weights');
  await writeFile(at('network.onnx'), network.graph);
  await writeFile(at('network.weights'), network.weights);
  await cp(digits.checkpoint, at('digits.pkl'));
  await writeFile(at('images.zip'), await zipOfPictures(4, 1));
  await picturesAt(at('images'), 4, 2);
  await writeFile(at('spec.yaml'), spec);
  const args = ['fid', 'ref', 'images', '--features', 'network.onnx', '--dest', 'ref.npz'];
  expect((await fewstep(args, { cwd: dir })).code).toBe(0);
  const files = ['network.onnx', 'network.weights', 'digits.pkl', 'images.zip', 'images/0.png', 'ref.npz'];
  for (const file of files) await age(at(file));
});
afterAll(() => removeAll([dir]));

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

const fidOf = (stdout: string): number => JSON.parse(stdout).fid ?? runJson(stdout).points[0]!.metrics.fid;
async function fid(command: Command, store = '.fewstep'): Promise<number> {
  const args = [...commands[command], '--json', '--store', store];
  const { code, stdout, stderr } = await fewstep(args, { cwd: dir });
  expect(code, stderr).toBe(0);
  return fidOf(stdout);
}

/** Content in place of a file's own, of equal size and with the time kept, and back. */
async function replacement(file: string, change: (bytes: Buffer) => Buffer | Promise<Buffer>) {
  const original = await readFile(at(file));
  const other = await change(original);
  expect(other.equals(original)).toBe(false);
  return {
    put: () => overwrite(at(file), other),
    restore: () => overwrite(at(file), original),
  };
}

const otherZip = () => zipOfPictures(4, 3);
const otherImage = async () => (await pictures(1, 4))[0]!;

describe('a file put over another of equal size, the time kept', () => {
  it.each([
    ['a zip of images', 'images.zip', otherZip, 'fid calc'],
    ['a checkpoint', 'digits.pkl', otherWeights, 'run'],
    ['weights beside a network', 'network.weights', enlarged, 'fid calc'],
    ['an image of a folder', 'images/0.png', otherImage, 'of a folder'],
    ['reference statistics', 'ref.npz', otherStatistics, 'of a folder'],
  ] as const)('is seen: %s', async (_, file, change, command) => {
    const { put, restore } = await replacement(file, change);
    try {
      const before = await fid(command);
      await put();
      expect(await fid(command)).not.toBe(before);
      await restore();
      expect(await fid(command)).toBe(before);
    } finally {
      await restore();
    }
  });
});

describe.skipIf(process.platform !== 'linux')('a file replaced while a task reads it (Linux)', () => {
  /** Starts it and stops the process that computes before that has read anything; what it will read has its digest. */
  const stopped = async (command: Command, store: string) => {
    const { child, finished } = start([...commands[command], '--json', '--store', store], { cwd: dir });
    const pid = await computingProcess(child);
    process.kill(pid, 'SIGSTOP');
    return { child, finished, pid };
  };

  it.each([
    ['a zip of images', 'images.zip', otherZip, 'fid calc'],
    ['a checkpoint', 'digits.pkl', otherWeights, 'run'],
  ] as const)('leaves no wrong result: %s', async (_, file, change, command) => {
    const { put, restore } = await replacement(file, change);
    try {
      const before = await fid(command, `before-${file}`);
      const { pid, ...started } = await stopped(command, `store-${file}`);
      await put();
      process.kill(pid, 'SIGCONT');
      const { code, stdout, stderr, inTime } = await within(60, started);
      const after = await fid(command, `after-${file}`);
      expect(inTime).toBe(true);
      expect(after).not.toBe(before);
      if (code === 0) expect(fidOf(stdout)).toBe(after);
      else expect(stderr).toContain('E_INPUT_CHANGED');
      expect(await fid(command, `store-${file}`)).toBe(after);
      await restore();
      expect(await fid(command, `store-${file}`)).toBe(before);
    } finally {
      await restore();
    }
  });

  it('leaves none where it is put back before the task ends', async () => {
    const { put, restore } = await replacement('images.zip', otherZip);
    try {
      const { pid, ...started } = await stopped('fid calc', 'store-back');
      await put();
      process.kill(started.child.pid!, 'SIGSTOP');
      process.kill(pid, 'SIGCONT');
      await idle(pid);
      await restore();
      process.kill(started.child.pid!, 'SIGCONT');
      const { code, stdout, stderr, inTime } = await within(60, started);
      const right = await fid('fid calc', 'before-images.zip');
      expect(inTime).toBe(true);
      if (code === 0) expect(fidOf(stdout)).toBe(right);
      else expect(stderr).toContain('E_INPUT_CHANGED');
      expect(await fid('fid calc', 'store-back')).toBe(right);
    } finally {
      await restore();
    }
  });
});
