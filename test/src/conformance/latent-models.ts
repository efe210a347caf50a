import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import {
  classifierFree,
  exportDecoder,
  exportDenoiser,
  exportTextEncoder,
  type LatentCheckpoint,
  type LatentOptions,
  type LoadedDenoiser,
  openDecoder,
  openDenoiser,
  openTextEncoder,
  parseDiffusersCheckpoint,
  parseLatentCheckpoint,
  readLatentCheckpoint,
  type Tensors,
} from '@fewstep/models';
import { differences } from './differences.js';
import { DERIVATIVE_BOUND, directionalDerivative } from './directional-derivative.js';
import type { Golden } from './golden.js';
import { type Outcome, outcome } from './topic.js';

interface UNetConfig {
  readonly num_heads?: number;
  readonly num_head_channels?: number;
  readonly num_heads_upsample?: number;
  readonly use_new_attention_order?: boolean;
  readonly use_spatial_transformer?: boolean;
  /** False: the decoder has as many heads as the encoder. */
  readonly legacy?: boolean;
}

interface ModelConfig {
  readonly image_size: number;
  readonly scale_factor?: number;
  /** The factor is then a buffer of the checkpoint. */
  readonly scale_by_std?: boolean;
  readonly use_ema?: boolean;
  readonly linear_start: number;
  readonly linear_end: number;
}

interface TextConfig {
  readonly heads: number;
  readonly act?: 'quick_gelu' | 'gelu';
}

export interface LatentCase {
  readonly name: string;
  readonly family: string;
  readonly checkpoints: readonly { readonly path: string }[];
  readonly diffusers_layout?: readonly { readonly path: string }[];
  readonly io: { readonly path: string };
  readonly guidance_rate?: number;
  readonly config: ModelConfig;
  readonly unet_config: UNetConfig;
  readonly text_config?: TextConfig;
  readonly precond: { readonly sigma_min: number; readonly sigma_max: number };
  readonly checks: {
    readonly max_rel_diff_f32_vs_f64_denoised: readonly number[];
    readonly decoded_f32_vs_f64: number;
    readonly text_f32_vs_f64?: number;
  };
}

type Arrays = Readonly<Record<string, { readonly shape: readonly number[]; readonly values: Float64Array }>>;

/** Three times what the official float32 run differs from the float64 one, at least 3e-6. */
const boundOf = (noise: number) => Math.max(3 * noise, 3e-6);

/** A latent diffusion model by what its denoiser, its decoder and its text encoder compute, in each of its layouts. */
export async function latentCases(golden: Golden, one: LatentCase): Promise<Outcome[]> {
  const tensors = await golden.tensors(one.io.path);
  const arrays: Arrays = Object.fromEntries(
    Object.entries(tensors).map(([name, { shape, data }]) => [
      name,
      { shape, values: Float64Array.from(data as ArrayLike<number | bigint>, Number) },
    ]),
  );
  const options = optionsOf(one.unet_config, one.config, one.text_config);
  const outcomes: Outcome[] = [];
  for (const { path } of one.checkpoints) {
    const read = (extra: LatentOptions = {}) =>
      readLatentCheckpoint(join(golden.folder, path), { ...options, ...extra });
    outcomes.push(...(await attempt(path, async () => modelCases(path, await read(), one, arrays))));
    if (arrays.denoised_raw_weights)
      outcomes.push(
        await outcome(`${path}/denoised_raw_weights`, async () => {
          const { graph, info } = exportDenoiser(await read({ use_ema: false }));
          const denoiser = await openDenoiser(graph, info);
          const { denoised } = await denoiser.evaluate(inputsOf(arrays));
          await denoiser.close();
          return compareDenoised(denoised, arrays.denoised_raw_weights!.values, one);
        }),
      );
  }
  const root = one.diffusers_layout?.find(({ path }) => path.endsWith('/model_index.json'));
  if (root) {
    const folder = dirname(root.path);
    const read = () => readLatentCheckpoint(join(golden.folder, folder));
    outcomes.push(...(await attempt(folder, async () => modelCases(folder, await read(), one, arrays))));
  }
  return outcomes;
}

/** Its outcomes, or a failure under its name where it comes to none. */
async function attempt(id: string, run: () => Promise<Outcome[]>): Promise<Outcome[]> {
  let outcomes: Outcome[] = [];
  const whole = await outcome(id, async () => {
    outcomes = await run();
    return undefined;
  });
  return whole.status === 'failed' ? [whole] : outcomes;
}

const optionsOf = (unet: UNetConfig, model: ModelConfig, text: TextConfig | undefined): LatentOptions => ({
  ...(unet.num_heads !== undefined && { num_heads: unet.num_heads }),
  ...(unet.num_head_channels !== undefined && { num_head_channels: unet.num_head_channels }),
  ...(unet.num_heads_upsample !== undefined &&
    unet.legacy !== false && { num_heads_upsample: unet.num_heads_upsample }),
  ...(unet.use_spatial_transformer
    ? {}
    : { attention_order: unet.use_new_attention_order ? 'qkv-heads-channels' : 'heads-qkv-channels' }),
  parametrization: 'eps',
  image_size: model.image_size,
  // its constructor's own, where the configuration leaves it out
  ...(!model.scale_by_std && { scale_factor: model.scale_factor ?? 1 }),
  ...(model.use_ema !== undefined && { use_ema: model.use_ema }),
  linear_start: model.linear_start,
  linear_end: model.linear_end,
  ...(text && { num_attention_heads: text.heads, hidden_act: text.act ?? 'quick_gelu' }),
});

const inputsOf = ({ x, sigma }: Arrays) => ({ x: x!.values, sigma: sigma!.values });

const compareDenoised = (found: Float64Array, expected: Float64Array, { checks }: LatentCase) =>
  differences(found, expected, checks.max_rel_diff_f32_vs_f64_denoised.map(boundOf));

async function modelCases(
  path: string,
  checkpoint: LatentCheckpoint,
  one: LatentCase,
  arrays: Arrays,
): Promise<Outcome[]> {
  const { graph, info } = exportDenoiser(checkpoint);
  const denoiser = await openDenoiser(graph, info);
  const hidden = checkpoint.textEncoder && (await encode(checkpoint, arrays));
  const outcomes = [
    await outcome(`${path}/sigma range`, async () => {
      const { sigma_min: min, sigma_max: max } = one.precond;
      const found = [info.sigmaMin, info.sigmaMax];
      return differences(Float64Array.from(found), Float64Array.of(min, max), [1e-6, 1e-6]);
    }),
    await outcome(`${path}/alphas_cumprod`, async () => {
      const { preconditioning } = checkpoint;
      if (preconditioning.type !== 'ldm') return `the preconditioning is ${preconditioning.type}`;
      const found = Float64Array.from(preconditioning.alphasCumprod);
      return differences(found, arrays.alphas_cumprod!.values, new Array(found.length).fill(1e-6));
    }),
    ...(hidden
      ? await conditionalCases(path, denoiser, hidden, one, arrays)
      : await denoiserCases(path, denoiser, one, arrays)),
    ...(await decoderCases(path, checkpoint, one, arrays)),
  ];
  await denoiser.close();
  return outcomes;
}

async function encode(checkpoint: LatentCheckpoint, arrays: Arrays): Promise<Float64Array> {
  const { graph, info } = exportTextEncoder(checkpoint);
  const encoder = await openTextEncoder(graph, info);
  const { shape, values } = arrays.token_ids!;
  const [n, positions] = shape as [number, number];
  const prompts = Array.from({ length: n }, (_, i) => [
    ...values.subarray(i * positions, (i + 1) * positions),
  ]);
  const hidden = await encoder.encode(prompts);
  await encoder.close();
  return hidden;
}

async function denoiserCases(
  path: string,
  denoiser: LoadedDenoiser,
  one: LatentCase,
  arrays: Arrays,
): Promise<Outcome[]> {
  const { denoised, bottleneck } = await denoiser.evaluate(inputsOf(arrays));
  return [
    await outcome(`${path}/denoised`, async () => compareDenoised(denoised, arrays.denoised!.values, one)),
    await outcome(`${path}/f32_denoised`, async () => compareWithFloat32(denoised, one, arrays)),
    await outcome(`${path}/bottleneck`, async () =>
      compareBottleneck(bottleneck, arrays.bottleneck!.values, one),
    ),
    await outcome(`${path}/raw`, async () => compareRaw(denoised, arrays.raw!.values, one, arrays)),
    ...(await derivativeCases(path, denoiser, {}, arrays)),
  ];
}

/** Row 0 of the prompts is the empty one, row i + 1 that of sample i. */
async function conditionalCases(
  path: string,
  denoiser: LoadedDenoiser,
  hidden: Float64Array,
  one: LatentCase,
  arrays: Arrays,
): Promise<Outcome[]> {
  const rows = arrays.token_ids!.shape[0]!;
  const width = hidden.length / rows;
  const [unconditional, condition] = [hidden.slice(0, width), hidden.slice(width)];
  const inputs = inputsOf(arrays);
  const n = inputs.sigma.length;
  const guided = (rate: number) => classifierFree(denoiser, { rate, unconditional });
  const full = guided(one.guidance_rate!);
  const [atRate, atOne, without] = [
    await full.evaluate({ ...inputs, condition }),
    await guided(1).evaluate({ ...inputs, condition }),
    await denoiser.evaluate({ ...inputs, condition: unconditional }),
  ];
  const bound = boundOf(one.checks.text_f32_vs_f64 ?? 0);
  return [
    await outcome(`${path}/text_hidden`, async () =>
      differences(hidden, arrays.text_hidden!.values, new Array(rows).fill(bound)),
    ),
    await outcome(`${path}/denoised`, async () =>
      compareDenoised(atRate.denoised, arrays.denoised!.values, one),
    ),
    await outcome(`${path}/f32_denoised`, async () => compareWithFloat32(atRate.denoised, one, arrays)),
    await outcome(`${path}/denoised_rate1`, async () =>
      compareDenoised(atOne.denoised, arrays.denoised_rate1!.values, one),
    ),
    await outcome(`${path}/bottleneck_cond`, async () =>
      compareBottleneck(atRate.bottleneck, arrays.bottleneck_cond!.values, one),
    ),
    await outcome(`${path}/bottleneck_uncond`, async () =>
      compareBottleneck(without.bottleneck, arrays.bottleneck_uncond!.values, one),
    ),
    await outcome(`${path}/raw_cond`, async () =>
      compareRaw(atOne.denoised, arrays.raw_cond!.values, one, arrays),
    ),
    await outcome(`${path}/raw_uncond`, async () =>
      compareRaw(without.denoised, arrays.raw_uncond!.values, one, arrays),
    ),
    await outcome(`${path}/forwards`, async () =>
      atRate.forwards === (one.guidance_rate === 1 ? n : 2 * n) && atOne.forwards === n
        ? undefined
        : `${atRate.forwards} and, at rate 1, ${atOne.forwards} for ${n} samples`,
    ),
    ...(await derivativeCases(path, full, { condition }, arrays)),
  ];
}

/** The official float32 run has noise of its own. */
const compareWithFloat32 = (found: Float64Array, { checks }: LatentCase, arrays: Arrays) =>
  differences(
    found,
    arrays.f32_denoised!.values,
    checks.max_rel_diff_f32_vs_f64_denoised.map((noise) => noise + boundOf(noise)),
  );

const compareBottleneck = (found: Float64Array, expected: Float64Array, { checks }: LatentCase) =>
  differences(
    found,
    expected,
    checks.max_rel_diff_f32_vs_f64_denoised.map((noise) => 3 * boundOf(noise)),
  );

/**
 * The network's own output, (x − D)/σ: what rounding D to float32 does to it is allowed besides. As of the bottleneck,
 * the index has no noise of it.
 */
function compareRaw(denoised: Float64Array, raw: Float64Array, one: LatentCase, arrays: Arrays) {
  const { x, sigma } = inputsOf(arrays);
  const size = x.length / sigma.length;
  const largest = (values: Float64Array, n: number) =>
    values.subarray(n * size, (n + 1) * size).reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  return differences(
    denoised.map((value, i) => (x[i]! - value) / sigma[Math.floor(i / size)]!),
    raw,
    one.checks.max_rel_diff_f32_vs_f64_denoised.map(
      (noise, n) => 3 * boundOf(noise) + (2 ** -23 * largest(x, n)) / (sigma[n]! * largest(raw, n)),
    ),
  );
}

/** The directional derivative; and its product with u, which the derivatives the other way must give as well. */
async function derivativeCases(
  path: string,
  denoiser: LoadedDenoiser,
  rest: { readonly condition?: Float64Array },
  arrays: Arrays,
): Promise<Outcome[]> {
  const { x, sigma } = inputsOf(arrays);
  const values = (name: string) => arrays[name]!.values;
  const found = await directionalDerivative(
    async (image, level) => (await denoiser.evaluate({ x: image, sigma: level, ...rest })).denoised,
    { x, sigma, vX: values('v_x'), vSigma: values('v_sigma') },
  );
  const size = x.length / sigma.length;
  const part = (all: Float64Array, n: number) => all.subarray(n * size, (n + 1) * size);
  const product = (a: Float64Array, b: Float64Array, n: number) =>
    part(a, n).reduce((sum, value, i) => sum + value * part(b, n)[i]!, 0);
  return [
    await outcome(`${path}/jvp`, () =>
      differences(found, values('jvp'), new Array(sigma.length).fill(DERIVATIVE_BOUND)),
    ),
    await outcome(`${path}/vjp`, () => {
      for (const n of sigma.keys()) {
        const forward = product(values('u'), found, n);
        const backward =
          product(values('vjp_x'), values('v_x'), n) + values('vjp_sigma')[n]! * values('v_sigma')[n]!;
        const largest = part(found, n).reduce((most, value) => Math.max(most, Math.abs(value)), 0);
        const scale = largest * Math.sqrt(product(values('u'), values('u'), n));
        if (!(Math.abs(forward - backward) <= DERIVATIVE_BOUND * scale))
          return `sample ${n}: u · jvp is ${forward}, expected ${backward}`;
      }
      return undefined;
    }),
  ];
}

async function decoderCases(
  path: string,
  checkpoint: LatentCheckpoint,
  one: LatentCase,
  arrays: Arrays,
): Promise<Outcome[]> {
  const { graph, info } = exportDecoder(checkpoint);
  const decoder = await openDecoder(graph, info);
  const { images, codes } = await decoder.decode(arrays.z!.values);
  await decoder.close();
  const limits = new Array<number>(arrays.z!.shape[0]!).fill(boundOf(one.checks.decoded_f32_vs_f64));
  const outcomes = [
    await outcome(`${path}/decoded`, async () => differences(images, arrays.decoded!.values, limits)),
  ];
  const { vq_indices: expected } = arrays;
  if (expected)
    outcomes.push(
      await outcome(`${path}/vq_indices`, async () => {
        const wrong = expected.values.findIndex((code, i) => code !== codes?.[i]);
        return wrong < 0 && codes?.length === expected.values.length
          ? undefined
          : `number ${wrong} is ${codes?.[wrong]}, expected ${expected.values[wrong]}`;
      }),
    );
  return outcomes;
}

interface KeyList {
  readonly class: string;
  readonly options: Partial<ModelConfig> & {
    readonly unet_config?: { readonly params: UNetConfig };
    readonly attention_head_dim?: number;
  };
  readonly state_dict: Readonly<Record<string, readonly number[]>>;
}

/** Every key of the published full-size models has its place with its shape, and none is left on either side. */
export async function latentKeyLists(golden: Golden, paths: readonly string[]): Promise<Outcome[]> {
  const lists = new Map<string, KeyList>();
  for (const path of paths)
    lists.set(path, JSON.parse(gunzipSync(await readFile(join(golden.folder, path))).toString()));
  const outcomes: Outcome[] = [];
  for (const [path, { class: kind, options, state_dict: shapes }] of lists) {
    if (kind === 'LatentDiffusion')
      outcomes.push(
        await outcome(path, async () => {
          // the placeholders' noise table is of no training
          const {
            linear_start: _,
            linear_end: __,
            ...told
          } = optionsOf(options.unet_config!.params, options as ModelConfig, undefined);
          parseLatentCheckpoint(placeholders(shapes), told);
          return undefined;
        }),
      );
    if (kind !== 'UNet2DConditionModel') continue;
    const part = (name: string) => {
      const list = lists.get(path.replace('.unet.json', `.${name}.json`));
      if (!list) throw new Error(`there is no list of ${name} beside ${path}`);
      return placeholders(list.state_dict);
    };
    outcomes.push(
      await outcome(path.replace('.unet.json.gz', '.*'), async () => {
        parseDiffusersCheckpoint(
          { unet: part('unet'), vae: part('vae'), text_encoder: part('text_encoder') },
          { linear_start: 0.00085, linear_end: 0.012, num_heads: options.attention_head_dim! },
        );
        return undefined;
      }),
    );
  }
  return outcomes;
}

/** Tensors of these shapes without elements; the noise table alone is looked into. */
const placeholders = (shapes: KeyList['state_dict']): Tensors =>
  Object.fromEntries(
    Object.entries(shapes).map(([name, shape]) => [
      name,
      {
        dtype: 'F32',
        shape,
        data:
          name === 'alphas_cumprod'
            ? Float32Array.from({ length: 1000 }, (_, k) => 0.99 ** (k + 1))
            : new Float32Array(0),
      },
    ]),
  );
