import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { writeTensors } from './artifacts.js';
import { noModel } from './inputs.test.support.js';
import { openSolve } from './open-solve.js';

const network = vi.hoisted(() => ({ promised: true }));
vi.mock('./load-denoiser.js', () => ({
  shapeOf: () => [1, 1, 2],
  loadDenoiser: async () => {
    const { promised: bottleneck } = network;
    const condition = { positions: 1, width: 2 };
    const info = { channels: 1, resolution: 1, labelDim: 0, bottleneck, sigmaMin: 1, sigmaMax: 2, condition };
    const evaluate = async ({ x }: { x: Float64Array }) => ({
      denoised: x,
      bottleneck: new Float64Array(),
      forwards: x.length / 2,
    });
    return { info, denoiser: { info, evaluate } };
  },
}));

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'fewstep-open-'));
});
afterAll(() => rm(dir, { recursive: true }));

const solving = {
  method: { solver: 'euler' },
  schedule: { type: 'polynomial', rho: 7 },
  numSteps: 2,
} as const;
const open = (inputs: object = {}, params: object = {}) =>
  openSolve({
    params: { ...solving, ...params },
    inputs: { ...noModel, ...inputs },
    dir,
    device: { type: 'cpu' },
  });
const asked = { x: new Float64Array(2), sigma: 1 };

it('gives zeros for the bottleneck of a network that has none, and of no other', async () => {
  network.promised = false;
  expect((await (await open()).batch([0]).denoise(asked)).bottleneck).toEqual(new Float64Array(64));
  network.promised = true;
  await expect((await open()).batch([0]).denoise(asked)).rejects.toMatchObject({ code: 'E_BOTTLENECK' });
});

it('tells the network nothing in place of a prompt that is not there', async () => {
  const file = await writeTensors(dir, 'conditions.safetensors', {
    conditions: { dtype: 'F32', shape: [3, 1, 2], data: Float32Array.of(0, 0, 1, 2, 3, 4) },
    place: { dtype: 'F64', shape: [2], data: Float64Array.of(256, 300) },
  });
  const { batch } = await open({ conditions: [join(dir, file)] }, { guidance: { type: 'cfg', rate: 2 } });
  expect(() => batch([256, 257])).not.toThrow();
  expect(() => batch([258])).toThrow(expect.objectContaining({ code: 'E_CONDITIONS' }));
});
