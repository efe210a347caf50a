import { describe, expect, it } from 'vitest';
import { readEdmCheckpoint } from '../checkpoints/edm-checkpoint.js';
import { exportDenoiser } from '../export-denoiser.js';
import { refusal } from './engine-contract.test.support.js';
import type { OnnxSession } from './onnx-session.js';
import { openSession } from './open-session.js';
import { splitSession } from './split-session.js';

const checkpoint = new URL('../../fixtures/edm-adm-cond.pkl', import.meta.url).pathname;
const signature = {
  what: 'a denoiser',
  inputs: ['x', 'sigma', 'class_labels'],
  outputs: ['denoised', 'bottleneck'],
};

/** A session that doubles, and tells the rows that it is given. */
function doubling(log: number[][], fault?: Error) {
  const session: OnnxSession = {
    devices: 1,
    async run({ x }, n) {
      if (fault) throw fault;
      log.push([n, ...Array.from(x!.data, Number)]);
      return { y: (x!.data as Float32Array).map((v) => 2 * v) };
    },
    close: async () => void log.push([-1]),
  };
  return session;
}
const parts = (...sessions: OnnxSession[]) =>
  sessions.map((session, i) => ({ name: `gpu:${i}`, open: async () => session }));
const x = (...data: number[]) => ({ x: { data: Float32Array.from(data), shape: [2] } });

describe('sessions that share a call', () => {
  it('take rows in order, none where there are too few', async () => {
    const log: number[][] = [];
    const split = await splitSession(parts(doubling(log), doubling(log), doubling(log)));
    expect(split.devices).toBe(3);
    expect(await split.run(x(1, 2, 3, 4, 5, 6, 7, 8), 4)).toEqual({
      y: Float32Array.of(2, 4, 6, 8, 10, 12, 14, 16),
    });
    expect(log.splice(0)).toEqual([
      [2, 1, 2, 3, 4],
      [2, 5, 6, 7, 8],
    ]);
    expect(await split.run(x(9, 9), 1)).toEqual({ y: Float32Array.of(18, 18) });
    expect(log.splice(0)).toEqual([[1, 9, 9]]);
    await split.close();
    expect(log).toEqual([[-1], [-1], [-1]]);
  });

  it('name the one that fails, after the others are done', async () => {
    const log: number[][] = [];
    const split = await splitSession(parts(doubling(log), doubling(log, new Error('out of memory'))));
    await expect(split.run(x(1, 2, 3, 4), 2)).rejects.toThrow(refusal(/^gpu:1: out of memory$/));
    expect(log).toEqual([[1, 1, 2]]);
    expect(await split.run(x(1, 2), 1)).toEqual({ y: Float32Array.of(2, 4) });
  });

  it('are closed where one can’t be opened', async () => {
    const log: number[][] = [];
    const refused = splitSession([
      ...parts(doubling(log)),
      { name: 'gpu:7', open: () => Promise.reject(new Error('no such GPU')) },
    ]);
    await expect(refused).rejects.toThrow(refusal(/^gpu:7: no such GPU$/));
    expect(log).toEqual([[-1]]);
  });

  it('give the bits of one', async () => {
    const { graph } = exportDenoiser(await readEdmCheckpoint(checkpoint));
    const open = () => openSession(graph, signature, { threads: 1 });
    const whole = await open();
    const split = await splitSession([
      { name: 'one', open },
      { name: 'two', open },
    ]);
    const n = 5;
    const inputs = {
      x: { data: Float32Array.from({ length: n * 768 }, (_, i) => Math.sin(i * i)), shape: [3, 16, 16] },
      sigma: { data: Float32Array.of(0.1, 1, 2, 3, 50), shape: [] },
      class_labels: { data: new Float32Array(n * 10), shape: [10] },
    };
    expect(await split.run(inputs, n)).toEqual(await whole.run(inputs, n));
    await Promise.all([split.close(), whole.close()]);
  });
});
