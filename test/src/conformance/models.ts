import { join } from 'node:path';
import {
  type Checkpoint,
  exportDenoiser,
  openDenoiser,
  readEdmCheckpoint,
  type Tensors,
  toFloat32,
} from '@fewstep/models';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { differences } from './differences.js';
import { derivativeBound, directionalDerivative } from './directional-derivative.js';
import { edmKeyLists } from './edm-key-lists.js';
import { type LayersCase, layerCases } from './edm-layers.js';
import { formatCases } from './formats.js';
import type { Golden } from './golden.js';
import { type GuidedCase, guidedCases, guidedKeyLists } from './guided-models.js';
import { type InceptionCase, inceptionCases } from './inception.js';
import { type LatentCase, latentCases, latentKeyLists } from './latent-models.js';
import { type Outcome, outcome, type Topic } from './topic.js';

interface Case {
  readonly name: string;
  readonly family: string;
  readonly checkpoints?: readonly { readonly path: string }[];
  readonly io: { readonly path: string };
  readonly sigma_data: number;
  readonly files?: readonly { readonly path: string }[];
  readonly config: { readonly img_resolution: number; readonly label_dim: number };
  readonly checks: {
    readonly max_rel_diff_f32_vs_f64_denoised: readonly number[];
    readonly max_rel_diff_f32_vs_f64_raw: readonly number[];
  };
  readonly units?: unknown;
}

/**
 * Model checkpoints: denoisers by what they compute, container formats by what they hold.
 *
 * The bound on a sample is the largest difference over the largest value: three times what the official float32 run
 * differs from the float64 one, at least 3e-6. Of EDM's networks the sample where it differs most counts for all: in one
 * sample of one run, rounding may happen to cancel.
 */
export const models: Topic = async (golden) => {
  const outcomes: Outcome[] = [];
  for (const one of golden.index.cases as readonly Case[])
    try {
      outcomes.push(...(await caseOf(golden, one)));
    } catch (error) {
      // such as a checkpoint that can't be read: the other cases are run all the same
      outcomes.push({
        id: one.name,
        status: 'failed',
        reason: error instanceof Error ? error.message : String(error),
      });
    }
  const lists: readonly string[] = golden.index.state_dicts ?? [];
  for (const check of [edmKeyLists, guidedKeyLists, latentKeyLists])
    outcomes.push(...(await check(golden, lists)));
  return outcomes;
};

async function caseOf(golden: Golden, one: Case): Promise<Outcome[]> {
  if (one.family === 'edm' && one.checkpoints) return denoiserCases(golden, one);
  if (one.family === 'cm' || one.family === 'adm') return guidedCases(golden, one as unknown as GuidedCase);
  if (one.family === 'ldm' || one.family === 'sd') return latentCases(golden, one as unknown as LatentCase);
  if (one.units) return layerCases(golden, one as unknown as LayersCase);
  if (one.family === 'inception') return inceptionCases(golden, one as unknown as InceptionCase);
  if (one.files) return formatCases(golden, one.files);
  return [skipped(one.name, 'family not read yet')];
}

const skipped = (id: string, reason: string): Outcome => ({ id, status: 'skipped', reason });

async function denoiserCases(golden: Golden, one: Case): Promise<Outcome[]> {
  const arrays = await golden.tensors(one.io.path);
  const values = (name: string) => Float64Array.from(arrays[name]!.data, Number);
  const x = values('x');
  const sigma = values('sigma');
  const labels = arrays.class_labels && classes(arrays.class_labels);
  const { max_rel_diff_f32_vs_f64_denoised: noise, max_rel_diff_f32_vs_f64_raw: rawNoise } = one.checks;
  const boundsOf = (parts: readonly number[]) => parts.map(() => Math.max(3 * Math.max(...parts), 3e-6));
  const bounds = boundsOf(noise);
  const rawBounds = boundsOf(rawNoise);
  const outcomes: Outcome[] = [];
  for (const { path } of one.checkpoints!) {
    const checkpoint = await readEdmCheckpoint(join(golden.folder, path));
    const { graph, info } = exportDenoiser(checkpoint);
    const denoiser = await openDenoiser(graph, info);
    const evaluate = (withLabels: boolean) =>
      denoiser.evaluate({ x, sigma, ...(withLabels && labels && { labels }) });
    const compare = (array: string, found: Float64Array, limits: readonly number[]) =>
      differences(found, values(array), limits);
    outcomes.push(
      await outcome(`${path}/denoised`, async () =>
        compare('denoised', (await evaluate(true)).denoised, bounds),
      ),
      await outcome(`${path}/raw`, async () =>
        compare('raw', await rawOutput(checkpoint, arrays), rawBounds),
      ),
      await outcome(`${path}/jvp`, async () =>
        compare(
          'jvp',
          await directionalDerivative(
            async (image, level) =>
              (await denoiser.evaluate({ x: image, sigma: level, ...(labels && { labels }) })).denoised,
            { x, sigma, vX: values('v_x'), vSigma: values('v_sigma') },
          ),
          noise.map(() => derivativeBound(Math.max(...noise))),
        ),
      ),
    );
    // a network has one where it has a level of 8×8
    if (arrays.bottleneck)
      outcomes.push(
        await outcome(`${path}/bottleneck`, async () =>
          compare(
            'bottleneck',
            (await evaluate(true)).bottleneck,
            // a float32 run of it is not in the index
            rawBounds.map((bound) => 3 * bound),
          ),
        ),
      );
    if (arrays.denoised_zero_label)
      outcomes.push(
        await outcome(`${path}/denoised_zero_label`, async () =>
          compare('denoised_zero_label', (await evaluate(false)).denoised, bounds),
        ),
      );
    await denoiser.close();
  }
  return outcomes;
}

/** All channels of the bare network's output at its scaled input. */
async function rawOutput(checkpoint: Checkpoint, arrays: Tensors): Promise<Float64Array> {
  const session = await InferenceSession.create(exportDenoiser(checkpoint, { parts: true }).graph);
  const feeds = ['x', 'sigma', 'class_labels']
    .filter((name) => arrays[name])
    .map((name) => [name, new Tensor('float32', toFloat32(arrays[name]!), arrays[name]!.shape)]);
  const { raw } = await session.run(Object.fromEntries(feeds));
  await session.release();
  return Float64Array.from(raw!.data as Float32Array);
}

/** One-hot rows as class numbers. */
function classes(oneHot: Tensors[string]): number[] {
  const [rows, width] = oneHot.shape as [number, number];
  const data = toFloat32(oneHot);
  return Array.from({ length: rows }, (_, n) => data.subarray(n * width, (n + 1) * width).indexOf(1));
}
