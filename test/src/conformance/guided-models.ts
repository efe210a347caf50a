import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import {
  admCheckpoint,
  cmCheckpoint,
  exportDenoiser,
  type GuidedCheckpoint,
  openDenoiser,
  readAdmCheckpoint,
  readCmCheckpoint,
  type Tensors,
  type UnseenOptions,
  withClassifier,
} from '@fewstep/models';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { differences } from './differences.js';
import { DERIVATIVE_BOUND, directionalDerivative } from './directional-derivative.js';
import type { Golden } from './golden.js';
import { type Outcome, outcome } from './topic.js';

interface NetworkConfig {
  readonly image_size: number;
  readonly num_heads?: number;
  readonly num_head_channels?: number;
  readonly num_heads_upsample?: number;
  readonly use_new_attention_order?: boolean;
}

interface Noise {
  readonly max_rel_diff_f32_vs_f64_denoised: readonly number[];
}

export interface GuidedCase {
  readonly name: string;
  readonly family: 'cm' | 'adm';
  readonly checkpoints: readonly { readonly path: string; readonly role?: string }[];
  readonly io: { readonly path: string };
  readonly config: NetworkConfig;
  readonly classifier_config?: NetworkConfig;
  readonly guidance_rates?: readonly number[];
  readonly sigma_min?: number;
  readonly sigma_max?: number;
  readonly precond?: { readonly sigma_min: number; readonly sigma_max: number };
  /** Differences of the official float32 run; under `rateR` where there is guidance. */
  readonly checks: Readonly<Record<string, unknown>> & {
    readonly max_rel_diff_f32_vs_f64_raw: readonly number[];
  };
}

/** Three times what the official float32 run differs from the float64 one, at least 3e-6. */
const boundsOf = (noise: readonly number[]) => noise.map((n) => Math.max(3 * n, 3e-6));
/** The smaller of two bounds, sample by sample. */
const least = (a: readonly number[], b: readonly number[]) => a.map((bound, n) => Math.min(bound, b[n]!));
/** The largest value of each of `count` samples. */
const largest = (values: Float64Array, count: number) =>
  Array.from({ length: count }, (_, n) =>
    values
      .subarray((n * values.length) / count, ((n + 1) * values.length) / count)
      .reduce((most, value) => Math.max(most, Math.abs(value)), 0),
  );
const times = (factor: number, bounds: readonly number[]) => bounds.map((bound) => factor * bound);

/** Consistency Models' and ADM's networks, the latter at every rate of guidance. */
export async function guidedCases(golden: Golden, one: GuidedCase): Promise<Outcome[]> {
  const arrays = await golden.tensors(one.io.path);
  const checkpoint = await read(golden, one);
  const range = one.precond ?? { sigma_min: one.sigma_min!, sigma_max: one.sigma_max! };
  const outcomes = [
    await outcome(`${one.name}/sigma range`, () =>
      differences(
        Float64Array.of(checkpoint.sigmaMin, checkpoint.sigmaMax),
        Float64Array.of(range.sigma_min, range.sigma_max),
        [1e-6, 1e-6],
      ),
    ),
  ];
  for (const rate of one.guidance_rates ?? [undefined])
    outcomes.push(...(await rateCases(one, checkpoint, arrays, rate)));
  return outcomes;
}

async function read(golden: Golden, one: GuidedCase): Promise<GuidedCheckpoint> {
  const path = (role: string | undefined) => {
    const found = one.checkpoints.find((checkpoint) => role === undefined || checkpoint.role === role);
    return join(golden.folder, found!.path);
  };
  if (one.family === 'cm')
    return readCmCheckpoint(path(undefined), {
      ...unseenOf(one.config),
      attention_order: 'qkv-heads-channels',
    });
  const classifier = one.classifier_config;
  return readAdmCheckpoint(
    { diffusion: path('diffusion'), ...(classifier && { classifier: path('classifier') }) },
    {
      diffusion: { ...unseenOf(one.config), ...orderOf(one.config), ...trained },
      ...(classifier && { classifier: { ...headsOf(classifier), ...orderOf(classifier) } }),
    },
  );
}

/** As guided diffusion's defaults have it. */
const trained = { noise_schedule: 'linear', diffusion_steps: 1000, parametrization: 'eps' } as const;

const unseenOf = (config: NetworkConfig): UnseenOptions => ({
  image_size: config.image_size,
  ...headsOf(config),
});

function headsOf({ num_heads, num_head_channels, num_heads_upsample }: NetworkConfig): UnseenOptions {
  return {
    ...(num_heads !== undefined && { num_heads }),
    ...(num_head_channels !== undefined && { num_head_channels }),
    ...(num_heads_upsample !== undefined && { num_heads_upsample }),
  };
}

const orderOf = (config: NetworkConfig): UnseenOptions => ({
  attention_order: config.use_new_attention_order ? 'qkv-heads-channels' : 'heads-qkv-channels',
});

/** `rate` undefined: a network that has no guidance. */
async function rateCases(
  one: GuidedCase,
  checkpoint: GuidedCheckpoint,
  arrays: Tensors,
  rate: number | undefined,
): Promise<Outcome[]> {
  const values = (name: string) => Float64Array.from(arrays[name]!.data, Number);
  const [x, sigma] = [values('x'), values('sigma')];
  const labels = arrays.class_labels && Array.from(arrays.class_labels.data, Number);
  const suffix = rate === undefined ? '' : `_rate${rate}`;
  const settings = { guidanceRate: rate ?? 0 };
  const noise = (rate === undefined ? one.checks : one.checks[`rate${rate}`]) as Noise;
  const rawBounds = boundsOf(one.checks.max_rel_diff_f32_vs_f64_raw);
  const denoisedBounds = boundsOf(noise.max_rel_diff_f32_vs_f64_denoised);
  // of this, the bottleneck, logits and gradient, a float32 run is not in the index
  const unclampedBounds = times(3, least(rawBounds, denoisedBounds));
  // the clamp may leave a few values with the errors of those that were much larger
  const clampedBounds = () => {
    const [before, after] = [`denoised_unclamped${suffix}`, `denoised${suffix}`].map((name) =>
      largest(values(name), sigma.length),
    ) as [number[], number[]];
    return denoisedBounds.map((bound, n) => Math.max(bound, (unclampedBounds[n]! * before[n]!) / after[n]!));
  };

  const { graph, info } = exportDenoiser(checkpoint, settings);
  const denoiser = await openDenoiser(graph, info);
  // an unguided network may know no classes
  const told = info.labelDim > 0 && labels;
  const { denoised, bottleneck } = await denoiser.evaluate({ x, sigma, ...(told && { labels: told }) });
  await denoiser.close();

  const session = await InferenceSession.create(
    exportDenoiser(checkpoint, { ...settings, parts: true }).graph,
  );
  const run = (image: Float64Array, level: Float64Array) =>
    session.run({
      x: new Tensor('float32', Float32Array.from(image), arrays.x!.shape),
      sigma: new Tensor('float32', Float32Array.from(level), arrays.sigma!.shape),
      ...(told && { class_labels: oneHot(told, info.labelDim) }),
    });
  const parts = await run(x, sigma);
  const part = (name: string) => Float64Array.from(parts[name]!.data as Float32Array);
  const derivative = (output: string) =>
    directionalDerivative(async (image, level) => (await run(image, level))[output]!.data as Float32Array, {
      x,
      sigma,
      vX: values('v_x'),
      vSigma: values('v_sigma'),
    });

  const found: Record<
    string,
    () => Promise<[Float64Array, readonly number[]]> | [Float64Array, readonly number[]]
  > = {
    [`denoised${suffix}`]: () => [
      denoised,
      arrays[`denoised_unclamped${suffix}`] ? clampedBounds() : denoisedBounds,
    ],
    raw: () => [part('raw'), rawBounds],
    bottleneck: () => [bottleneck, times(3, rawBounds)],
    logits: () => [part('logits'), times(10, rawBounds)],
    classifier_grad: () => [part('classifier_grad'), times(10, rawBounds)],
    [`denoised_unclamped${suffix}`]: () => [part('unclamped'), unclampedBounds],
    [`jvp_unclamped${suffix}`]: async () => [await derivative('unclamped'), derivativeBounds],
    [`jvp${suffix}`]: async () =>
      parts.unclamped
        ? [withinClamp(await derivative('unclamped'), part('unclamped')), derivativeBounds]
        : [await derivative('denoised'), derivativeBounds],
  };
  const derivativeBounds = Array.from(sigma, () => DERIVATIVE_BOUND);
  const guided = new Set(['logits', 'classifier_grad']);
  const outcomes: Outcome[] = [];
  for (const [name, compute] of Object.entries(found)) {
    if (!arrays[name] || (guided.has(name) && !rate)) continue;
    const id = `${one.name}/${rate === undefined ? '' : `rate ${rate}/`}${name}`;
    outcomes.push(
      await outcome(id, async () => {
        const [values_, bounds] = await compute();
        return differences(values_, values(name), bounds);
      }),
    );
  }
  await session.release();
  return outcomes;
}

/** The derivative of the clamped D: that of D inside and on the bounds, 0 outside. */
const withinClamp = (derivative: Float64Array, unclamped: Float64Array) =>
  derivative.map((value, i) => (Math.abs(unclamped[i]!) <= 1 ? value : 0));

function oneHot(labels: readonly number[], classes: number): Tensor {
  const rows = new Float32Array(labels.length * classes);
  for (const [n, label] of labels.entries()) rows[n * classes + label] = 1;
  return new Tensor('float32', rows, [labels.length, classes]);
}

interface KeyList {
  readonly checkpoint: string;
  readonly state_dict: Readonly<Record<string, readonly number[]>>;
}

/** Lists of the published networks' weights: each has its place and shape, and none is left on either side. */
export async function guidedKeyLists(golden: Golden, lists: readonly string[]): Promise<Outcome[]> {
  const heads = { num_head_channels: 64, attention_order: 'heads-qkv-channels' } as const;
  const adm = { image_size: 256, ...heads, ...trained };
  const read: Readonly<Record<string, (weights: Tensors, others: Lists) => unknown>> = {
    'edm_bedroom256_ema.pt': (weights) =>
      cmCheckpoint(weights, { image_size: 256, ...heads, attention_order: 'qkv-heads-channels' }),
    '256x256_diffusion.pt': (weights) => admCheckpoint(weights, adm),
    '256x256_classifier.pt': (weights, others) => {
      const diffusion = others.get('256x256_diffusion.pt');
      if (!diffusion) throw new Error('the list of 256x256_diffusion.pt is not there');
      return withClassifier(admCheckpoint(diffusion, adm), weights, heads);
    },
  };
  const weights: Lists = new Map();
  for (const path of lists) {
    const { checkpoint, state_dict: shapes } = JSON.parse(
      gunzipSync(await readFile(join(golden.folder, path))).toString(),
    ) as KeyList;
    if (Object.hasOwn(read, checkpoint)) weights.set(checkpoint, hollow(shapes));
  }
  const outcomes: Outcome[] = [];
  for (const [checkpoint, own] of weights)
    outcomes.push(await outcome(`state-dicts/${checkpoint}`, () => void read[checkpoint]!(own, weights)));
  return outcomes;
}

type Lists = Map<string, Tensors>;

/** Weights of which only names and shapes matter. */
const hollow = (shapes: KeyList['state_dict']): Tensors =>
  Object.fromEntries(
    Object.entries(shapes).map(([name, shape]) => [name, { dtype: 'F32', shape, data: new Float32Array() }]),
  );
