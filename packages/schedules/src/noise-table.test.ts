import { describe, expect, it } from 'vitest';
import { noiseTable, noiseTableOf, noiseTables } from './noise-table.js';

const table = noiseTable(noiseTables.sd);

describe('noiseTable', () => {
  it("holds Stable Diffusion's noise levels", () => {
    expect(table.alphasCumprod).toHaveLength(1000);
    expect(table.alphasCumprod[0]).toBeCloseTo(0.99915, 12);
    expect(table.alphasCumprod[999]).toBeCloseTo(0.004660098513077241, 12);
    expect(table.sigmaMin).toBeCloseTo(0.029167158151720367, 12);
    expect(table.sigmaMax).toBeCloseTo(14.614641229333634, 9);
  });

  it("holds latent diffusion's noise levels", () => {
    const { sigmaMin, sigmaMax } = noiseTable(noiseTables.ldm);
    expect(sigmaMin).toBeCloseTo(0.03875891355636856, 12);
    expect(sigmaMax).toBeCloseTo(83.8224944730287, 9);
  });

  it('passes through every entry', () => {
    table.alphasCumprod.forEach((alpha, k) => {
      expect(table.sigmaOfT((k + 1) / 1000)).toBeCloseTo(Math.sqrt((1 - alpha) / alpha), 9);
    });
  });

  it('interpolates log α between entries and goes on beyond both ends', () => {
    const logAlpha = (t: number) => -0.5 * Math.log1p(table.sigmaOfT(t) ** 2);
    expect(logAlpha(0.5005)).toBeCloseTo((logAlpha(0.5) + logAlpha(0.501)) / 2, 12);
    expect(logAlpha(0.0005)).toBeCloseTo(1.5 * logAlpha(0.001) - 0.5 * logAlpha(0.002), 12);
    expect(logAlpha(1.001)).toBeCloseTo(2 * logAlpha(1) - logAlpha(0.999), 12);
  });

  it.each([1e-4, 0.001, 0.00101, 0.3, 0.9995, 1, 1.01])('finds the time again, t = %d', (t) => {
    expect(table.tOfSigma(table.sigmaOfT(t))).toBeCloseTo(t, 10);
  });

  it.each([
    [{ linearStart: 0.1, linearEnd: 0.01, M: 1000 }],
    [{ linearStart: 0, linearEnd: 0.01, M: 1000 }],
    [{ linearStart: 0.001, linearEnd: 0.01, M: 1 }],
  ])('refuses %o', (options) => {
    expect(() => noiseTable(options)).toThrow(expect.objectContaining({ code: 'E_SCHEDULE' }));
  });

  it('is made of a checkpoint’s own entries too', () => {
    const alphas = Float32Array.from(table.alphasCumprod);
    const own = noiseTableOf(alphas);
    expect(own.alphasCumprod[999]).toBe(alphas[999]);
    expect(own.sigmaMax).toBeCloseTo(table.sigmaMax, 5);
    expect(own.tOfSigma(own.sigmaOfT(0.3))).toBeCloseTo(0.3, 10);
  });

  it.each([[[0.9]], [[0.9, 0.9]], [[1, 0.5]], [[0.5, 0]], [[0.9, NaN]]])('refuses entries %j', (alphas) => {
    expect(() => noiseTableOf(alphas)).toThrow(expect.objectContaining({ code: 'E_SCHEDULE' }));
  });
});
