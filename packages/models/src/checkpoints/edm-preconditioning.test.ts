import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { exportDenoiser } from '../export-denoiser.js';
import type { PickleValue } from '../files/pickle.js';
import { TensorView, TorchStorage } from '../files/torch-storage.js';
import { roundSigma } from '../round-sigma.js';
import { parseEdmCheckpoint } from './edm-checkpoint.js';
import { parsePreconditioning } from './edm-preconditioning.js';

const range = { sigma_min: 0.01, sigma_max: 100 };
const parse = (className: string, attributes: Record<string, PickleValue>) =>
  parsePreconditioning(className, new Map(Object.entries({ ...range, ...attributes })));
const refusal = (message: RegExp) =>
  expect.objectContaining({ code: 'E_CHECKPOINT', message: expect.stringMatching(message) });

/** The buffers of an iDDPMPrecond. */
function buffers(levels: readonly number[]): Map<PickleValue, PickleValue> {
  const bytes = new Uint8Array(Float32Array.from(levels).buffer);
  const storage = new TorchStorage('F32', levels.length, () => bytes);
  return new Map([['u', new TensorView(storage, 0, [levels.length], [1])]]);
}

it('reads each class of table 1 with its range', () => {
  const found = { sigmaMin: 0.01, sigmaMax: 100 };
  expect(parse('EDMPrecond', { sigma_data: 0.5 })).toEqual({
    ...found,
    preconditioning: { type: 'edm', sigmaData: 0.5 },
  });
  expect(parse('VPPrecond', { beta_d: 19.9, beta_min: 0.1, M: 1000 })).toEqual({
    ...found,
    preconditioning: { type: 'vp', betaD: 19.9, betaMin: 0.1, steps: 1000 },
  });
  expect(parse('VEPrecond', {})).toEqual({ ...found, preconditioning: { type: 've' } });
  expect(parse('iDDPMPrecond', { _buffers: buffers([100, 10.1, 0.6, 0]) })).toEqual({
    ...found,
    preconditioning: { type: 'iddpm', levels: [100, 10.1, 0.6, 0].map(Math.fround) },
  });
});

it('refuses what is no noise level', () => {
  expect(() => parse('EDMPrecond', {})).toThrow(refusal(/sigma_data is None/));
  expect(() => parse('EDMPrecond', { sigma_data: 0 })).toThrow(refusal(/sigma_data is 0, not a positive/));
  expect(() => parse('VPPrecond', { beta_d: 19.9, beta_min: -1, M: 1000 })).toThrow(
    refusal(/beta_min is -1/),
  );
  expect(() => parse('VEPrecond', { sigma_max: 0.001 })).toThrow(refusal(/from 0.01 to 0.001/));
  for (const levels of [
    [100, 10, 0.5],
    [100, 100, 0],
    [1, 0],
    [Infinity, 1, 0],
    [100, Number.NaN, 0],
  ])
    expect(() => parse('iDDPMPrecond', { _buffers: buffers(levels) })).toThrow(
      refusal(/do not descend to 0/),
    );
  expect(() => parse('iDDPMPrecond', { _buffers: new Map() })).toThrow(refusal(/noise levels u are/));
});

it('computes levels of half precision anew, and refuses those of another training', () => {
  // of arXiv:2206.00364, with 20 times
  const steps = { M: 20, C_1: 0.001, C_2: 0.008 };
  const alpha = (j: number) => Math.sin(((Math.PI / 2) * j) / (20 * 1.008)) ** 2;
  const levels = [0];
  for (let j = 20; j > 0; j--)
    levels.unshift(Math.sqrt((levels[0]! ** 2 + 1) / Math.max(alpha(j - 1) / alpha(j), 0.001) - 1));
  const half = (value: number) => {
    const step = 2 ** (Math.floor(Math.log2(value)) - 10);
    return value === 0 ? 0 : Math.round(value / step) * step;
  };
  const rough = levels.map(half);
  const read = (u: readonly number[], more = {}) =>
    parse('iDDPMPrecond', { _buffers: buffers(u), ...steps, ...more });
  const found = read(rough).preconditioning;
  expect(found).toEqual({ type: 'iddpm', levels: levels.map(Math.fround) });
  expect(levels[0]).toBeGreaterThan(300);
  // what is more exact is the file's to say
  expect(read(levels, { C_1: 0.5 }).preconditioning).toEqual(found);
  expect(() => read(rough, { C_2: 0.01 })).toThrow(
    refusal(/u are of float16, .* not those of its M, C_1 and C_2/),
  );
  expect(() => read(rough.slice(1))).toThrow(refusal(/number 0 is/));
  expect(() => read(rough, { M: null })).toThrow(refusal(/M is None/));
});

it('opens a checkpoint of another class than EDM’s own', async () => {
  const path = new URL('../../fixtures/edm-ncsnpp-uncond.p2.pkl', import.meta.url);
  const bytes = (await readFile(path)).toString('latin1');
  const renamed = bytes.replace('X\x0a\0\0\0EDMPrecond', 'X\x09\0\0\0VEPrecond');
  const checkpoint = parseEdmCheckpoint(Buffer.from(renamed, 'latin1'));
  expect(checkpoint.preconditioning).toEqual({ type: 've' });
});

it('rounds to the levels of a network that knows no others', () => {
  const noiseLevels = [100, 10, 1, 0];
  expect([200, 60, 54, 5.5, 5.4, 0.2].map((sigma) => roundSigma(sigma, { noiseLevels }))).toEqual([
    100, 100, 10, 10, 1, 0,
  ]);
  expect(roundSigma(3.7, {})).toBe(3.7);
});

it('tells a network’s levels beside its graph', async () => {
  const path = new URL('../../fixtures/edm-ncsnpp-uncond.p2.pkl', import.meta.url);
  const checkpoint = parseEdmCheckpoint(await readFile(path));
  const levels = [100, 10, 1, 0];
  const { info } = exportDenoiser({ ...checkpoint, preconditioning: { type: 'iddpm', levels } });
  expect(info.noiseLevels).toEqual(levels);
  expect(exportDenoiser(checkpoint).info).not.toHaveProperty('noiseLevels');
});
