import { InferenceSession, Tensor } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { encodeOnnx } from '../onnx/onnx-model.js';
import { type GraphValue, OnnxOps } from '../onnx/onnx-ops.js';
import type { Network } from './network.js';
import { alphasCumprod } from './noise-levels.js';
import { denoise, type Guide, type Preconditioning } from './preconditioning.js';

const SIGMAS = [0.002, 0.1, 1.5, 10, 80];
const X = 3;

/** iDDPM's noise levels u_0 … u_M = 0 (Karras et al. 2022, table 1): C1 = 0.001, C2 = 0.008. */
function improvedLevels(steps: number): number[] {
  const alphaBar = (j: number) => Math.sin((Math.PI / 2) * (j / (steps * (0.008 + 1)))) ** 2;
  const levels = [0];
  for (let j = steps; j > 0; j--) {
    const ratio = Math.max(alphaBar(j - 1) / alphaBar(j), 0.001);
    levels.unshift(Math.sqrt((levels[0]! ** 2 + 1) / ratio - 1));
  }
  return levels;
}

/** D and F of one pixel of value X at every σ, where F(z; c) is z times `factor`. */
async function evaluate(
  preconditioning: Preconditioning,
  factor: 'one' | 'noise',
  sigmas = SIGMAS,
  guideOver?: (ops: OnnxOps) => Guide<GraphValue>,
) {
  const network: Network = (ops, { x, noise }) => ({
    output: factor === 'one' ? x : ops.multiply(x, noise),
    bottleneck: undefined,
  });
  const ops = new OnnxOps({});
  const inputs = { x: ops.input('x', [1, 1, 1]), sigma: ops.input('sigma', []), labels: undefined };
  const { denoised, raw } = denoise(ops, network, { preconditioning, channels: 1 }, inputs, guideOver?.(ops));
  const session = await InferenceSession.create(encodeOnnx(ops.model({ denoised, raw })).graph);
  const results = await session.run({
    x: new Tensor('float32', new Float32Array(sigmas.length).fill(X), [sigmas.length, 1, 1, 1]),
    sigma: new Tensor('float32', Float32Array.from(sigmas), [sigmas.length]),
  });
  await session.release();
  const values = (name: string) => Array.from(results[name]!.data as Float32Array);
  return { denoised: values('denoised'), raw: values('raw') };
}

const levels = improvedLevels(1000);
type Coefficients = { skip: number; out: number; in: number; noise: number };

const formulas: [Preconditioning, (sigma: number) => Coefficients][] = [
  [
    { type: 'edm', sigmaData: 0.5 },
    (s) => ({
      skip: 0.25 / (s * s + 0.25),
      out: (s * 0.5) / Math.sqrt(s * s + 0.25),
      in: 1 / Math.sqrt(s * s + 0.25),
      noise: Math.log(s) / 4,
    }),
  ],
  [
    { type: 'cm', sigmaData: 0.5 },
    (s) => ({
      skip: 0.25 / (s * s + 0.25),
      out: (s * 0.5) / Math.sqrt(s * s + 0.25),
      in: 1 / Math.sqrt(s * s + 0.25),
      noise: 250 * Math.log(s),
    }),
  ],
  [
    { type: 'vp', betaD: 19.9, betaMin: 0.1, steps: 1000 },
    (s) => {
      const t = (Math.sqrt(0.01 + 2 * 19.9 * Math.log1p(s * s)) - 0.1) / 19.9;
      return { skip: 1, out: -s, in: 1 / Math.sqrt(s * s + 1), noise: 999 * t };
    },
  ],
  [{ type: 've' }, (s) => ({ skip: 1, out: s, in: 1, noise: Math.log(s / 2) })],
  [
    { type: 'iddpm', levels },
    (s) => {
      const distances = levels.map((u) => Math.abs(u - s));
      const nearest = distances.indexOf(Math.min(...distances));
      return { skip: 1, out: -s, in: 1 / Math.sqrt(s * s + 1), noise: 999 - nearest };
    },
  ],
];

describe.each(formulas)('table 1 of EDM, $type', (preconditioning, formula) => {
  // a small time step is the difference of two numbers that are larger
  const tolerance = (sigma: number) => (preconditioning.type === 'vp' && sigma < 0.01 ? 2e-5 : 2e-6);

  it.each(['one', 'noise'] as const)('for F = z · %s', async (factor) => {
    const { denoised, raw } = await evaluate(preconditioning, factor);
    for (const [i, sigma] of SIGMAS.entries()) {
      const { skip, out, in: cIn, noise } = formula(sigma);
      const f = cIn * X * (factor === 'one' ? 1 : noise);
      expect(Math.abs(raw[i]! / f - 1)).toBeLessThan(tolerance(sigma));
      const d = skip * X + out * f;
      expect(Math.abs(denoised[i]! - d)).toBeLessThan(1e-5 * (Math.abs(skip * X) + Math.abs(out * f)));
    }
  });
});

it('VP’s time step is 0 at levels whose square is lost beside 1', async () => {
  const vp = { type: 'vp', betaD: 19.9, betaMin: 0.1, steps: 1000 } as const;
  expect((await evaluate(vp, 'noise', [1e-4, 0])).raw).toEqual([0, 0]);
});

it('iDDPM’s levels go from 0 to about 20000, as in the paper', () => {
  expect(levels).toHaveLength(1001);
  expect(levels[0]).toBeGreaterThan(1.9e4);
  expect(levels[0]).toBeLessThan(2.1e4);
  expect(levels[999]).toBeCloseTo(0.0064, 3);
});

describe('the times of a table', () => {
  const STEPS = 4000;
  const table = alphasCumprod({ type: 'cosine', steps: STEPS });
  const at = (k: number) => Math.sqrt((1 - table[k]!) / table[k]!);
  const times = [0, 1, 1000, 2718, 3998, 3999];
  const sigmas = times.map(at);
  // F is z times what the network is told, z = X / √(1 + σ²)
  const told = (raw: readonly number[]) => raw.map((f, i) => (f * Math.sqrt(1 + sigmas[i]! ** 2)) / X);

  it.each([undefined, 1000 / STEPS])(
    'are told as they are at its levels, scaled by %s',
    async (timeScale) => {
      const preconditioning = {
        type: 'ldm',
        alphasCumprod: table,
        ...(timeScale !== undefined && { timeScale }),
      } as const;
      const { raw } = await evaluate(preconditioning, 'noise', sigmas);
      for (const [i, time] of told(raw).entries())
        expect(time, `time ${times[i]}`).toBeCloseTo(times[i]! * (timeScale ?? 1), 1);
    },
  );

  it.each(['eps', 'v', 'x0'] as const)(
    'let a gradient move D by σ² c_in of it where %s is given',
    async (predicts) => {
      const preconditioning = { type: 'ldm', alphasCumprod: table, predicts } as const;
      const few = [0.5, 2];
      const plain = await evaluate(preconditioning, 'one', few);
      // as exportDenoiser guides, by a gradient of 1
      const guided = await evaluate(
        preconditioning,
        'one',
        few,
        (ops) =>
          (output, { scale }) =>
            ops.add(output, ops.affine(scale, -1, 0)),
      );
      for (const [i, sigma] of few.entries())
        expect(guided.denoised[i]! - plain.denoised[i]!).toBeCloseTo(
          sigma ** 2 / Math.sqrt(1 + sigma ** 2),
          5,
        );
    },
  );
});
