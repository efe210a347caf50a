import { type NoiseTable, noiseTable, noiseTables } from '@fewstep/schedules';
import type { Evaluation, Request, Vector } from '@fewstep/solvers';
import type { Golden } from './golden.js';

type AnalyticDenoiser = (request: Request) => Evaluation;

/** A case's denoiser: its `latent_model` if it names one, else the index's Gaussian mixture. */
export function denoiserOf(golden: Golden, latentModel?: Guidance): AnalyticDenoiser {
  return latentModel ? latentDenoiser(golden, latentModel) : mixtureDenoiser(golden);
}

/** The case's starting noise, the number of samples in it, and the size of one. */
export function latentsOf(golden: Golden, latentModel?: Guidance): { latents: Vector; n: number } {
  const name = latentModel ? golden.index.latent_model.latents : golden.index.latents;
  return { latents: golden.array(name), n: golden.shape(name)[0]! };
}

export function noiseTableNamed(name: string): NoiseTable {
  const options = (noiseTables as Record<string, Parameters<typeof noiseTable>[0]>)[name];
  if (!options) throw new Error(`no noise table is named "${name}"`);
  return noiseTable(options);
}

/**
 * D of a mixture of K Gaussians of deviation s, with v = s² + σ²:
 * D = (s²x + σ²·Σ w_k μ_k)/v, w = softmax(log π − |x − μ|²/2v).
 * Its bottleneck, where the index has one, is tanh(W x/√(1+σ²)) averaged over channels.
 */
function mixtureDenoiser(golden: Golden): AnalyticDenoiser {
  const { mu, log_pi, s, K, bottleneck_W, bottleneck_channels } = golden.index.mixture;
  const means = golden.array(mu);
  const logPi = golden.array(log_pi);
  const size = means.length / K;
  const W = bottleneck_W ? golden.array(bottleneck_W) : undefined;

  return ({ x, sigma }) => {
    const denoised = new Float64Array(x.length);
    const rows = samples(x, size);
    const maps: Vector[] = [];
    rows.forEach((row, sample) => {
      const level = typeof sigma === 'number' ? sigma : sigma[sample]!;
      const v = s * s + level * level;
      const logits = logPi.map((log, k) => {
        let distance = 0;
        for (let i = 0; i < size; i++) distance += (row[i]! - means[k * size + i]!) ** 2;
        return log - distance / (2 * v);
      });
      const highest = Math.max(...logits);
      const weights = logits.map((logit) => Math.exp(logit - highest));
      const total = weights.reduce((sum, w) => sum + w, 0);
      for (let i = 0; i < size; i++) {
        const mean = weights.reduce((sum, w, k) => sum + (w / total) * means[k * size + i]!, 0);
        denoised[sample * size + i] = (s * s * row[i]! + level * level * mean) / v;
      }
      const scaled = row.map((value) => value / Math.sqrt(1 + level * level));
      if (W) maps.push(channelMean(matvec(W, scaled).map(Math.tanh), bottleneck_channels));
    });
    return { denoised, ...(W && { bottleneck: concatenate(maps) }) };
  };
}

export interface Guidance {
  readonly noise_table: string;
  readonly guidance_type: 'uncond' | 'classifier-free';
  readonly guidance_rate: number;
}

/**
 * D = x − σ·e of a noise-predicting latent model under guidance, with f = x/√(1+σ²), τ = 1000·t(σ) − 1:
 * ε(c) = 0.8f + 0.3·tanh(Pf + Qc + τ/1000·v), bottleneck tanh(W_b f + V_b c) averaged over channels.
 */
function latentDenoiser(
  golden: Golden,
  { noise_table, guidance_type, guidance_rate }: Guidance,
): AnalyticDenoiser {
  const model = golden.index.latent_model;
  const [P, Q, v, Wb, Vb] = [model.P, model.Q, model.v, model.Wb, model.Vb].map((name) => golden.array(name));
  const table = noiseTableNamed(noise_table);
  const size = v!.length;
  const channels = model.bottleneck_channels;
  const width = Q!.length / size;
  const conditions = samples(golden.array(model.c), width);
  const unconditions = samples(golden.array(model.uc), width);
  const none = new Float64Array(width);

  const network = (f: Vector, tau: number, c: Vector) => {
    const [fromF, fromC] = [matvec(P!, f), matvec(Q!, c)];
    const [mapF, mapC] = [matvec(Wb!, f), matvec(Vb!, c)];
    return {
      epsilon: f.map(
        (value, i) => 0.8 * value + 0.3 * Math.tanh(fromF[i]! + fromC[i]! + (tau / 1000) * v![i]!),
      ),
      map: channelMean(
        mapF.map((value, i) => Math.tanh(value + mapC[i]!)),
        channels,
      ),
    };
  };

  return ({ x, sigma }) => {
    const denoised = new Float64Array(x.length);
    const maps: Vector[] = [];
    samples(x, size).forEach((row, sample) => {
      const level = typeof sigma === 'number' ? sigma : sigma[sample]!;
      const f = row.map((value) => value / Math.sqrt(1 + level * level));
      const tau = 1000 * table.tOfSigma(level) - 1;
      const guided = guidance_type === 'classifier-free';
      const { epsilon, map } = network(f, tau, guided ? conditions[sample]! : none);
      const without = guided ? network(f, tau, unconditions[sample]!).epsilon : epsilon;
      maps.push(map);
      row.forEach((value, i) => {
        const e = without[i]! + guidance_rate * (epsilon[i]! - without[i]!);
        denoised[sample * size + i] = value - level * e;
      });
    });
    return { denoised, bottleneck: concatenate(maps) };
  };
}

function samples(batch: Vector, size: number): Vector[] {
  return Array.from({ length: batch.length / size }, (_, n) => batch.subarray(n * size, (n + 1) * size));
}

/** M·x, M [rows × x.length] row-major. */
function matvec(M: Vector, x: Vector): Vector {
  return Float64Array.from({ length: M.length / x.length }, (_, row) => {
    let sum = 0;
    for (let i = 0; i < x.length; i++) sum += M[row * x.length + i]! * x[i]!;
    return sum;
  });
}

function channelMean(map: Vector, channels: number): Vector {
  const size = map.length / channels;
  return Float64Array.from({ length: size }, (_, i) => {
    let sum = 0;
    for (let channel = 0; channel < channels; channel++) sum += map[channel * size + i]!;
    return sum / channels;
  });
}

function concatenate(vectors: readonly Vector[]): Vector {
  return Float64Array.from(vectors.flatMap((vector) => [...vector]));
}
