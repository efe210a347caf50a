import { describe, expect, it } from 'vitest';
import { classifierFree } from './classifier-free.js';
import type { DenoiserRequest, LoadedDenoiser } from './denoiser.js';

const info = {
  channels: 1,
  resolution: 1,
  labelDim: 0,
  sigmaMin: 0.1,
  sigmaMax: 10,
  bottleneck: true,
  condition: { positions: 1, width: 2 },
};

/** D = x + σ c₀ for one value a sample; its bottleneck is 64 times c₁. Keeps what it was asked. */
function linear(): LoadedDenoiser & { requests: DenoiserRequest[] } {
  const requests: DenoiserRequest[] = [];
  return {
    info,
    requests,
    async evaluate(request) {
      requests.push(request);
      const { x, sigma, condition } = request;
      const at = (n: number) => (typeof sigma === 'number' ? sigma : sigma[n]!);
      return {
        denoised: x.map((value, n) => value + at(n) * condition![2 * n]!),
        bottleneck: Float64Array.from(
          { length: 64 * x.length },
          (_, i) => condition![2 * Math.floor(i / 64) + 1]!,
        ),
        forwards: x.length,
      };
    },
    close: async () => {},
  };
}

describe('classifierFree', () => {
  const unconditional = Float64Array.of(1, -1);
  const request = {
    x: Float64Array.of(10, 20),
    sigma: Float64Array.of(1, 2),
    condition: Float64Array.of(3, 5, 4, 6),
  };

  it('goes from the unconditional to the conditional denoiser, and beyond, in one evaluation', async () => {
    const denoiser = linear();
    const { denoised, bottleneck, forwards } = await classifierFree(denoiser, {
      rate: 7.5,
      unconditional,
    }).evaluate(request);
    // c₀ becomes 1 + 7.5 (c₀ − 1)
    expect([...denoised]).toEqual([10 + 16, 20 + 2 * 23.5]);
    expect(denoiser.requests).toHaveLength(1);
    expect(forwards).toBe(4);
    expect([bottleneck.length, bottleneck[0], bottleneck[64]]).toEqual([128, 5, 6]);
  });

  it('takes one noise level and one condition for all samples', async () => {
    const guided = classifierFree(linear(), { rate: 2, unconditional });
    const { denoised } = await guided.evaluate({ x: request.x, sigma: 3, condition: Float64Array.of(4, 6) });
    expect([...denoised]).toEqual([10 + 3 * 7, 20 + 3 * 7]);
  });

  it('evaluates the condition alone at rate 1', async () => {
    const denoiser = linear();
    const { denoised, forwards } = await classifierFree(denoiser, { rate: 1, unconditional }).evaluate(
      request,
    );
    expect([...denoised]).toEqual([13, 28]);
    expect(forwards).toBe(2);
  });

  it('is the unconditional denoiser at rate 0', async () => {
    const { denoised } = await classifierFree(linear(), { rate: 0, unconditional }).evaluate(request);
    expect([...denoised]).toEqual([11, 22]);
  });

  it('needs a condition and a rate', () => {
    const { condition: _, ...without } = info;
    const plain = { ...linear(), info: without };
    expect(() => classifierFree(plain, { rate: 2, unconditional })).toThrow(
      expect.objectContaining({ code: 'E_ENGINE' }),
    );
    expect(() => classifierFree(linear(), { rate: Number.NaN, unconditional })).toThrow(/NaN/);
    expect(() => classifierFree(linear(), { rate: 2, unconditional: Float64Array.of(1) })).toThrow(
      /1 values/,
    );
  });
});
