import { describe, expect, it } from 'vitest';
import { vp, vpThrough } from './vp.js';

describe('vp', () => {
  it('has the noise levels of the formula, by default those of the ADM models', () => {
    const { sigmaOfT } = vp();
    expect(sigmaOfT(1)).toBeCloseTo(152.1669702839464, 9);
    expect(sigmaOfT(0.001)).toBeCloseTo(0.010485992786706403, 12);
  });

  it('finds the time again, also where the noise is tiny', () => {
    const { sigmaOfT, tOfSigma } = vp();
    for (const t of [1e-8, 1e-3, 0.5, 1]) expect(tOfSigma(sigmaOfT(t)) / t).toBeCloseTo(1, 9);
  });

  it('passes through two given levels', () => {
    const { sigmaOfT } = vpThrough(0.002, 80, 1e-3);
    expect(sigmaOfT(1)).toBeCloseTo(80, 10);
    expect(sigmaOfT(1e-3)).toBeCloseTo(0.002, 12);
  });
});
